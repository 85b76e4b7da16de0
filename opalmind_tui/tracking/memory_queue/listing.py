"""Windows on the lists of the requests in memory, whatever their length."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import merge
from itertools import islice
from typing import Any

from msgspec import Struct
from sortedcontainers import SortedList

from opalmind_tui.snapshot.listing import Order, Tab
from opalmind_tui.snapshot.model import RequestRow, State
from opalmind_tui.tracking.memory_queue import views
from opalmind_tui.tracking.memory_queue.places import LAST, Entry
from opalmind_tui.tracking.memory_queue.store import Store
from opalmind_tui.tracking.queue import Window

MOST_ROWS = 500


class Part(Struct, frozen=True):
    """The members of a sorted list from rank `begins` until before rank `ends`."""

    entries: Any
    begins: int
    ends: int
    name: str = ""
    """Of a shard that waits, for the lists are several."""

    def holds(self, entry: Entry) -> bool:
        """Whether it is a member."""
        at = self.entries.bisect_left(entry)
        return self.begins <= at < self.ends and bool(self.entries[at] == entry)

    def below(self, entry: Entry) -> int:
        """How many of the part come before an entry."""
        at: int = self.entries.bisect_left(entry)
        return min(max(at, self.begins), self.ends) - self.begins


def window(store: Store, tab: Tab, order: Order, *, first: int, rows: int, anchor: str, above: int) -> Window:
    """As the protocol says."""
    rows = min(rows, MOST_ROWS)
    if tab is Tab.DELIVERED:
        return _window_on_delivered(store.delivered, first, rows, anchor, above)
    parts = parts_of(store, tab)
    total = sum(part.ends - part.begins for part in parts)
    descending = order in (Order.NEWEST, Order.NEWEST_ACCEPTED)
    if anchor and (rank := _rank_of(parts, _entry_of(store, tab, anchor))) is not None:
        first = (total - 1 - rank if descending else rank) - above
    first = max(0, min(first, total - rows))
    number = min(rows, total - first)
    ids = _read(parts, total - first - number if descending else first, number)
    found = views.rows_of(store, reversed(ids) if descending else ids)
    return Window(found, first, total)


def _window_on_delivered(delivered: Sequence[RequestRow], first: int, rows: int, anchor: str, above: int) -> Window:
    found = next((at for at, row in enumerate(delivered) if row.id == anchor), None) if anchor else None
    if found is not None:
        first = found - above
    first = max(0, min(first, len(delivered) - rows))
    return Window(tuple(islice(delivered, first, first + rows)), first, len(delivered))


def parts_of(store: Store, tab: Tab) -> list[Part]:
    """What a list is made of, each part in its order."""
    places, now = store.places, store.now()
    if tab in (Tab.PENDING, Tab.SCHEDULED):
        lists = [(f"{shard} {endpoint}", entries) for (endpoint, shard), entries in places.due.items()]
        if places.held:
            lists.append(("", SortedList((item.due, item.id) for item in places.held.values())))
        cuts = [(name, entries, entries.bisect_right((now, LAST))) for name, entries in sorted(lists, key=_name)]
        if tab is Tab.PENDING:
            return [Part(entries, 0, cut, name) for name, entries, cut in cuts]
        return [Part(entries, cut, len(entries), name) for name, entries, cut in cuts]
    whole = {
        Tab.FAILED: places.failed, Tab.INFLIGHT: places.inflight, Tab.DEAD: places.dead, Tab.UNKNOWN: places.doubted,
        Tab.REJECTED: store.aside.sets[State.REJECTED], Tab.TRASH: store.aside.sets[State.TRASH],
    }[tab]  # fmt: skip
    return [Part(whole, 0, len(whole))]


def _name(named: tuple[str, Any]) -> str:
    return named[0]


def _entry_of(store: Store, tab: Tab, request_id: str) -> Entry | None:
    """How a request stands in a list, if it does."""
    if tab in (Tab.REJECTED, Tab.TRASH):
        kept = store.aside.items.get(request_id)
        return None if kept is None else (kept.moment, request_id)
    item = store.places.items.get(request_id)
    if item is None:
        return None
    moments = {Tab.FAILED: item.failed, Tab.DEAD: item.died, Tab.UNKNOWN: item.doubted, Tab.INFLIGHT: item.accepted}
    return moments.get(tab, item.due), request_id


def _rank_of(parts: Sequence[Part], entry: Entry | None) -> int | None:
    """How many members of all parts come before this one; None where it is no member."""
    if entry is None or not any(part.holds(entry) for part in parts):
        return None
    return sum(part.below(entry) for part in parts)


def _read(parts: Sequence[Part], start: int, number: int) -> list[str]:
    """Ids of so many members of all parts together, in order."""
    if number <= 0:
        return []
    if len(parts) == 1:
        begins = parts[0].begins + start
        return [request_id for _, request_id in parts[0].entries.islice(begins, min(begins + number, parts[0].ends))]
    moment = _moment_at(parts, start)
    starts = [part.begins + part.below((moment, "")) for part in parts]
    behind = sum(start - part.begins for start, part in zip(starts, parts, strict=True))
    ahead = merge(*(part.entries.islice(at, part.ends) for at, part in zip(starts, parts, strict=True)))
    return [request_id for _, request_id in islice(ahead, start - behind, start - behind + number)]


def _moment_at(parts: Sequence[Part], start: int) -> int:
    """The latest moment before which no more than `start` members lie."""
    filled = [part for part in parts if part.ends > part.begins]
    least: int = min(part.entries[part.begins][0] for part in filled)
    most: int = max(part.entries[part.ends - 1][0] for part in filled)
    while least < most:
        middle = (least + most + 1) // 2
        if sum(part.below((middle, "")) for part in filled) <= start:
            least = middle
        else:
            most = middle - 1
    return least
