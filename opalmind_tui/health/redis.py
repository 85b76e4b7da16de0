"""The check `redis-connection`: which store serves, and whether the server is fit for a queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opalmind_tui.health.facts import Facts, Finding, known, with_reasons, worst
from opalmind_tui.health.words import many
from opalmind_tui.observe.durability import drops_queue, drops_records
from opalmind_tui.snapshot.model import Check, KeyCounts, Mode, ServerView, Verdict
from opalmind_tui.snapshot.server import NodeView
from opalmind_tui.storage.slots import spans_text

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
        (("mode", str(facts.store.mode)), *_figures(server), *_keys(known(facts.keys)), *_nodes(server)),
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
        return [(Verdict.WARN, moving), *(wrong_with(server) if server else [])]
    if away:
        store = facts.store
        here = f"; running on memory, {many(store.only_here, 'request')} only here" if store.mode is Mode.MEMORY else ""
        return [(Verdict.WARN, f"{away}{here}"), *(wrong_with(server) if server else [])]
    if server is None:
        error = facts.server.error
        return [(Verdict.UNKNOWN, "not asked yet" if error is None else f"cannot be read: {facts.clean(error)}")]
    return wrong_with(server)


def wrong_with(server: ServerView) -> list[Finding]:
    """What is wrong with a server that answers, the worst first; of a Cluster it names the node."""
    if not server.nodes:
        return [found for rule in SERVER_RULES if (found := rule(server)) is not None]
    said = [(Verdict.FAIL, f"{shard(node)} does not answer: {node.error}") for node in server.nodes if node.error]
    fullest = sorted(
        ((node, node.view) for node in server.nodes if node.view is not None and not node.error),
        key=lambda one: -(one[1].memory_share or 0.0),
    )
    for rule, elsewhere in zip(SERVER_RULES, ELSEWHERE_RULES, strict=True):
        wrong = [
            (node.address, one)
            for node, view in fullest
            if (one := (rule if node.home else elsewhere)(view)) is not None
        ]
        if wrong:
            said.append(_named(wrong, len(fullest)))
    return said


def _named(wrong: list[tuple[str, Finding]], of: int) -> Finding:
    """One sentence for all nodes of which the same is wrong: the worst by its address, and how many more."""
    verdict = worst(said[0] for _, said in wrong)
    address, (_, sentence) = next(one for one in wrong if one[1][0] is verdict)
    more = "" if len(wrong) == 1 else f" (as on {len(wrong) - 1} more of {of})" if len(wrong) < of else " (as on all)"
    return verdict, f"node {address}: {sentence}{more}"


def shard(node: NodeView) -> str:
    """A node of a Cluster and its slots."""
    return f"node {node.address} (slots {spans_text(node.slots)})"


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


def _nodes(server: ServerView | None) -> tuple[tuple[str, Any], ...]:
    """Of a Cluster, each primary by itself."""
    if server is None or not server.nodes:
        return ()
    return (("nodes", [_node(node) for node in server.nodes]),)


def _node(node: NodeView) -> dict[str, Any]:
    view = node.view
    return {
        "address": node.address,
        "hasQueue": node.home,
        "slots": [list(span) for span in node.slots],
        "usedMemory": view and view.used_memory,
        "maxMemory": view and view.max_memory,
        "evictedKeys": view and view.evicted_keys,
        "appendOnly": view and view.aof_enabled,
        "replicas": len(node.replicas),
        "error": node.error or None,
    }


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


def _evicting_elsewhere(server: ServerView) -> Finding | None:
    """On a node without the queue."""
    if drops_queue(server) or drops_records(server):
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
ELSEWHERE_RULES = tuple(_evicting_elsewhere if rule is _evicting else rule for rule in SERVER_RULES)
"""The same for a node of a Cluster that does not have the queue."""
