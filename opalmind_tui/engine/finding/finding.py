"""What the queue screen asks for in a snapshot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from opalmind_tui.errors import OpalmindError
from opalmind_tui.snapshot.listing import Listing, ListView
from opalmind_tui.snapshot.model import Reading, Snapshot
from opalmind_tui.tracking.queue import TrackingQueue


class Finding:
    """Reads the lists that a screen shows.

    Args:
        need_store: raises why the store cannot be asked now.
        clock: epoch seconds.
    """

    def __init__(self, queue: TrackingQueue, need_store: Callable[[], None], clock: Callable[[], float]) -> None:
        self._queue, self._need_store, self._clock = queue, need_store, clock
        self._listing: Reading[Listing] = Reading()

    async def add_to(self, snapshot: Snapshot, view: ListView | None) -> Snapshot:
        """The snapshot with the list that a screen wants, if it wants one."""
        if view is None:
            return snapshot
        former = self._listing.value
        if former is not None and (former.view.tab, former.view.filter) != (view.tab, view.filter):
            # Rows of another list must not stand under the name of this one.
            self._listing = Reading()
        try:
            self._need_store()
            self._listing = Reading(await self._list(view), self._clock())
        except OpalmindError as error:
            self._listing = replace(self._listing, error=str(error))
        return replace(snapshot, listing=self._listing)

    async def _list(self, view: ListView) -> Listing:
        if view.searched:
            return Listing(view, done=False)
        found = await self._queue.window(
            view.tab, view.sorted_by, first=view.first, rows=view.rows, anchor=view.anchor, above=view.above
        )
        return Listing(
            view, found.rows, found.first, total=found.total, matched=found.total, examined=found.total,
            kept=found.total,
        )  # fmt: skip
