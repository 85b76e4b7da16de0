"""The check `redis-connection`: which store serves, and whether the server is fit for a queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opalmind_tui.health.facts import Facts, Finding, known, with_reasons, worst
from opalmind_tui.health.words import many
from opalmind_tui.observe.durability import drops_queue, drops_records
from opalmind_tui.snapshot.model import Check, KeyCounts, Mode, ServerView, Verdict

MEMORY_WARN = 0.8
"""Share of maxmemory in use from which the server is nearly full."""
MEMORY_FAIL = 0.95
"""The same where it then refuses writes instead of evicting."""
_FIGURES = (
    "server", "version", "usedMemory", "maxMemory", "maxMemoryPolicy", "connectedClients", "evictedKeys",
    "keyspaceHits", "keyspaceMisses",
)  # fmt: skip


def redis_check(facts: Facts) -> Check:
    """How the store does. Figures that cannot be read are null, never 0 (ruling 3)."""
    away = away_because(facts)
    server = known(facts.server)
    findings = _findings(facts, server, away)
    return Check(
        "redis-connection",
        worst(verdict for verdict, _ in findings),
        with_reasons(_output(server), findings) if server else "; ".join(sentence for _, sentence in findings),
        "service",
        None if server is None else round(server.round_trip * 1000, 3),
        "ms",
        (("mode", str(facts.store.mode)), *_figures(server), *_keys(known(facts.keys))),
    )


def away_because(facts: Facts) -> str:
    """Why Redis does not serve; empty when it does."""
    reason = facts.clean(facts.store.reason)
    return reason or ("Redis is away" if facts.store.mode is Mode.MEMORY else "")


def _output(server: ServerView) -> str:
    return f"{server.product} {server.version} answered in {server.round_trip * 1000:.1f}ms"


def _findings(facts: Facts, server: ServerView | None, away: str) -> list[Finding]:
    if away and facts.store.recovering:
        moving = f"it is back, {many(facts.store.only_here, 'request')} of this process moving over"
        return [(Verdict.WARN, moving), *(_wrong_with(server) if server else [])]
    if away:
        store = facts.store
        here = f"; running on memory, {many(store.only_here, 'request')} only here" if store.mode is Mode.MEMORY else ""
        return [(Verdict.WARN, f"{away}{here}"), *(_wrong_with(server) if server else [])]
    if server is None:
        error = facts.server.error
        return [(Verdict.UNKNOWN, "not asked yet" if error is None else f"cannot be read: {facts.clean(error)}")]
    return _wrong_with(server)


def _wrong_with(server: ServerView) -> list[Finding]:
    return [found for rule in SERVER_RULES if (found := rule(server)) is not None]


def _figures(server: ServerView | None) -> tuple[tuple[str, Any], ...]:
    if server is None:
        return tuple((name, None) for name in _FIGURES)
    values = (
        server.product, server.version, server.used_memory, server.max_memory, server.policy, server.clients,
        server.evicted_keys, server.keyspace_hits, server.keyspace_misses,
    )  # fmt: skip
    return tuple(zip(_FIGURES, values, strict=True))


def _keys(keys: KeyCounts | None) -> tuple[tuple[str, Any], ...]:
    names = ("idempotency", "cache", "queue", "stats", "other")
    counts = {name: None if keys is None else getattr(keys, name) for name in names}
    return (("keys", counts), ("keysExact", None if keys is None else keys.exact))


def _loading(server: ServerView) -> Finding | None:
    return (Verdict.WARN, "it is loading its data") if server.loading else None


def _replica(server: ServerView) -> Finding | None:
    return (Verdict.WARN, "it is a replica: nothing can be written") if server.role == "slave" else None


def _unsaved(server: ServerView) -> Finding | None:
    if server.aof_error:
        return Verdict.FAIL, "its append-only file cannot be written"
    return (Verdict.WARN, "its last snapshot could not be saved") if server.bgsave_error else None


def _evicting(server: ServerView) -> Finding | None:
    if drops_queue(server):
        return Verdict.WARN, f"eviction policy {server.policy} can drop queued requests"
    if drops_records(server):
        return Verdict.WARN, f"eviction policy {server.policy} can drop idempotency records"
    return None


def _full(server: ServerView) -> Finding | None:
    share = server.used_memory / server.max_memory if server.max_memory else 0.0
    if share < MEMORY_WARN:
        return None
    refuses = server.policy == "noeviction" and share >= MEMORY_FAIL
    return Verdict.FAIL if refuses else Verdict.WARN, f"{min(share, 1):.0%} of its memory is used ({server.policy})"


SERVER_RULES: tuple[Callable[[ServerView], Finding | None], ...] = (_loading, _replica, _unsaved, _evicting, _full)
"""What can be wrong with a server that answers, the worst first."""
