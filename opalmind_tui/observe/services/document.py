"""Reads a service's answer. Nothing in it is believed by its looks: wrong types count as not told."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson

from opalmind_tui.snapshot.services import ServiceFigures

STATUSES = ("healthy", "degraded", "unhealthy")
MOST_TEXT = 300
"""Characters of a text that are kept: an error may hold a whole web page."""
MOST_CHECKS = 20
_MOST_COUNT = 2**53
_TROUBLED = ("warn", "fail")
Object = Mapping[str, Any]


class NoDocument(Exception):
    """The answer is no health document; says what it is instead."""


def figures_of(body: bytes, mask: Callable[[str], str]) -> ServiceFigures:
    """The figures of an answer's body: of the tool, of ``/health``, or of either when the service's check failed.

    Args:
        mask: takes secrets out of a text.

    Raises `NoDocument`.
    """
    document = _parsed(body, mask)
    if isinstance(error := document.get("error"), str):
        # 500 of the tool, 503 of /health: the check itself threw.
        return ServiceFigures("unhealthy", error=_text(error, mask))
    if "checks" not in document and isinstance(document.get("health"), dict):
        document = document["health"]
    status, checks = document.get("status"), document.get("checks")
    if status not in STATUSES or not isinstance(checks, list):
        raise NoDocument("It answers JSON that is no health document")
    named = {check["name"]: check for check in checks[:MOST_CHECKS] if _is_check(check)}
    moment = _moment(document.get("timestamp"))
    return ServiceFigures(
        str(status),
        moment,
        matomo=_matomo(named.get("matomo-api")),
        failing=tuple(
            (_text(name, mask), check["status"], _text(check.get("output"), mask))
            for name, check in named.items()
            if check.get("status") in _TROUBLED
        ),
        **_cache(_details(named, "reports-cache")),
        **_queue(_details(named, "tracking-queue"), moment, mask),
    )


def _parsed(body: bytes, mask: Callable[[str], str]) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        start = body[:4000].decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
        if start[:1] == "<":
            raise NoDocument("A web page came back: is this the address of the service's API?") from None
        told = f": {_text(start, mask)[:80]}" if start else ", it is empty"
        raise NoDocument(f"The answer is no JSON{told}") from None
    if not isinstance(found, dict):
        raise NoDocument("It answers JSON that is no health document")
    return found


def _is_check(check: object) -> bool:
    return isinstance(check, dict) and isinstance(check.get("name"), str)


def _details(named: Mapping[str, Object], name: str) -> Object:
    details = named[name].get("details") if name in named else None
    return details if isinstance(details, dict) else {}


def _matomo(check: Object | None) -> float | None:
    """Only of a call that went well: of one that failed it says 0."""
    if check is None or check.get("status") != "pass":
        return None
    return _milliseconds(check.get("observedValue"))


def _cache(details: Object) -> dict[str, Any]:
    return {name: _count(details.get(name)) for name in ("hits", "misses", "entries")}


def _queue(details: Object, moment: float | None, mask: Callable[[str], str]) -> dict[str, Any]:
    found = details.get("lastError")
    error: Object = found if isinstance(found, dict) else {}
    until = _milliseconds(details.get("cooldownUntil"))
    failed = _milliseconds(error.get("timestamp"))
    return {
        "pending": _count(details.get("pending")),
        "inflight": _count(details.get("inflight")),
        "processed": _count(details.get("totalProcessed")),
        "retried": _count(details.get("totalRetried")),
        "backlog_age": _milliseconds(details.get("backlogAgeMs")),
        "last_error": _text(error.get("message"), mask),
        "last_error_status": _count(error.get("status")),
        "last_error_age": None if failed is None or moment is None else max(0.0, moment - failed),
        "cooldown": 0.0 if until is None or moment is None else max(0.0, until - moment),
    }


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST_COUNT:
        return None
    return int(value)


def _milliseconds(value: object) -> float | None:
    """As seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value / 1000 if 0 <= value <= _MOST_COUNT else None


def _moment(value: object) -> float | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return moment.timestamp() if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError, OSError):
        return None


def _text(value: object, mask: Callable[[str], str]) -> str:
    """Masked before it is cut, or half a secret may be left."""
    return mask(value)[:MOST_TEXT] if isinstance(value, str) else ""
