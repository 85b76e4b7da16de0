"""What the queue screen asks for in a snapshot."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from opalmind_tui.engine.queue_look import ROWS_BYTES
from opalmind_tui.errors import OpalmindError
from opalmind_tui.snapshot.listing import Groups, GroupView, Listing, ListView
from opalmind_tui.snapshot.model import Reading, Snapshot
from opalmind_tui.storage.meter import Meter
from opalmind_tui.tracking.failover_queue import FailoverQueue

if TYPE_CHECKING:
    from opalmind_tui.engine.finding.grouping import Grouping
    from opalmind_tui.engine.finding.searching import Search

ROWS_REST = 5.0
"""Seconds that a list is left alone at the most."""


class Finding:
    """Reads the lists that a screen shows; one search and one grouping at a time, for as long as they are looked at.

    Args:
        need_store: raises why the store cannot be asked now.
        clock: epoch seconds.
        meter: counts what this process asks.
    """

    def __init__(
        self, queue: FailoverQueue, need_store: Callable[[], None], clock: Callable[[], float], meter: Meter
    ) -> None:
        self._queue, self._need_store, self._clock, self._meter = queue, need_store, clock, meter
        self._rest_until = 0.0
        self._listing: Reading[Listing] = Reading()
        self._groups: Reading[Groups] = Reading()
        self._search: Search | None = None
        self._grouping: Grouping | None = None
        self._mode = queue.mode

    async def add_to(self, snapshot: Snapshot, view: ListView | None, groups: GroupView | None) -> Snapshot:
        """The snapshot with the list and the groups that a screen wants, if it wants them."""
        if self._mode is not self._queue.mode:
            # What was found in one store says nothing of the other.
            await self.stop()
            self._mode = self._queue.mode
        if view is not None:
            snapshot = replace(snapshot, listing=await self._list_or_why_not(view))
        elif self._search is not None:
            await self._search.stop()
            self._search = None
        if groups is not None:
            snapshot = replace(snapshot, groups=await self._groups_or_why_not(groups))
        elif self._grouping is not None:
            await self._grouping.stop()
            self._grouping = None
        return snapshot

    def expire(self) -> None:
        """Something was changed on purpose: the next list is read anew."""
        self._rest_until = 0.0

    async def stop(self) -> None:
        """Look no more."""
        for work in (self._search, self._grouping):
            if work is not None:
                await work.stop()
        self._search = self._grouping = None
        self._listing, self._groups = Reading(), Reading()

    async def _list_or_why_not(self, view: ListView) -> Reading[Listing]:
        former = self._listing.value
        if former is not None and (former.view.tab, former.view.filter) != (view.tab, view.filter):
            # Rows of another list must not stand under the name of this one.
            self._listing = Reading()
        try:
            self._need_store()
            if not self._rests(view):
                found = await self._list(view)
                now = self._clock()
                self._listing = Reading(found, now, every=max(0.0, self._rest_until - now))
        except OpalmindError as error:
            self._rest_until = 0.0
            self._listing = replace(self._listing, error=str(error))
        return self._listing

    def _rests(self, view: ListView) -> bool:
        """Whether what was read of a long list a moment ago does still."""
        known = self._listing.value
        return (
            known is not None
            and known.view == view
            and self._rest_until - ROWS_REST <= self._clock() < self._rest_until
        )

    async def _list(self, view: ListView) -> Listing:
        self._rest_until = 0.0
        if self._search is not None and (not view.searched or not self._search.answers(view)):
            await self._search.stop()
            self._search = None
        if view.searched:
            if self._search is None:
                from opalmind_tui.engine.finding.searching import Search

                self._search = Search(self._queue, view, self._clock)
            return await self._search.listing(view)
        before = self._meter.received
        found = await self._queue.window(
            view.tab, view.sorted_by, first=view.first, rows=view.rows, anchor=view.anchor, above=view.above
        )
        taken = self._meter.received - before
        # A short one is read at each look; of a long one it would cost the server too much.
        if taken > ROWS_BYTES:
            self._rest_until = self._clock() + min(ROWS_REST, taken / ROWS_BYTES)
        return Listing(
            view, found.rows, found.first, total=found.total, matched=found.total, examined=found.total,
            kept=found.total,
        )  # fmt: skip

    async def _groups_or_why_not(self, view: GroupView) -> Reading[Groups]:
        if self._grouping is not None and self._grouping.of != view.filter:
            await self._grouping.stop()
            self._grouping, self._groups = None, Reading()
        if self._grouping is None:
            from opalmind_tui.engine.finding.grouping import Grouping

            self._grouping = Grouping(self._queue, view, self._clock)
        try:
            self._need_store()
            self._groups = Reading(await self._grouping.groups(view), self._clock())
        except OpalmindError as error:
            self._groups = replace(self._groups, error=str(error))
        return self._groups
