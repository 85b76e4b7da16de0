"""What lists and figures show of the requests in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

import orjson

from opalmind_tui.snapshot.model import Gate, RequestRow, State
from opalmind_tui.tracking.memory_queue.places import LAST, Item, Place
from opalmind_tui.tracking.memory_queue.store import MICROS, Store
from opalmind_tui.tracking.queue import QueueCounts
from opalmind_tui.tracking.rows import Facts, row_of

LEDGER = (
    "accepted", "delivered", "rejected", "dropped", "purged", "retried", "recovered", "unknown", "late", "duplicates",
    "conflicts",
)  # fmt: skip


def seconds(micros: int | None) -> float | None:
    """A moment in seconds; none for none, and for zero."""
    return micros / MICROS if micros else None


def counts(store: Store, endpoint: str, gate: Gate | None) -> QueueCounts:
    """All counts at one moment."""
    places, now = store.places, store.now()
    waiting = sum(len(entries) for entries in places.due.values()) + len(places.held)
    pending = sum(entries.bisect_right((now, LAST)) for entries in places.due.values())
    pending += sum(item.due <= now for item in places.held.values())
    other = sum(len(entries) for shard, entries in places.due.items() if shard[0] != endpoint)
    other += sum(item.endpoint != endpoint for item in places.held.values())
    heads = places.heads(endpoint)
    failure = store.last_failure
    return QueueCounts(
        at=now / MICROS, pending=pending, scheduled=waiting - pending, inflight=len(places.inflight),
        dead=len(places.dead), other_endpoints=other, epoch=store.epoch, gate=gate,
        oldest_accepted=seconds(places.oldest_accepted()), next_due=seconds(heads[0][0]) if heads else None,
        last_error=failure.error, last_error_at=seconds(failure.at) or 0.0, last_status=failure.status,
        last_retry_at=seconds(failure.retry_at) or 0.0, last_backoff=seconds(failure.backoff) or 0.0,
        **{name: store.ledger[name] for name in LEDGER},
    )  # fmt: skip


def rows(store: Store, limit: int) -> tuple[RequestRow, ...]:
    """Newest failures, then what is in flight, then the oldest due."""
    places = store.places
    listed: Iterator[str] = chain(
        (request_id for _, request_id in reversed(places.failed)),
        (request_id for _, request_id in places.inflight),
        places.oldest_due(),
    )
    return rows_of(store, islice(dict.fromkeys(islice(listed, 3 * limit)), limit))


def rows_of(store: Store, ids: Iterable[str]) -> tuple[RequestRow, ...]:
    """The named requests that exist."""
    now = store.now()
    return tuple(_row(store.places.items[request_id], now) for request_id in ids if request_id in store.places.items)


def _row(item: Item, now: int) -> RequestRow:
    state = _state(item, now)
    facts = Facts(
        accepted=item.accepted / MICROS, attempts=item.attempts, status=item.status, error=item.error,
        next_try=seconds(item.due) if state in (State.PENDING, State.SCHEDULED) else None,
        failed_at=seconds(item.failed), unknown=item.unknown, recovered=item.recovered,
    )  # fmt: skip
    return row_of(item.id, state, item.request.encode(), facts)


def _state(item: Item, now: int) -> State:
    if item.place is Place.INFLIGHT:
        return State.INFLIGHT
    if item.place is Place.DEAD:
        return State.DEAD
    return State.PENDING if item.due <= now else State.SCHEDULED


def ids(store: Store, state: State, after: str, limit: int) -> tuple[tuple[str, ...], str]:
    """A page of ids in one state. The cursor names a place, so that what leaves meanwhile shifts nothing."""
    low, high = (0, ""), (2**63, LAST)
    if state is State.PENDING:
        high = (store.now(), LAST)
    elif state is State.SCHEDULED:
        low = (store.now(), LAST)
    shard, *entry = orjson.loads(after) if after else (["", ""], *low)
    found: list[str] = []
    for place, entries in _lists(store, state):
        if place >= tuple(shard):
            start = max(low, tuple(entry)) if place == tuple(shard) else low
            for moment, request_id in islice(entries.irange(start, high, (False, True)), limit - len(found)):
                found.append(request_id)
                shard, entry = place, [moment, request_id]
            if len(found) == limit:
                return tuple(found), orjson.dumps([shard, *entry]).decode()
    return tuple(found), ""


def _lists(store: Store, state: State) -> Iterable[tuple[tuple[str, str], Any]]:
    if state is State.INFLIGHT:
        return [(("", ""), store.places.inflight)]
    if state is State.DEAD:
        return [(("", ""), store.places.dead)]
    return sorted(store.places.due.items(), key=lambda found: found[0])
