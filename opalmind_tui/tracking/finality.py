"""Which hits of a bulk are settled for good, and which are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from opalmind_tui.tracking.prepare import Hit
from opalmind_tui.tracking.queue import Fate, Settlement
from opalmind_tui.tracking.verdict import Decision

FINAL = frozenset({Fate.DELIVERED, Fate.REJECTED, Fate.DROPPED})
"""Matomo has answered for good."""


def is_final(decision: Decision) -> bool:
    """Whether none of the bulk is sent again."""
    return decision.alike or all(each.fate in FINAL for each in decision.settlements)


def sorted_out(
    bulk: Sequence[Hit], decision: Decision, *, resend_unknown: bool
) -> tuple[list[Settlement], Mapping[tuple[Fate, str], Sequence[Hit]]]:
    """How those are settled that are not for good, and the hits that are, by fate and error: nearly always all of them.

    Args:
        resend_unknown: whether what was posted and not answered is sent again; else it is dead.
    """
    if decision.alike:
        return [], {(Fate.DELIVERED, ""): bulk}
    settlements: list[Settlement] = []
    final: dict[tuple[Fate, str], list[Hit]] = {}
    for hit, settlement in zip(bulk, decision.settlements, strict=True):
        if settlement.fate in FINAL:
            final.setdefault((settlement.fate, settlement.error), []).append(hit)
        elif settlement.fate is Fate.RETRY and settlement.unknown and not resend_unknown:
            why = f"its outcome is unknown: {settlement.error}; it may be counted already"
            settlements.append(replace(settlement, fate=Fate.DEAD, error=why, delay=0.0))
        elif settlement.fate is Fate.RETRY:
            settlements.append(replace(settlement, alone=len(bulk) == 1))
        else:
            settlements.append(settlement)
    return settlements, final
