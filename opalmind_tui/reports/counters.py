"""What the cache of this process did, by feature: since its start, in the last minutes, and not shared yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

WINDOW_MINUTES = 5
"""Whole minutes before the present one that the hit rate covers."""
_MINUTE = 60
_UNSHARED_MINUTES = 60
"""Minutes that are kept for the shared history while Redis is away."""


class Count(StrEnum):
    """What is counted."""

    __hash__ = str.__hash__  # In C: every look-up counts.

    HITS = "hits"
    MISSES = "misses"
    SETS = "sets"
    STALE_EVICTIONS = "staleEvictions"
    """Entries found past their `expiresAt`."""
    STALE_SERVED = "staleServed"
    """Old reports given because Matomo was away."""
    CORRUPT = "corrupt"
    """Values under a report's key that are no such report."""
    ERRORS = "errors"
    """Look-ups and writes that Redis failed."""
    BYTES = "bytes"
    """Bytes of the entries that were stored."""
    FETCH_MS = "fetchMs"
    """Milliseconds that Matomo took for them."""


Key = tuple[str, Count]
Tally = Counter[Key]


class Totals(Struct, frozen=True):
    """Counts by feature and kind: all, and those of the window, which covers `seconds`."""

    all: Mapping[Key, int]
    window: Mapping[Key, int]
    seconds: float


class Unshared(Struct):
    """Counts that the shared totals do not hold yet; `minutes` by the number of the minute since 1970."""

    totals: Tally = field(default_factory=Counter)
    minutes: dict[int, Tally] = field(default_factory=dict)

    def add(self, other: Unshared) -> None:
        """Take over counts."""
        self.totals.update(other.totals)
        for minute, tally in other.minutes.items():
            _tally_of(self.minutes, minute, _UNSHARED_MINUTES).update(tally)


class Tallies:
    """The counts of one process. No I/O."""

    def __init__(self) -> None:
        self._since_start: Tally = Counter()
        self._minutes: dict[int, Tally] = {}
        self.unshared = Unshared()

    def add(self, feature: str, count: Count, now: float, by: int = 1) -> None:
        """Count. `now` in epoch seconds."""
        key = (feature, count)
        self._since_start[key] += by
        self.unshared.totals[key] += by
        minute = minute_of(now)
        _tally_of(self._minutes, minute, WINDOW_MINUTES + 1)[key] += by
        _tally_of(self.unshared.minutes, minute, _UNSHARED_MINUTES)[key] += by

    def take(self) -> Unshared:
        """Hand over what was not shared, to share it; `give_back` if that failed."""
        taken, self.unshared = self.unshared, Unshared()
        return taken

    def give_back(self, taken: Unshared) -> None:
        """It was not shared after all."""
        taken.add(self.unshared)
        self.unshared = taken

    def totals(self, now: float) -> Totals:
        """This process alone."""
        wanted = window_minutes(now)
        window: Tally = Counter()
        for minute, tally in self._minutes.items():
            if minute in wanted:
                window.update(tally)
        return Totals(self._since_start, window, window_seconds(now))


def _tally_of(minutes: dict[int, Tally], minute: int, most: int) -> Tally:
    """The tally of a minute, made if need be; of more than `most` minutes the oldest go."""
    tally = minutes.get(minute)
    if tally is None:
        tally = minutes[minute] = Counter()
        for old in sorted(minutes)[:-most]:
            del minutes[old]
    return tally


def minute_of(now: float) -> int:
    """The number of the minute since 1970."""
    return int(now // _MINUTE)


def window_minutes(now: float) -> range:
    """The minutes that the window covers: whole ones, and the present one as far as it has come."""
    return range(minute_of(now) - WINDOW_MINUTES, minute_of(now) + 1)


def window_seconds(now: float) -> float:
    """Seconds that the window covers."""
    return WINDOW_MINUTES * _MINUTE + now % _MINUTE
