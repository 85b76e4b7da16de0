"""What this process has finished: never sent again, whatever the store forgot (I6)."""

from __future__ import annotations

from array import array
from dataclasses import replace

from opalmind_tui.tracking.prepare import Delivery

REMEMBERED = 100_000
ID_LENGTH = 14
GENERATIONS = 5
"""The oldest is forgotten as a whole; the others hold what must be remembered."""
BODY_KEPT = 200
"""Characters of Matomo's answer that are remembered. Its own count is shorter."""
OUTCOMES = 1_000
"""Different answers that are remembered word by word in one generation; of more, what they said is left out."""


class _Generation:
    """A number of ids with what became of each, in a few bytes an id: a table of places, found by hash."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._mask = (1 << (2 * size).bit_length()) - 1
        self._places = array("I", bytes(4 * (self._mask + 1)))
        self._ids = bytearray(ID_LENGTH * size)
        self._outcome_of = array("I", bytes(4 * size))
        self._second_of = array("I", bytes(4 * size))
        self._numbers: dict[Delivery, int] = {}
        self._outcomes: list[Delivery] = []
        self._length = 0
        self._newest: tuple[Delivery | None, int] = (None, 0)

    @property
    def full(self) -> bool:
        return self._length == self._size

    def add(self, name: bytes, delivery: Delivery) -> None:
        slot, place = self._look_up(name)
        if place < 0:
            place = self._length
            self._length += 1
            self._ids[place * ID_LENGTH : (place + 1) * ID_LENGTH] = name
            self._places[slot] = place + 1
        self._second_of[place] = int(delivery.at) & 0xFFFFFFFF
        self._outcome_of[place] = self._number_of(delivery)

    def find(self, name: bytes) -> Delivery | None:
        _, place = self._look_up(name)
        if place < 0:
            return None
        return replace(self._outcomes[self._outcome_of[place]], at=float(self._second_of[place]))

    def _look_up(self, name: bytes) -> tuple[int, int]:
        """The id's slot and place; the place is -1 where it is not there, and the slot is free then."""
        slot = hash(name) & self._mask
        while (place := self._places[slot] - 1) >= 0:
            if self._ids[place * ID_LENGTH : (place + 1) * ID_LENGTH] == name:
                return slot, place
            slot = (slot + 1) & self._mask
        return slot, -1

    def _number_of(self, delivery: Delivery) -> int:
        # The hits of a bulk share one.
        if delivery is self._newest[0]:
            return self._newest[1]
        outcome = replace(delivery, body=delivery.body[:BODY_KEPT], at=0.0)
        if outcome not in self._numbers and len(self._outcomes) >= OUTCOMES:
            outcome = replace(outcome, body="", error="", status=delivery.status // 100 * 100)
        number = self._numbers.setdefault(outcome, len(self._outcomes))
        if number == len(self._outcomes):
            self._outcomes.append(outcome)
        self._newest = (delivery, number)
        return number


class DeliveredMemory:
    """The newest requests that Matomo has taken, counted invalid or lost, by id, in about 50 bytes each.

    Args:
        limit: how many are remembered at least; at most a quarter as many again.
    """

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._size = max(1, -(-limit // (GENERATIONS - 1)))
        self._generations = [_Generation(self._size)]

    def remember(self, request_id: str, delivery: Delivery) -> None:
        """Matomo has answered for it; `delivery.at` is kept in whole seconds."""
        if self._generations[0].full:
            self._generations = [_Generation(self._size), *self._generations[: GENERATIONS - 1]]
        self._generations[0].add(_bytes_of(request_id), delivery)

    def find(self, request_id: str) -> Delivery | None:
        """What became of it, if it is remembered."""
        name = _bytes_of(request_id)
        for one in self._generations:
            if (found := one.find(name)) is not None:
                return found
        return None


def _bytes_of(request_id: str) -> bytes:
    name = request_id.encode("utf-8", "replace")
    return name if len(name) == ID_LENGTH else name.ljust(ID_LENGTH)[:ID_LENGTH]
