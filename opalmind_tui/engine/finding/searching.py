"""Lists that must be gone through: filtered, or in an order that the store does not keep."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable

from opalmind_tui.engine.finding.matching import fits
from opalmind_tui.engine.finding.walking import Pass, Walker
from opalmind_tui.engine.finding.windows import first_of
from opalmind_tui.snapshot.listing import OWN_ORDERS, SEARCH_KEPT, TAB_OF, Listing, ListView, Order, Tab
from opalmind_tui.snapshot.model import RequestRow, State
from opalmind_tui.tracking.queue import Stored, TrackingQueue

Key = tuple[float, str]
KEYS: dict[Order, Callable[[RequestRow], float]] = {
    Order.NEWEST: lambda row: -(row.left_at or row.failed_at or 0.0),
    Order.NEXT_TRY: lambda row: row.next_try if row.next_try is not None else float("inf"),
    Order.OLDEST_ACCEPTED: lambda row: row.accepted,
    Order.NEWEST_ACCEPTED: lambda row: -row.accepted,
}


class Best:
    """The first of the matches in an order; no more than `SEARCH_KEPT`.

    Args:
        as_they_come: the list is gone through in this order already.
    """

    def __init__(self, order: Order, *, as_they_come: bool) -> None:
        self._key = KEYS[order]
        self._as_they_come = as_they_come
        self._number = 0
        self._sorted: list[Key] = []
        self.rows: dict[str, RequestRow] = {}

    def take(self, found: Stored) -> None:
        """One more match."""
        row = found.row
        self._number += 1
        if row.id in self.rows or (self._as_they_come and len(self.rows) == SEARCH_KEPT):
            return
        key = (float(self._number) if self._as_they_come else self._key(row), row.id)
        if len(self._sorted) == SEARCH_KEPT:
            if key >= self._sorted[-1]:
                return
            del self.rows[self._sorted.pop()[1]]
        insort(self._sorted, key)
        self.rows[row.id] = row

    def ids(self) -> list[str]:
        """In order."""
        return [request_id for _, request_id in self._sorted]

    def forget(self, gone: set[str]) -> None:
        """They are not in the list any more."""
        self._sorted = [key for key in self._sorted if key[1] not in gone]
        for request_id in gone:
            del self.rows[request_id]


class Search:
    """One search: the list, the filter and the order stay, the window moves."""

    def __init__(self, queue: TrackingQueue, view: ListView, clock: Callable[[], float]) -> None:
        self._queue, self._tab, self._of = queue, view.tab, _identity(view)
        order, own = view.sorted_by, OWN_ORDERS[view.tab][0]
        as_they_come = order is own is Order.NEWEST
        self._walker = Walker(queue, view.tab, fits(view.filter), lambda: Best(order, as_they_come=as_they_come), clock)

    def answers(self, view: ListView) -> bool:
        """Whether the view is a window of this search."""
        return self._of == _identity(view)

    async def listing(self, view: ListView) -> Listing:
        """The window as of now. Raises `StoreUnavailable`."""
        found = await self._walker.look()
        ids = found.collector.ids()
        first = first_of(view, ids)
        rows = await self._fresh(found, ids[first : first + view.rows])
        return Listing(
            view, rows, first, total=found.total, matched=found.matched, examined=found.examined, done=found.done,
            kept=len(found.collector.rows),
        )  # fmt: skip

    async def _fresh(self, found: Pass[Best], ids: list[str]) -> tuple[RequestRow, ...]:
        """The rows as they are now; what is in the list no more leaves."""
        if self._tab is Tab.DELIVERED:
            return tuple(found.collector.rows[request_id] for request_id in ids)
        rows = tuple(row for row in await self._queue.rows_of(ids) if still_in(self._tab, row))
        gone = set(ids) - {row.id for row in rows}
        if gone:
            found.collector.forget(gone)
            found.matched -= len(gone)
        return rows

    async def stop(self) -> None:
        """Nobody looks any more."""
        await self._walker.stop()


def _identity(view: ListView) -> tuple[object, ...]:
    """What makes a search another one."""
    return view.tab, view.filter, view.sorted_by


def still_in(tab: Tab, row: RequestRow) -> bool:
    """Whether a request is in a list."""
    if tab is Tab.FAILED:
        return row.failed_at is not None and row.state not in (State.TRASH, State.REJECTED)
    if tab is Tab.UNKNOWN:
        return row.unknown > 0 and row.state not in (State.TRASH, State.REJECTED)
    return TAB_OF[row.state] is tab
