"""One cached report, asked of Matomo anew."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import Struct

from opalmind_tui.engine.acts.kind import OnProgress, count, outcome, unseen
from opalmind_tui.errors import OpalmindError
from opalmind_tui.reports.refetch import Wish, wish_of
from opalmind_tui.snapshot.commands import Command, Outcome, Plan
from opalmind_tui.text import safe_text

_SHOWN = 100
"""Cells of a key that a title shows."""
_PRICED = ("campaigns", "trafficChannels", "ecommerceOverview", "ecommerceRevenueTotals", "goalConversions")
"""Reports that name the site's currency."""


class Refetch(Struct):
    """Fetches a report and puts it in the place of the entry.

    Args:
        may: raises `OpalmindError` where no Matomo can be asked.
        fetch: does it; returns whether the report was stored.
    """

    may: Callable[[], object]
    fetch: Callable[[Wish], Awaitable[bool]]

    async def plan(self, command: Command, on_progress: OnProgress = unseen) -> Plan:
        self.may()
        wish = wish_of(command.key)
        costs = f"It costs {count(len(wish.feature.methods), 'request')} to Matomo, now."
        if wish.feature.name in _PRICED:
            costs += " One more for the site's currency, where that is not known yet."
        return Plan(
            command,
            f"Fetch 1 report of {wish.feature.name} anew under {safe_text(command.key, _SHOWN)}",
            1,
            (),
            (costs, "Every process is given the new report from then on; where Matomo fails the entry stays."),
            "What was stored is replaced; it cannot be brought back.",
        )

    async def run(self, plan: Plan, on_progress: OnProgress) -> Outcome:
        try:
            stored = await self.fetch(wish_of(plan.command.key))
        except OpalmindError as error:
            return outcome(0, 0, 1, "fetched", str(error), cancelled=False)
        except asyncio.CancelledError:
            return outcome(0, 0, 1, "fetched", "", cancelled=True)
        return outcome(1, 0, 0, "fetched anew" if stored else "fetched; it was not stored", "", cancelled=False)
