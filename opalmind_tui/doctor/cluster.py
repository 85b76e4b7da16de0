"""What only a Cluster can have: a node that is gone, one without a replica; and one finding for several nodes."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from opalmind_tui.doctor.facts import Facts
from opalmind_tui.health.redis import shard
from opalmind_tui.health.words import lasting
from opalmind_tui.snapshot.findings import Finding, Severity

BEHIND = 10
"""Seconds without a word from a replica."""
_TOLD = 3
"""Nodes of which the evidence is told in full."""
_ORDER = (Severity.FAILURE, Severity.WARNING, Severity.REMARK)


def together(found: Sequence[tuple[str, Finding]], of: int) -> Finding:
    """What was found on several nodes as one finding: it names them, and has the command for each.

    Args:
        found: address of the node, and the finding there.
        of: nodes that were looked at.
    """
    ordered = sorted(found, key=lambda one: _ORDER.index(one[1].severity))
    first = ordered[0][1]
    told = [f"Node {address}: {finding.evidence}" for address, finding in ordered[:_TOLD]]
    more = [f"Likewise {', '.join(address for address, _ in ordered[_TOLD:])}."] if len(ordered) > _TOLD else []
    count = [f"{len(ordered)} of {of} primaries."] if len(ordered) > 1 else []
    commands = [finding.command for _, finding in ordered if finding.command]
    return replace(first, evidence=" ".join((*count, *told, *more)), command="; ".join(dict.fromkeys(commands)))


def silent_node(facts: Facts) -> Finding | None:
    """A primary that does not answer, while the one with the queue does."""
    silent = [node for node in facts.server.nodes if node.error] if facts.server is not None else []
    if not silent:
        return None
    shards = "; ".join(f"{shard(node)}: {node.error}" for node in silent)
    return Finding(
        "silent-node", Severity.FAILURE, "A node of the Cluster does not answer", f"{shards}.",
        "Records of what was sent and reports in its slots can be neither read nor written: long-lived processes go on "
        "in memory, where nothing is lost while they live.",
        "Start the node again, or let its replica take over (CLUSTER FAILOVER there). Where the node is gone for good "
        "and has no replica, its slots must be given to others: CLUSTER ADDSLOTS; what was in them is lost.",
        facts.cli("cluster", "nodes"),
    )  # fmt: skip


def alone(facts: Facts) -> Finding | None:
    """Primaries that nobody would follow."""
    nodes = facts.server.nodes if facts.server is not None else ()
    bare = [node.address for node in nodes if node.view is not None and not node.replicas]
    if not bare:
        return None
    return Finding(
        "no-replica", Severity.REMARK, "Nodes of the Cluster have no replica",
        f"Nobody follows {', '.join(bare)}.",
        "When such a node is lost, the whole Cluster stops by default, and what the node had is gone with its disk.",
        "Give each primary a replica: start a node, let it CLUSTER MEET one of these, then CLUSTER REPLICATE there.",
        facts.cli("cluster", "nodes"),
    )  # fmt: skip


def behind(facts: Facts) -> Finding | None:
    """Replicas that lag, or have not got the data."""
    nodes = facts.server.nodes if facts.server is not None else ()
    late = [(node.address, one) for node in nodes for one in node.replicas if one.state != "online" or one.lag > BEHIND]
    if not late:
        return None
    told = "; ".join(f"{one.address} ({one.state}) of {address}, last heard {lasting(one.lag)} ago"
                     for address, one in late)  # fmt: skip
    return Finding(
        "replica-behind", Severity.WARNING, "A replica does not keep up", f"{told}.",
        "If its primary is lost now, what the replica has not got yet is lost with it.",
        "Look at the replica, its log and the network between the two.", facts.cli("cluster", "nodes"),
    )  # fmt: skip
