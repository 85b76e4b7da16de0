"""What an operator does to the requests in memory."""

from __future__ import annotations

from collections.abc import Sequence

from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking.memory_queue.aside import Kept
from opalmind_tui.tracking.memory_queue.places import Item, Place
from opalmind_tui.tracking.memory_queue.store import Store
from opalmind_tui.tracking.queue import Moved, Restored


def retry(store: Store, ids: Sequence[str], delay: int = 0) -> Moved:
    """Due after so many microseconds, attempts 0."""
    now = store.now()
    done = 0
    for at, item in enumerate(map(store.places.items.get, ids), 1):
        if item is None or not _may_change(item) or (item.place is Place.DUE and item.due <= now):
            continue
        item.attempts = item.recovered = 0
        store.places.reschedule(item, now + delay - len(ids) + at)
        done += 1
    return Moved(done, len(ids) - done)


def kill(store: Store, ids: Sequence[str], why: str) -> Moved:
    """Given up."""
    now = store.now()
    done = 0
    for at, item in enumerate(map(store.places.items.get, ids), 1):
        if item is None or item.place is not Place.DUE or item.adopting:
            continue
        moment = now - len(ids) + at
        store.note_failure(item, moment, item.status, why)
        item.token = ""
        store.without_token.discard(item.id)
        store.bury(item, moment)
        done += 1
    return Moved(done, len(ids) - done)


def purge(store: Store, ids: Sequence[str], *, hard: bool) -> Moved:
    """To the trash, or gone for good."""
    now = store.now()
    purged = emptied = 0
    for request_id in dict.fromkeys(ids):
        item = store.places.items.get(request_id)
        if item is not None and _may_change(item):
            owned = store.forget(item)
            if not hard:
                store.aside.put(item, State.TRASH, now, owned=owned)
            purged += 1
        elif item is None and hard and store.aside.take(request_id):
            emptied += 1
    store.ledger["purged"] += purged
    return Moved(purged + emptied, len(ids) - purged - emptied)


def restore(store: Store, ids: Sequence[str]) -> Restored:
    """Back from the trash, unless its key was taken meanwhile."""
    done, taken = 0, list[str]()
    for request_id in dict.fromkeys(ids):
        kept = store.aside.in_trash(request_id)
        if kept is None:
            continue
        if kept.owned and _is_taken(store, kept):
            taken.append(request_id)
            continue
        store.aside.take(request_id)
        store.put_back(kept.item, keyed=kept.owned)
        done += 1
    store.ledger["purged"] -= done
    return Restored(done, len(ids) - done - len(taken), tuple(taken))


def _is_taken(store: Store, kept: Kept) -> bool:
    key = kept.item.request.key
    return store.records.fingerprint(key, store.now()) is not None or store.keys.get(key, "") in store.places.items


def _may_change(item: Item) -> bool:
    return item.place in (Place.DUE, Place.DEAD) and not item.adopting
