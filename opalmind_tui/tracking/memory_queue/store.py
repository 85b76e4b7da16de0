"""What the parts of the memory queue share: the requests, their keys, the ledger and the clock."""

from __future__ import annotations

import secrets
from collections import Counter, deque
from collections.abc import Callable

from msgspec import Struct

from opalmind_tui.snapshot.listing import DELIVERED_KEPT, Attempt
from opalmind_tui.snapshot.model import RequestRow
from opalmind_tui.tracking.gist import gist_of
from opalmind_tui.tracking.memory_queue.aside import Aside
from opalmind_tui.tracking.memory_queue.places import Item, Place, Places
from opalmind_tui.tracking.memory_queue.records import Records
from opalmind_tui.tracking.queue import HELD, cut
from opalmind_tui.tracking.rows import ANSWER_KEPT, ATTEMPTS_KEPT, delivered_entry, delivered_row

MICROS = 1_000_000


class LastFailure(Struct):
    """The newest failure of any request. Moments and lengths in microseconds."""

    error: str = ""
    at: int = 0
    status: int | None = None
    retry_at: int = 0
    backoff: int = 0


class Store:
    """The state. `clock` gives epoch seconds; everything inside counts whole microseconds."""

    def __init__(self, clock: Callable[[], float], worker: str = "") -> None:
        self._clock = clock
        self.worker = worker
        """The name of this process."""
        self.places = Places()
        self.aside = Aside()
        self.delivered: deque[RequestRow] = deque(maxlen=DELIVERED_KEPT)
        """The newest first."""
        self.keys: dict[str, str] = {}
        self.records = Records()
        self.ledger: Counter[str] = Counter()
        self.epoch = ""
        self.last_failure = LastFailure()
        self.refused_at, self.refused_by = 0, ""
        self.without_token: set[str] = set()
        """Ids of what waits for a usable token."""
        self.taken: dict[str, int] = {}
        """When a Matomo took a hit last, by endpoint."""
        self.proved: dict[str, int] = {}
        """When it took one last that needed the token."""
        self._last_accepted = 0

    def now(self) -> int:
        """The time."""
        return round(self._clock() * MICROS)

    def next_acceptance(self) -> int:
        """A time of acceptance later than any before, also when the clock steps back."""
        self._last_accepted = max(self.now(), self._last_accepted + 1)
        return self._last_accepted

    def take_in(self, item: Item, *, keyed: bool) -> None:
        """A request comes in."""
        self.epoch = self.epoch or secrets.token_hex(8)
        self._last_accepted = max(self._last_accepted, item.accepted)
        self.places.add(item)
        if keyed:
            self.keys[item.request.key] = item.id
        self.ledger["accepted"] += 1

    def forget(self, item: Item) -> bool:
        """A request goes out; its key is free if it is still its own. Returns whether it was."""
        self.places.remove(item)
        self.without_token.discard(item.id)
        owned = self.keys.get(item.request.key) == item.id
        if owned:
            del self.keys[item.request.key]
        return owned

    def put_back(self, item: Item, *, keyed: bool) -> None:
        """A request that went out is where it was."""
        item.doubted = self.now() if item.unknown else 0
        self.places.add(item)
        if item.place is Place.DUE and item.error.startswith(HELD):
            self.without_token.add(item.id)
        if keyed:
            self.keys[item.request.key] = item.id

    def note_delivered(self, item: Item, now: int) -> None:
        """Matomo took it."""
        request = item.request
        gist = gist_of(request.kind, request.key, request.params)
        entry = delivered_entry(item.id, gist, item.accepted / MICROS, item.attempts, len(request.encode()))
        self.delivered.appendleft(delivered_row(now / MICROS, entry))

    def note_failure(self, item: Item, now: int, status: int | None, error: str, delay: float | None = None) -> None:
        """A request failed (again). `delay`: seconds until the next try."""
        item.status, item.error = status, cut(error)
        tried = Attempt(now / MICROS, status, cut(error, ANSWER_KEPT), self.worker, delay)
        item.history = (*item.history[1 - ATTEMPTS_KEPT :], tried)
        (self.without_token.add if error.startswith(HELD) else self.without_token.discard)(item.id)
        self.places.mark_failed(item, now)

    def bury(self, item: Item, died: int) -> None:
        """A request is dead."""
        item.died = died
        self.places.move(item, Place.DEAD)
