"""The way back to Redis: what memory holds moves over, and what it settled joins the shared ledger."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator

from msgspec.structs import replace

from opalmind_tui.tracking.memory_queue.places import Item, Place
from opalmind_tui.tracking.memory_queue.store import MICROS, Store
from opalmind_tui.tracking.queue import Adopted, LedgerShare

SETTLED = ("delivered", "rejected", "dropped", "purged")
SHARED = (*SETTLED, "retried", "unknown")


class Recovery:
    """Marks what is on its way over, and counts what has not been shared."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._share: LedgerShare | None = None
        self._merged: set[str] = set()

    def hold_in_doubt(self, ids: Iterable[str]) -> None:
        """Redis may have these: never to be sent from here, only adoption resolves them."""
        for item in self._known(ids):
            if item.place in (Place.DUE, Place.HELD):
                item.in_doubt = True
                self._store.places.move(item, Place.HELD)

    def take(self, limit: int) -> list[Adopted]:
        """The oldest requests that are not in flight; they stay, untouchable, until they are adopted or put back.

        Those of a visitor who is being sent from here wait until that is over: on Redis others would send them.
        """
        places = self._store.places
        sending = {places.items[request_id].shard for _, request_id in places.inflight}
        taken: list[Item] = []
        for item in places.oldest_first():
            if len(taken) == limit:
                break
            may_go = item.place is Place.DEAD or item.shard not in sending
            if may_go and not item.adopting:
                taken.append(item)
        for item in taken:
            item.adopting = True
            if item.place is Place.DUE:
                self._store.places.move(item, Place.HELD)
        return [_adopted(item) for item in taken]

    def everything(self, posted: Collection[str]) -> Iterator[Adopted]:
        """All requests in order of acceptance, those in flight too. The outcome of those posted is not known."""
        for item in self._store.places.oldest_first():
            found = _adopted(item)
            yield replace(found, unknown=1) if item.id in posted else found

    def adopted(self, ids: Iterable[str]) -> None:
        """They are in Redis now, and in its ledger."""
        for item in self._known(ids):
            if item.adopting:
                self._store.forget(item)
                self._store.ledger["accepted"] -= 1

    def put_back(self, ids: Iterable[str]) -> None:
        """The move failed."""
        for item in self._known(ids):
            item.adopting = False
            if item.place is Place.HELD and not item.in_doubt:
                self._store.places.move(item, Place.DUE)

    def _known(self, ids: Iterable[str]) -> list[Item]:
        items = self._store.places.items
        return [items[request_id] for request_id in ids if request_id in items]

    def share(self) -> LedgerShare | None:
        """What was settled here and is in no other ledger; the same until it is forgotten. None for nothing."""
        ledger = self._store.ledger
        if self._share is None and any(ledger[name] for name in SHARED):
            self._share = LedgerShare(secrets.token_hex(8), **{name: ledger[name] for name in SHARED})
        return self._share

    def merge(self, share: LedgerShare) -> None:
        """Add another memory's share, once for each nonce."""
        if share.nonce not in self._merged:
            self._merged.add(share.nonce)
            for name in SHARED:
                self._store.ledger[name] += getattr(share, name)
            self._store.ledger["accepted"] += sum(getattr(share, name) for name in SETTLED)

    def forget_share(self, nonce: str) -> None:
        """It is in the shared ledger now."""
        share = self._share
        if share is None or share.nonce != nonce:
            return
        ledger = self._store.ledger
        for name in SHARED:
            ledger[name] -= getattr(share, name)
        ledger["accepted"] -= sum(getattr(share, name) for name in SETTLED)
        self._share = None


def _adopted(item: Item) -> Adopted:
    return Adopted(
        id=item.id, request=item.request, endpoint=item.endpoint, accepted=item.accepted / MICROS,
        attempts=item.attempts, status=item.status, error=item.error, unknown=item.unknown > 0,
        dead=item.place is Place.DEAD, in_doubt=item.in_doubt,
    )  # fmt: skip
