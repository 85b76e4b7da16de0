"""What lists and figures show of the requests in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

import orjson

from opalmind_tui.snapshot.model import Control, Gate, RequestRow, State
from opalmind_tui.tracking import given
from opalmind_tui.tracking import rows as stored_rows
from opalmind_tui.tracking.memory_queue.places import LAST, Entry, Item, Place
from opalmind_tui.tracking.memory_queue.store import MICROS, Store
from opalmind_tui.tracking.queue import Closer, QueueCounts, Stored
from opalmind_tui.tracking.rows import Facts

LEDGER = (
    "accepted", "delivered", "rejected", "dropped", "purged", "retried", "recovered", "unknown", "late", "duplicates",
    "conflicts", "refused",
)  # fmt: skip


def seconds(micros: int | None) -> float | None:
    """A moment in seconds; none for none, and for zero."""
    return micros / MICROS if micros else None


def counts(store: Store, endpoint: str, gate: Gate | None, control: Control) -> QueueCounts:
    """All counts at one moment."""
    places, now = store.places, store.now()
    waiting = sum(len(entries) for entries in places.due.values()) + len(places.held)
    pending = sum(entries.bisect_right((now, LAST)) for entries in places.due.values())
    pending += sum(item.due <= now for item in places.held.values())
    other = sum(len(entries) for shard, entries in places.due.items() if shard[0] != endpoint)
    other += sum(item.endpoint != endpoint for item in places.held.values())
    heads = places.heads(endpoint)
    failure, aside = store.last_failure, store.aside.sets
    return QueueCounts(
        at=now / MICROS, pending=pending, scheduled=waiting - pending, inflight=len(places.inflight),
        dead=len(places.dead), held=len(store.without_token), trash=len(aside[State.TRASH]),
        rejected_kept=len(aside[State.REJECTED]), unknown_waiting=len(places.doubted),
        failed=len(places.failed), delivered_kept=len(store.delivered), other_endpoints=other,
        epoch=store.epoch, gate=gate, control=control,
        refused_at=seconds(store.refused_at) or 0.0, refused_by=store.refused_by,
        oldest_accepted=seconds(places.oldest_accepted()), next_due=seconds(heads[0][0]) if heads else None,
        last_error=failure.error, last_error_at=seconds(failure.at) or 0.0, last_status=failure.status,
        last_retry_at=seconds(failure.retry_at) or 0.0, last_backoff=seconds(failure.backoff) or 0.0,
        **{name: store.ledger[name] for name in LEDGER},
    )  # fmt: skip


def rows(store: Store, limit: int, state: State | None, *, unknown_only: bool) -> tuple[RequestRow, ...]:
    """Newest failures, then what is in flight, then the oldest due; or those of one kind."""
    places = store.places
    if unknown_only:
        return rows_of(store, [request_id for _, request_id in islice(reversed(places.doubted), limit)])
    if state in (State.DEAD, State.TRASH, State.REJECTED):
        entries = places.dead if state is State.DEAD else store.aside.sets[state]
        return rows_of(store, [request_id for _, request_id in islice(reversed(entries), limit)])
    if state is not None:
        return rows_of(store, ids(store, state, "", limit, unknown_only=False)[0])
    listed: Iterator[str] = chain(
        (request_id for _, request_id in reversed(places.failed)),
        (request_id for _, request_id in places.inflight),
        places.oldest_due(),
    )
    return rows_of(store, islice(dict.fromkeys(islice(listed, 3 * limit)), limit))


def rows_of(store: Store, ids: Iterable[str]) -> tuple[RequestRow, ...]:
    """The named requests that exist."""
    return tuple(found.row for found in stored_of(store, ids))


def stored_of(store: Store, ids: Iterable[str]) -> tuple[Stored, ...]:
    """The same with their parameters."""
    now = store.now()
    found = []
    for request_id in ids:
        if request_id in store.places.items:
            item = store.places.items[request_id]
            found.append(_stored(item, _state(item, now)))
        elif request_id in store.aside.items:
            kept = store.aside.items[request_id]
            found.append(_stored(kept.item, kept.state))
    return tuple(found)


def closer(store: Store, request_id: str) -> Closer | None:
    """All there is of a request in the queue, the trash or among the rejected."""
    kept = store.aside.items.get(request_id)
    item = store.places.items.get(request_id) or (kept.item if kept is not None else None)
    if item is None:
        return None
    (stored,) = stored_of(store, [request_id])
    record, ends = store.records.get(item.request.key, store.now())
    return Closer(stored, item.request.encode(), item.history, record, ends)


def find(store: Store, id_or_key: str) -> tuple[RequestRow, ...]:
    """What has this id or came with this key."""
    held = (id_or_key, store.keys.get(id_or_key, ""), store.aside.under_key(id_or_key)) if id_or_key else ()
    return rows_of(store, dict.fromkeys(held))


def _stored(item: Item, state: State) -> Stored:
    facts = Facts(
        accepted=item.accepted / MICROS, attempts=item.attempts, status=item.status, error=item.error,
        next_try=seconds(item.due) if state in (State.PENDING, State.SCHEDULED) else None,
        failed_at=seconds(item.failed), unknown=item.unknown, recovered=item.recovered,
    )  # fmt: skip
    return stored_rows.stored_of(item.id, state, item.request.encode(), facts)


def _state(item: Item, now: int) -> State:
    if item.place is Place.INFLIGHT:
        return State.INFLIGHT
    if item.place is Place.DEAD:
        return State.DEAD
    return State.PENDING if item.due <= now else State.SCHEDULED


def ids(
    store: Store, state: State | None, after: str, limit: int, *, unknown_only: bool, within: tuple[int, int] = (0, 0)
) -> tuple[tuple[str, ...], str]:
    """A page of ids in one state. The cursor names a place, so that what leaves meanwhile shifts nothing.

    Args:
        within: as `since` and `until` of the protocol, in microseconds.
    """
    if not unknown_only and state in (State.DEAD, State.TRASH, State.REJECTED):
        low, high = _bounds(state, 0)
        since, until = within
        bounds = (since, "") if since else low, (until, LAST) if until else high
        return _page(_lists(store, state), *bounds, after, limit)
    if not unknown_only:
        return _page(_lists(store, state), *_bounds(state, store.now()), after, limit)
    found, cursor = _page([(("", ""), store.places.doubted)], *_bounds(None, 0), after, limit)
    wanted = [row.id for row in rows_of(store, found) if state in (None, row.state)]
    return tuple(wanted), cursor


def _bounds(state: State | None, now: int) -> tuple[Entry, Entry]:
    """Between which entries a state lies."""
    low, high = (0, ""), (2**63, LAST)
    return (now, LAST) if state is State.SCHEDULED else low, (now, LAST) if state is State.PENDING else high


def _page(
    lists: Iterable[tuple[tuple[str, str], Any]], low: Entry, high: Entry, after: str, limit: int
) -> tuple[tuple[str, ...], str]:
    shard, *entry = _entry_of(after) if after else (["", ""], *low)
    found: list[str] = []
    for place, entries in lists:
        if place >= tuple(shard):
            start = max(low, tuple(entry)) if place == tuple(shard) else low
            for moment, request_id in islice(entries.irange(start, high, (False, True)), limit - len(found)):
                found.append(request_id)
                shard, entry = place, [moment, request_id]
            if len(found) == limit:
                return tuple(found), orjson.dumps([shard, *entry]).decode()
    return tuple(found), ""


def _entry_of(cursor: str) -> list[Any]:
    try:
        (endpoint, shard), moment, request_id = orjson.loads(cursor)
    except (ValueError, TypeError):
        given.cursor_refused()
    if not (isinstance(moment, int) and all(isinstance(part, str) for part in (endpoint, shard, request_id))):
        given.cursor_refused()
    return [[endpoint, shard], moment, request_id]


def _lists(store: Store, state: State | None) -> Iterable[tuple[tuple[str, str], Any]]:
    if state is State.INFLIGHT:
        return [(("", ""), store.places.inflight)]
    if state is State.DEAD:
        return [(("", ""), store.places.dead)]
    if state in (State.TRASH, State.REJECTED):
        return [(("", ""), store.aside.sets[state])]
    return sorted(store.places.due.items(), key=lambda found: found[0])
