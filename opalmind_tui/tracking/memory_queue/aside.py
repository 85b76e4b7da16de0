"""Requests in memory that left the queue and are kept: in the trash for a while, or among the newest rejected."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sortedcontainers import SortedList

from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking.memory_queue.places import Item
from opalmind_tui.tracking.queue import REJECTED_KEPT


class Kept(Struct, frozen=True):
    """A request outside the queue. `moment`: when it left, in microseconds; `owned`: its key was its own."""

    item: Item
    state: State
    moment: int
    owned: bool


class Aside:
    """The trash and the rejected. Moments in microseconds."""

    def __init__(self) -> None:
        self.items: dict[str, Kept] = {}
        self.sets: dict[State, Any] = {State.TRASH: SortedList(), State.REJECTED: SortedList()}
        self._by_key: dict[str, str] = {}

    def put(self, item: Item, state: State, moment: int, *, owned: bool) -> None:
        """Keep a request that is in the queue no more. Of the rejected only the newest stay."""
        self.items[item.id] = Kept(item, state, moment, owned)
        self.sets[state].add((moment, item.id))
        if item.request.key:
            self._by_key[item.request.key] = item.id
        if state is State.REJECTED:
            while len(self.sets[state]) > REJECTED_KEPT:
                self.take(self.sets[state][0][1])

    def take(self, request_id: str) -> Kept | None:
        """Keep it no more."""
        kept = self.items.pop(request_id, None)
        if kept is not None:
            self.sets[kept.state].remove((kept.moment, request_id))
            if self._by_key.get(kept.item.request.key) == request_id:
                del self._by_key[kept.item.request.key]
        return kept

    def in_trash(self, request_id: str) -> Kept | None:
        """It, if it is in the trash."""
        kept = self.items.get(request_id)
        return kept if kept is not None and kept.state is State.TRASH else None

    def under_key(self, key: str) -> str:
        """The id of the newest that came with this idempotency key, empty for none."""
        return self._by_key.get(key, "")

    def empty_trash(self, before: int) -> None:
        """What came before that moment is gone."""
        trash = self.sets[State.TRASH]
        while trash and trash[0][0] <= before:
            self.take(trash[0][1])
