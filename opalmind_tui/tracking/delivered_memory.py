"""What this process has finished: never sent again, whatever the store forgot (I6)."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from msgspec.structs import replace

from opalmind_tui.tracking.prepare import Delivery

REMEMBERED = 100_000
ID_LENGTH = 14
GENERATIONS = 5
"""The oldest is forgotten as a whole; the others hold what must be remembered."""
BODY_KEPT = 200
"""Characters of Matomo's answer that are remembered. Its own count is shorter."""
OUTCOMES = 1_000
"""Different answers that are remembered word by word in one generation; of more, what they said is left out."""
SLOT_BITS = 32


class _Generation:
    """A number of ids with what became of each, in a few bytes an id: a table of places, found by hash.

    A slot of the table holds a place, counted from 1, and above it some bits of the id's hash, so that few ids are
    compared in vain.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._mask = (1 << (2 * size).bit_length()) - 1
        self._bits = size.bit_length()
        self._tags = (1 << (SLOT_BITS - self._bits)) - 1
        self._slots = array("I", bytes(4 * (self._mask + 1)))
        self._ids = bytearray(ID_LENGTH * size)
        self._outcome_of = array("I", bytes(4 * size))
        self._second_of = array("I", bytes(4 * size))
        self._numbers: dict[Delivery, int] = {}
        self._outcomes: list[Delivery] = []
        self._length = 0

    @property
    def room(self) -> int:
        """How many ids it can take yet."""
        return self._size - self._length

    def add(self, names: Sequence[str], delivery: Delivery) -> None:
        """Add ids, no more than there is room for."""
        slots, mask, bits, tags = self._slots, self._mask, self._bits, self._tags
        number, second = self._number_of(delivery), int(delivery.at) & 0xFFFFFFFF
        start = self._length
        new: list[str] = []
        for name in names:
            hashed = hash(name)
            if slots[hashed & mask] and (place := self._place_of(name, hashed)) >= 0:
                self._outcome_of[place], self._second_of[place] = number, second
                continue
            slot = hashed & mask
            while slots[slot]:
                slot = (slot + 1) & mask
            new.append(name)
            slots[slot] = (hashed >> SLOT_BITS & tags) << bits | (start + len(new))
        end = self._length = start + len(new)
        self._ids[start * ID_LENGTH : end * ID_LENGTH] = "".join(new).encode()
        self._outcome_of[start:end] = array("I", [number]) * len(new)
        self._second_of[start:end] = array("I", [second]) * len(new)

    def find(self, names: Sequence[str], hashes: Sequence[int], found: dict[str, Delivery]) -> None:
        """Add what is known of these ids to what was found of them."""
        slots, mask = self._slots, self._mask
        for name, hashed in zip(names, hashes, strict=True):
            if slots[hashed & mask] and (place := self._place_of(name, hashed)) >= 0:
                outcome = self._outcomes[self._outcome_of[place]]
                found.setdefault(name, replace(outcome, at=float(self._second_of[place])))

    def _place_of(self, name: str, hashed: int) -> int:
        """Where an id is, or -1."""
        slots, mask, bits = self._slots, self._mask, self._bits
        slot, tag = hashed & mask, hashed >> SLOT_BITS & self._tags
        while held := slots[slot]:
            if held >> bits == tag:
                place = (held & ((1 << bits) - 1)) - 1
                if self._ids[place * ID_LENGTH : (place + 1) * ID_LENGTH] == name.encode():
                    return place
            slot = (slot + 1) & mask
        return -1

    def _number_of(self, delivery: Delivery) -> int:
        outcome = replace(delivery, body=delivery.body[:BODY_KEPT], at=0.0)
        if outcome not in self._numbers and len(self._outcomes) >= OUTCOMES:
            outcome = replace(outcome, body="", error="", status=delivery.status // 100 * 100)
        number = self._numbers.setdefault(outcome, len(self._outcomes))
        if number == len(self._outcomes):
            self._outcomes.append(outcome)
        return number


class DeliveredMemory:
    """The newest requests that Matomo has taken, counted invalid or lost, by id, in about 50 bytes each.

    Args:
        limit: how many are remembered at least, those that came twice counted twice; at most a quarter as many again.
    """

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._size = max(1, -(-limit // (GENERATIONS - 1)))
        self._generations = [_Generation(self._size)]

    def remember(self, ids: Sequence[str], delivery: Delivery) -> None:
        """Matomo has answered for these; `delivery.at` is kept in whole seconds."""
        names = _sound(ids)
        while names:
            room = self._generations[0].room
            if not room:
                self._generations = [_Generation(self._size), *self._generations[: GENERATIONS - 1]]
                continue
            self._generations[0].add(names[:room], delivery)
            names = names[room:]

    def find(self, ids: Sequence[str]) -> dict[str, Delivery]:
        """What became of those that are remembered."""
        names = _sound(ids)
        hashes, found = [hash(name) for name in names], dict[str, Delivery]()
        for one in self._generations:
            one.find(names, hashes, found)
        return found


def _sound(ids: Sequence[str]) -> Sequence[str]:
    """Those that are as the queue makes them: 14 characters of one byte each. It gives no others."""
    return [name for name in ids if len(name) == ID_LENGTH and name.isascii()]
