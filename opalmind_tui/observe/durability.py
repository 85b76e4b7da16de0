"""The guarantee that holds now, and what the eviction policy can do to it, in plain words (I2). Pure."""

from __future__ import annotations

from opalmind_tui.snapshot.model import Mode, ServerView

_CRASH = "accepted requests survive: our crash yes; a Redis crash: "
_FSYNC = {
    "always": "yes (always)",
    "everysec": "up to 1 s lost (everysec)",
    "no": "about 30 s lost (appendfsync no)",
}


def durability(mode: Mode, server: ServerView | None) -> str:
    """What survives which crash.

    Args:
        mode: where requests are accepted now.
        server: the server's figures; None when it does not tell.
    """
    if mode is Mode.MEMORY:
        return "accepted requests live in this process's memory only: its end loses them until Redis is back"
    if server is None:
        return f"{_CRASH}unknown (the server does not tell)"
    sentence = _CRASH + _redis_crash(server)
    policy = server.policy
    return f"{sentence}; eviction ({policy}) can drop queued requests" if drops_queue(server) else sentence


def _redis_crash(server: ServerView) -> str:
    if server.aof_error:
        return "unknown (its append-only file cannot be written)"
    if server.aof_enabled:
        return _FSYNC.get(server.appendfsync, "unknown (AOF is on; the server does not tell its appendfsync)")
    if server.save_enabled is None:
        return "all since its last snapshot lost, if it makes any (no AOF)"
    return "all since its last snapshot lost (no AOF)" if server.save_enabled else "all lost (no persistence)"


def drops_queue(server: ServerView) -> bool:
    """The server may evict keys without a TTL: the queue's own. Only a limit of memory makes it evict."""
    return server.max_memory > 0 and server.policy.startswith("allkeys-")


def drops_records(server: ServerView) -> bool:
    """The server may evict idempotency records before cached reports, which leads to duplicates.

    ``volatile-ttl`` takes the keys that end soonest first, and a cached report ends before a record.
    """
    return server.max_memory > 0 and server.policy.startswith("volatile-") and server.policy != "volatile-ttl"
