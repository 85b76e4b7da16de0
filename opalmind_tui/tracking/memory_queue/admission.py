"""Who may come in: new requests, and those that another memory accepted."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from opalmind_tui.tracking.fullness import process_length_reason, process_memory_reason
from opalmind_tui.tracking.memory_queue.places import Item, Place
from opalmind_tui.tracking.memory_queue.store import MICROS, Store
from opalmind_tui.tracking.queue import Acceptance, Adopted, Answer
from opalmind_tui.tracking.request import TrackingRequest

CONFLICT = "its idempotency key was taken by another payload while Redis was away"


class Limits(Struct, frozen=True):
    """How much a process may hold: requests, and bytes of them; 0 for no limit."""

    length: int
    bytes: int

    def refusal(self, store: Store, request: TrackingRequest) -> str:
        """Why a request is not taken; empty where it is."""
        if self.length and len(store.places.items) >= self.length:
            return process_length_reason(self.length)
        if self.bytes and store.places.bytes + len(request.encode()) > self.bytes:
            return process_memory_reason(self.bytes)
        return ""


def enqueue(
    store: Store, endpoint: str, requests: Sequence[TrackingRequest], ids: Sequence[str], limits: Limits
) -> list[Answer]:
    """Accept requests; one answer each."""
    return [_offer(store, endpoint, request, id_, limits) for request, id_ in zip(requests, ids, strict=True)]


def _offer(store: Store, endpoint: str, request: TrackingRequest, request_id: str, limits: Limits) -> Answer:
    answer = _standing(store, request, request_id)
    if answer is not None:
        _count(store, answer)
        return answer
    refusal = limits.refusal(store, request)
    if refusal:
        store.ledger["refused"] += 1
        store.refused_at, store.refused_by = store.now(), refusal
        return Answer(Acceptance.FULL, reason=refusal)
    accepted = store.next_acceptance()
    store.take_in(Item(request_id, request, endpoint, accepted, due=accepted), keyed=bool(request.key))
    return Answer(Acceptance.ACCEPTED, request_id)


def _standing(store: Store, request: TrackingRequest, request_id: str) -> Answer | None:
    """What is known of a request or its key already; None for a new one."""
    if request_id in store.places.items:
        return Answer(Acceptance.ACCEPTED, request_id)
    here = Answer(Acceptance.ACCEPTED, request_id) if request_id in store.aside.items else None
    if not request.key:
        return here
    recorded = store.records.fingerprint(request.key, store.now())
    if recorded is not None:
        return Answer(Acceptance.DUPLICATE if recorded in ("", request.fingerprint) else Acceptance.CONFLICT)
    holder = store.places.items.get(store.keys.get(request.key, ""))
    if holder is None:
        return here
    if holder.request.fingerprint == request.fingerprint:
        return Answer(Acceptance.DUPLICATE, holder.id)
    return Answer(Acceptance.CONFLICT)


def _count(store: Store, answer: Answer) -> None:
    if answer.outcome is Acceptance.DUPLICATE:
        store.ledger["duplicates"] += 1
    elif answer.outcome is Acceptance.CONFLICT:
        store.ledger["conflicts"] += 1


def adopt(store: Store, requests: Sequence[Adopted]) -> list[Answer]:
    """Take over requests, in their order; one answer each."""
    now = store.now()
    return [_adopt(store, adopted, now, now - len(requests) + at) for at, adopted in enumerate(requests, 1)]


def _adopt(store: Store, adopted: Adopted, now: int, moment: int) -> Answer:
    """What conflicts was accepted all the same: it is kept, dead, for somebody to decide. It died at `moment`."""
    if adopted.id in store.aside.items:
        return Answer(Acceptance.ACCEPTED, adopted.id)
    answer = _standing(store, adopted.request, adopted.id)
    if answer is not None:
        _count(store, answer)
        if answer.outcome is not Acceptance.CONFLICT:
            return answer
    conflict = answer is not None
    accepted = min(round(adopted.accepted * MICROS), now)
    while store.places.is_due_at((adopted.endpoint, adopted.id[2]), accepted):
        accepted += 1
    item = Item(
        adopted.id, adopted.request, adopted.endpoint, accepted, due=accepted, attempts=adopted.attempts,
        unknown=int(adopted.unknown), status=adopted.status, error=CONFLICT if conflict else adopted.error,
    )  # fmt: skip
    if conflict or adopted.dead:
        item.place, item.died = Place.DEAD, moment
    if item.error or item.status or item.place is Place.DEAD:
        item.failed = moment
    item.doubted = moment if item.unknown else 0
    store.take_in(item, keyed=bool(adopted.request.key) and not conflict)
    return Answer(Acceptance.CONFLICT if conflict else Acceptance.ACCEPTED, adopted.id)
