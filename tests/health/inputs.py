"""Inputs of the checks, healthy unless a test says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opalmind_tui.health import Facts
from opalmind_tui.settings import load_settings
from opalmind_tui.snapshot.model import (
    CacheView,
    Gate,
    GateKind,
    KeyCounts,
    Mode,
    QueueView,
    Reading,
    ServerView,
    StoreStatus,
)

NOW = 1_795_375_400.0
"""19:23:20 UTC."""
TOKEN = "0123456789abcdef0123456789abcdef"
ENVIRON = {"MATOMO_BASE_URL": "https://matomo.example.org", "MATOMO_TOKEN": TOKEN}
SERVER = ServerView(product="valkey", version="9.1.2", policy="noeviction", used_memory=1, clients=3, round_trip=0.0004)


def facts(environ: Mapping[str, str] | None = None, **changes: Any) -> Facts:
    """Healthy facts with changes; `queue`, `cache`, `server`, `keys` and `matomo` may be plain values."""
    values: dict[str, Any] = {
        "queue": queue(),
        "cache": CacheView(),
        "server": SERVER,
        "keys": KeyCounts(idempotency=3, cache=2, queue=9, stats=4, other=1, total=19),
        "matomo": 0.006,
        "store": StoreStatus(),
    } | changes
    for name in ("queue", "cache", "server", "keys", "matomo"):
        if not isinstance(values[name], Reading):
            values[name] = Reading(values[name], NOW)
    return Facts(now=NOW, settings=load_settings({**ENVIRON, **(environ or {})}), **values)


def queue(**changes: Any) -> QueueView:
    """A queue that this process delivers from."""
    return QueueView(**{"delivering_here": True, **changes})


def gate(kind: GateKind, seconds: float = 0.0, reason: str = "503 Service Unavailable", until: float = 8.0) -> Gate:
    """A gate that has been closed for `seconds` and opens in `until`."""
    return Gate(kind, NOW - seconds, NOW + until, reason)


def memory(**changes: Any) -> StoreStatus:
    """Redis away for 17 minutes."""
    status = {"mode": Mode.MEMORY, "since": NOW - 1020, "reason": "Redis refuses connections", "only_here": 41}
    return StoreStatus(**{**status, **changes})


def away(**changes: Any) -> Facts:
    """What a command knows when Redis does not answer."""
    unknown: Reading[Any] = Reading(error="Redis refuses connections. Is it running, and is the port right?")
    readings = dict.fromkeys(("queue", "cache", "server", "keys"), unknown)
    return facts(**{**readings, "store": StoreStatus(reason="Redis refuses connections"), **changes})
