"""Steps through the lists of the requests in memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import orjson

from opalmind_tui.snapshot.listing import OWN_ORDERS, Order, Tab
from opalmind_tui.tracking import given
from opalmind_tui.tracking.memory_queue import views
from opalmind_tui.tracking.memory_queue.listing import MOST_ROWS, Part, parts_of
from opalmind_tui.tracking.memory_queue.places import LAST, Entry
from opalmind_tui.tracking.memory_queue.store import Store
from opalmind_tui.tracking.queue import Stored, Walked


def walk(store: Store, tab: Tab, after: str, limit: int, until: int) -> Walked:
    """As the protocol says; `until` in microseconds. The cursor names a place, so that what leaves shifts nothing."""
    limit = min(limit, MOST_ROWS)
    if tab is Tab.DELIVERED:
        return _walk_delivered(store, given.place_in(after), limit)
    name, entry = _cursor_of(after) if after else ("", None)
    descending = OWN_ORDERS[tab][0] is Order.NEWEST
    ids: list[str] = []
    for part in parts_of(store, tab):
        if part.name < name or len(ids) == limit:
            continue
        members = _after(part, entry if part.name == name else None, descending, until)
        for member in islice(members, limit - len(ids)):
            ids.append(member[1])
            name, entry = part.name, member
    cursor = orjson.dumps([name, *entry]).decode() if entry is not None and len(ids) == limit else ""
    return Walked(views.stored_of(store, ids), len(ids), cursor)


def _walk_delivered(store: Store, first: int, limit: int) -> Walked:
    rows = tuple(islice(store.delivered, first, first + limit))
    ends = first + len(rows)
    return Walked(tuple(Stored(row, {}) for row in rows), len(rows), str(ends) if ends < len(store.delivered) else "")


def _after(part: Part, entry: Entry | None, descending: bool, until: int) -> Iterator[Entry]:
    """The members after one, in the order of the walk."""
    if descending:
        bound = entry or ((until, LAST) if until else None)
        ends = part.ends if bound is None else part.begins + part.below(bound)
        found: Iterator[Entry] = part.entries.islice(part.begins, ends, reverse=True)
        return found
    begins = part.begins if entry is None else part.begins + part.below(entry) + part.holds(entry)
    found = part.entries.islice(begins, part.ends)
    return found


def _cursor_of(after: str) -> tuple[str, Entry]:
    try:
        name, moment, request_id = orjson.loads(after)
    except (ValueError, TypeError):
        given.cursor_refused()
    if not (isinstance(name, str) and isinstance(moment, int) and isinstance(request_id, str)):
        given.cursor_refused()
    return name, (moment, request_id)
