"""From the fields of INFO, which a server may lack or break, to a view. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec.structs import replace

from opalmind_tui.snapshot.model import ServerView
from opalmind_tui.snapshot.redis_report import Replica

Info = Mapping[str, object]

_PRODUCTS = (("valkey", "valkey_version"), ("dragonfly", "dragonfly_version"), ("redis", "redis_version"))
"""Product and the field with its own version. A fork also reports the `redis_version` that it is compatible with."""
_MOST_REPLICAS = 20
_WORD = 40
"""Characters that are kept of a word."""
_SECTIONS_SINCE = 7
"""Major version of the Redis that takes several sections in one INFO; every Valkey does."""


def whole(info: Info, name: str) -> int:
    """A counter or size; 0 where the field is missing, broken or negative."""
    value = info.get(name)
    return max(0, value) if isinstance(value, int) else int(number(info, name))


def number(info: Info, name: str) -> float:
    """A fraction; 0.0 where the field is missing, broken, negative or not finite."""
    value = info.get(name)
    if not isinstance(value, int | float):
        return 0.0
    value = float(value) if abs(value) < 2**63 else 0.0
    return value if math.isfinite(value) and value > 0 else 0.0


def text(info: Info, name: str) -> str:
    """A word of the server; empty where it is missing."""
    value = info.get(name)
    return str(value) if isinstance(value, str | int | float) else ""


def product(info: Info) -> tuple[str, str]:
    """Name and version of the server's program."""
    for name, field in _PRODUCTS:
        if version := text(info, field):
            return name, version
    return "redis", ""


def takes_several_sections(info: Info) -> bool:
    """Whether INFO may name the sections that we need."""
    name, version = product(info)
    major = version.partition(".")[0]
    return name == "valkey" or (name == "redis" and major.isdecimal() and int(major) >= _SECTIONS_SINCE)


def view_of(info: Info) -> ServerView:
    """Everything that one INFO says by itself; rates and times are added by the caller."""
    name, version = product(info)
    role = text(info, "role")
    view = ServerView(
        product=name,
        version=version,
        role=role,
        used_memory=whole(info, "used_memory"),
        peak_memory=whole(info, "used_memory_peak"),
        max_memory=whole(info, "maxmemory"),
        total_system_memory=whole(info, "total_system_memory"),
        policy=text(info, "maxmemory_policy"),
        fragmentation=number(info, "mem_fragmentation_ratio"),
        clients=whole(info, "connected_clients"),
        blocked_clients=whole(info, "blocked_clients"),
        max_clients=whole(info, "maxclients"),
        keyspace_hits=whole(info, "keyspace_hits"),
        keyspace_misses=whole(info, "keyspace_misses"),
        evicted_keys=whole(info, "evicted_keys"),
        expired_keys=whole(info, "expired_keys"),
        ops_rate=number(info, "instantaneous_ops_per_sec"),
        total_keys=_keys(info),
        uptime=number(info, "uptime_in_seconds"),
    )
    return replace(
        view,
        aof_enabled=whole(info, "aof_enabled") == 1,
        last_save=number(info, "rdb_last_save_time"),
        aof_error=text(info, "aof_last_write_status") not in ("", "ok"),
        bgsave_error=text(info, "rdb_last_bgsave_status") not in ("", "ok"),
        loading=whole(info, "loading") == 1,
        replicas=whole(info, "connected_slaves"),
        master_link_up=text(info, "master_link_status") == "up" if role == "slave" else None,
    )


def keys_of(info: Info, number: int) -> int | None:
    """Keys of one database; None where the server told nothing of databases."""
    if not info:
        return None
    database = info.get(f"db{number}")
    return whole(database, "keys") if isinstance(database, Mapping) else 0


def _keys(info: Info) -> int:
    """Keys of all databases."""
    databases = (value for name, value in info.items() if name.startswith("db") and name[2:].isdecimal())
    return sum(whole(database, "keys") for database in databases if isinstance(database, Mapping))


def replicas_of(info: Info) -> tuple[Replica, ...]:
    """Who follows the server, as it tells."""
    found = (info.get(f"slave{number}") for number in range(_MOST_REPLICAS))
    return tuple(
        Replica(f"{text(one, 'ip')[:_WORD]}:{text(one, 'port')[:_WORD]}", text(one, "state")[:_WORD], whole(one, "lag"))
        for one in found
        if isinstance(one, Mapping)
    )
