"""Lists and groups asked for once, as by a command: gone through to the end, or until enough was found."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

from opalmind_tui.engine.finding.grouping import Alike
from opalmind_tui.engine.finding.matching import fits
from opalmind_tui.engine.finding.walking import STEP
from opalmind_tui.snapshot.filters import Filter
from opalmind_tui.snapshot.listing import Groups, GroupView, Tab
from opalmind_tui.snapshot.model import RequestRow
from opalmind_tui.tracking.queue import Stored, TrackingQueue


async def first_fitting(
    queue: TrackingQueue, tabs: Sequence[Tab], wanted: Filter, limit: int
) -> tuple[RequestRow, ...]:
    """The first requests of these lists that fit, list after list. Raises `StoreUnavailable`."""
    test, found, now = fits(wanted), dict[str, RequestRow](), (await queue.counts("")).at
    for tab in tabs:
        async for one in each(queue, tab):
            if test(one, now):
                found.setdefault(one.row.id, one.row)
            if len(found) == limit:
                return tuple(found.values())
    return tuple(found.values())


async def all_groups(queue: TrackingQueue, view: GroupView) -> Groups:
    """The groups of all failures that fit. Raises `StoreUnavailable`."""
    test, alike, now = fits(view.filter), Alike(), (await queue.counts("")).at
    examined = matched = 0
    async for one in each(queue, Tab.FAILED):
        examined += 1
        if test(one, now):
            matched += 1
            alike.take(one)
    groups = alike.groups(view.rows)
    return Groups(view, groups, matched - sum(group.count for group in groups), examined, examined, matched)


async def each(queue: TrackingQueue, tab: Tab) -> AsyncIterator[Stored]:
    """Every request of a list, in bounded steps that give way."""
    after, more = "", True
    while more:
        began = time.monotonic()
        step = await queue.walk(tab, after=after, limit=STEP)
        for one in step.found:
            yield one
        after, more = step.cursor, bool(step.cursor)
        if more:
            # As long as the step took the server is left to others.
            await asyncio.sleep(time.monotonic() - began)
