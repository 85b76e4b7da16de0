"""Reports in this process's memory: the first level in front of Redis, what serves while Redis is away, and the stale
copies while Matomo is."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Any

from msgspec import Struct

from opalmind_tui.reports.entry import LARGEST, whole_characters
from opalmind_tui.reports.js_json import parse
from opalmind_tui.reports.selection import ALL, Selection
from opalmind_tui.snapshot.entries import PART, EntryPart, EntryRow, EntryState

MAX_BYTES = 32 * 1024 * 1024
MAX_ENTRIES = 5_000
_OVERHEAD = 600
"""Bytes that an entry costs beside its key and value, about."""
_READ_COSTS = 5
"""How many times its text a report takes that was read: objects are larger than their JSON."""


class Held(Struct, eq=False):
    """An entry as stored, its feature, and when it expires (epoch milliseconds).

    Args:
        only_here: Redis does not have it, so that it may serve although Redis knows nothing of it.
        report: what the entry holds, read and tested; None where it was not read yet.
        good_until: epoch seconds until which it is given without asking Redis.
        key: its key text.
    """

    raw: bytes
    feature: str
    expires_at: float
    only_here: bool = False
    report: Any = None
    good_until: float = 0.0
    key: str = ""
    doubted: bool = False
    """Something was purged since Redis last had it: no old copy, and no copy for Redis, until Redis has it again."""
    uses: int = 0
    """How often it was given and not counted yet."""

    def opened(self) -> Held:
        """With its report read: memory may have been given the bytes alone."""
        if self.report is None:
            self.report = parse(self.raw)["value"]
        return self


class MemoryCache:
    """A bounded table; the least recently used entry goes first. Expired ones stay until they are pushed out.

    Args:
        max_bytes: keys and values together, with what they cost beside.
        max_entries: number of entries.
    """

    def __init__(self, max_bytes: int = MAX_BYTES, max_entries: int = MAX_ENTRIES) -> None:
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self._held: OrderedDict[str, Held] = OrderedDict()
        self.bytes = 0
        self.evicted = 0
        """Entries pushed out since the start."""

    def get(self, key: str) -> Held | None:
        """The entry, expired or not."""
        held = self._held.get(key)
        if held is not None:
            self._held.move_to_end(key)
        return held

    def put(self, key: str, held: Held) -> None:
        """Keep an entry, push out others for it. One that would fill a quarter of the room is not kept."""
        self.drop(key)
        cost = _cost(key, held)
        if cost > min(self._max_bytes // 4, LARGEST):
            return
        self._held[key] = held
        self.bytes += cost
        while self.bytes > self._max_bytes or len(self._held) > self._max_entries:
            self.drop(next(iter(self._held)))
            self.evicted += 1

    def drop(self, key: str) -> None:
        """Forget an entry."""
        held = self._held.pop(key, None)
        if held is not None:
            self.bytes -= _cost(key, held)

    def purge(self, selection: Selection, limit: int = 0) -> int:
        """Forget the entries that are meant, no more than `limit` (0: all); returns how many."""
        keys = [key for key, held in self._held.items() if selection.covers(held.feature, key)][: limit or None]
        for key in keys:
            self.drop(key)
        return len(keys)

    def doubt(self) -> None:
        """Something was purged somewhere: nothing is given any more before Redis confirms it."""
        for held in self._held.values():
            held.good_until, held.doubted = 0.0, True

    def count(self, now_ms: float, selection: Selection = ALL) -> Counter[str]:
        """Entries by feature that are meant and have not expired."""
        held = (one for key, one in self._held.items() if selection.covers(one.feature, key))
        return Counter(one.feature for one in held if one.expires_at >= now_ms)

    def rows(self, now: float) -> list[EntryRow]:
        """Those that have not expired at this moment (epoch seconds), as a list shows them."""
        return [_row(held, now) for held in self._held.values() if held.expires_at >= now * 1000]

    def part(self, key: str, start: int, now: float) -> EntryPart | None:
        """A part of an entry, as it is stored; None where there is none."""
        held = self._held.get(key)
        if held is None:
            return None
        text, length = whole_characters(held.raw[start : start + PART])
        return EntryPart(_row(held, now), text, start, start + length)

    def __len__(self) -> int:
        return len(self._held)


def _row(held: Held, now: float) -> EntryRow:
    expires_at = held.expires_at / 1000
    state = EntryState.FRESH if expires_at > now else EntryState.STALE
    return EntryRow(held.key, held.feature, len(held.raw), expires_at, max(0.0, expires_at - now), state)


def _cost(key: str, held: Held) -> int:
    return len(key) + len(held.raw) * (1 + _READ_COSTS) + _OVERHEAD
