"""The fates of claimed requests in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking.memory_queue.leases import Leases
from opalmind_tui.tracking.memory_queue.places import Item, Place
from opalmind_tui.tracking.memory_queue.store import MICROS, Store
from opalmind_tui.tracking.queue import Fate, Settled, Settlement, cut

COUNTED = {
    Fate.DELIVERED: "delivered",
    Fate.RETRY: "retried",
    Fate.REJECTED: "rejected",
    Fate.DROPPED: "dropped",
}


def settle(store: Store, leases: Leases, token: str, settlements: Sequence[Settlement], ttl: int) -> Settled:
    """Apply the fates of what carries this token, wherever it stands by now. `ttl` of records in seconds."""
    now = store.now()
    done = late = lost = 0
    unposted: Counter[str] = Counter()
    for at, settlement in enumerate(settlements, 1):
        item = store.places.items.get(settlement.id)
        if item is None and _leaves_trash(store, token, settlement, now, ttl):
            late += 1
            continue
        if item is None or not token or not _is_ours(item, token, settlement.fate):
            lost += 1
            continue
        in_time = item.place is Place.INFLIGHT
        done, late = done + int(in_time), late + int(not in_time)
        if in_time and (settlement.unposted or settlement.fate is Fate.UNSENT):
            unposted[item.endpoint] += 1
        # Of requests settled together the first stays before the others, and none lies ahead of now.
        score = now - len(settlements) + at
        if settlement.fate in (Fate.RETRY, Fate.DEAD):
            _fail(store, item, settlement, score, now, counted_already=not in_time)
        elif settlement.fate is Fate.REJECTED:
            _refuse(store, item, settlement, score)
        elif settlement.fate is Fate.UNSENT:
            item.token = ""
            store.places.move(item, Place.DUE)
        else:
            _note_success(store, item.endpoint, settlement, now)
            _finish(store, item, settlement, now, ttl)
        if settlement.fate in COUNTED:
            store.ledger[COUNTED[settlement.fate]] += 1
        _remember(store, settlement, now)
    store.ledger["late"] += late
    leases.settled(token, {settlement.id for settlement in settlements})
    for endpoint, number in unposted.items():
        leases.free_hits(endpoint, number)
    return Settled(done, late, lost)


def _is_ours(item: Item, token: str, fate: Fate) -> bool:
    """Under this token; or it waits, nobody has it, and Matomo took it."""
    unleased = item.place is Place.DUE and fate is Fate.DELIVERED
    return not item.adopting and (item.token == token or unleased)


def _note_success(store: Store, endpoint: str, settlement: Settlement, now: int) -> None:
    if settlement.fate is Fate.DELIVERED:
        store.taken[endpoint] = now
        if settlement.token:
            store.proved[endpoint] = now


def _leaves_trash(store: Store, token: str, settlement: Settlement, now: int, ttl: int) -> bool:
    """It was purged meanwhile, and delivered: a restore would send it twice. Its key was freed when it was purged: it
    has a record only if that is still so."""
    kept = store.aside.in_trash(settlement.id)
    if kept is None or not token or kept.item.token != token or settlement.fate is not Fate.DELIVERED:
        return False
    item = kept.item
    store.aside.take(item.id)
    store.note_delivered(item, now)
    store.ledger.update({"purged": -1, "delivered": 1})
    _note_success(store, item.endpoint, settlement, now)
    if kept.owned and settlement.record and item.request.key not in store.keys:
        store.records.put(item.request.key, settlement.record, item.request.fingerprint, now + ttl * MICROS, now)
    _remember(store, settlement, now)
    return True


def _finish(store: Store, item: Item, settlement: Settlement, now: int, ttl: int) -> None:
    store.forget(item)
    if settlement.fate is Fate.DELIVERED:
        store.note_delivered(item, now)
    if item.request.key and settlement.record:
        ends = now + ttl * MICROS
        store.records.put(item.request.key, settlement.record, item.request.fingerprint, ends, now)


def _refuse(store: Store, item: Item, settlement: Settlement, score: int) -> None:
    """Out of the queue, and kept to be looked at."""
    item.attempts += int(settlement.costs_attempt)
    item.token = ""
    store.note_failure(item, score, settlement.status, settlement.error)
    item.due = score
    store.aside.put(item, State.REJECTED, score, owned=store.forget(item))


def _fail(store: Store, item: Item, settlement: Settlement, score: int, now: int, *, counted_already: bool) -> None:
    """Put it off, or bury it. Its unknown outcome counts once, by the reaper or here."""
    item.attempts += int(settlement.costs_attempt)
    if settlement.alone:
        item.alone = now
    if settlement.unknown and not counted_already:
        store.places.mark_unknown(item, score)
        store.ledger["unknown"] += 1
    item.token = ""
    delay = settlement.delay if settlement.fate is Fate.RETRY else None
    store.note_failure(item, score, settlement.status, settlement.error, delay)
    if settlement.fate is Fate.DEAD:
        store.bury(item, score)
    else:
        delay = round(settlement.delay * MICROS)
        store.places.reschedule(item, score + delay)
        store.last_failure.retry_at, store.last_failure.backoff = now, delay


def _remember(store: Store, settlement: Settlement, now: int) -> None:
    if settlement.error:
        failure = store.last_failure
        failure.error, failure.at, failure.status = cut(settlement.error), now, settlement.status
