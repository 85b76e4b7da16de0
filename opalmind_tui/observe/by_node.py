"""A Cluster's keys node by node, from the same looks that the sum rests on. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from opalmind_tui.observe.looks import Look
from opalmind_tui.observe.survey import Survey
from opalmind_tui.snapshot.census import NodeKeys
from opalmind_tui.snapshot.model import KeyCounts


class NodeTotal(Struct, frozen=True):
    """What is known of a node without looking at its keys.

    Args:
        keys: how many it has.
        counts: exact numbers of them, where they were counted.
        used: bytes of memory that it uses in all; None where that is not known.
    """

    keys: int
    counts: KeyCounts | None = None
    used: int | None = None


def by_node(
    totals: Mapping[str, NodeTotal], drawn: Sequence[Look], known: Sequence[Look], *, whole: bool = False
) -> tuple[NodeKeys, ...]:
    """The census of each node. Within a node the looks are a random sample, too, if a smaller one.

    Args:
        totals: of each node, by its address.
        drawn, known, whole: as in `Survey`, of all nodes.
    """
    return tuple(_of(address, total, drawn, known, whole) for address, total in totals.items())


def _of(address: str, total: NodeTotal, drawn: Sequence[Look], known: Sequence[Look], whole: bool) -> NodeKeys:
    theirs = [look for look in drawn if look.node == address]
    survey = Survey(
        len(theirs) if whole else total.keys,
        theirs,
        [look for look in known if look.node == address],
        None if whole else total.counts,
        whole,
        total.used,
    )
    return NodeKeys(address, survey.census())
