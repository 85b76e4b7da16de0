"""Figures over time: what the screen's own process saw of late, and the minutes of the last day that all share."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

MINUTE = 60.0
KEPT = 1440
"""Minutes that are kept: a day."""
SPANS = {"15 min": 15, "1 h": 60, "6 h": 360, "24 h": KEPT}
"""The windows that a screen offers, in minutes."""
LATE = 60.0
"""Seconds that a request waits before `began` counts it as late."""
_FRESH = 3 * MINUTE
"""Age of the newest minute up to which it counts as now."""


class Figure(StrEnum):
    """The names of the figures whose history a snapshot carries, in the order in which a screen shows them."""

    BACKLOG = "backlog"
    """Requests waiting or under way."""
    ACCEPTED = "accepted"
    """Per second."""
    DELIVERED = "delivered"
    """Per second."""
    RETRIED = "retried"
    """Per second."""
    DEAD = "dead"
    HIT_RATE = "hit-rate"
    """Percent."""
    MEMORY = "memory"
    """Bytes that the server uses."""
    OPS = "ops"
    """Commands per second that the server runs."""
    ROUND_TRIP = "round-trip"
    """Seconds."""
    REJECTED = "rejected"
    """Per second; as all below, in the minutes of the day only."""
    EVICTED = "evicted"
    """Keys per second."""
    OLDEST = "oldest"
    """Seconds that the oldest waiting request has waited."""
    MATOMO = "matomo"
    """Seconds that Matomo took to answer."""
    LEDGER = "ledger"
    """The ledger's difference that nobody took note of."""


def minute_of(moment: float) -> int:
    """Minutes from 1970 to a moment; 0 for what is none."""
    return int(moment // MINUTE) if math.isfinite(moment) else 0


class Series(Struct, frozen=True):
    """One figure over time, oldest first. Moments that were not measured are None."""

    name: str
    unit: str = ""
    points: tuple[float | None, ...] = ()
    step: float = 1.0
    """Seconds between two points."""


class Minute(Struct, frozen=True):
    """What was true when somebody noted it, once a minute. None is what could not be read then.

    `accepted` to `misses` and `evicted` are totals since counting began.
    """

    at: float
    """Epoch seconds, by the server's clock (of the process where `alone`)."""
    waiting: int | None = None
    """Requests waiting or under way."""
    dead: int | None = None
    oldest: float | None = None
    """Seconds that the oldest waiting request has waited; 0 where none waits."""
    ledger: int | None = None
    accepted: int | None = None
    delivered: int | None = None
    retried: int | None = None
    rejected: int | None = None
    hits: int | None = None
    misses: int | None = None
    memory: int | None = None
    """Bytes that the server uses."""
    evicted: int | None = None
    matomo: float | None = None
    """Seconds that Matomo took to answer; None where it did not, or was not asked."""
    answers: bool | None = None
    """Whether Matomo answered when it was asked last."""
    alone: bool = False
    """Of one process that had only its memory: its totals are its own."""

    @property
    def number(self) -> int:
        """Minutes since 1970."""
        return minute_of(self.at)


def _number(minute: Minute) -> int:
    return minute.number


class Mark(Struct, frozen=True):
    """Somebody did something. Text is raw."""

    at: float
    by: str
    act: str
    what: str


class History(Struct, frozen=True):
    """The minutes of the last day, oldest first, at most one for each; where nobody noted one there is none."""

    minutes: tuple[Minute, ...] = ()
    marks: tuple[Mark, ...] = ()
    """Oldest first."""
    unreadable: int = 0
    """Values under the history's key that are none of ours."""

    def series(self, figure: Figure, minutes: int, now: float) -> Series:
        """A figure over the last `minutes` (1 to `KEPT`), a point for each.

        The newest point is of the newest minute, or of `now` (epoch seconds) where that is minutes ago. A rate over a
        gap is not known.
        """
        end = self.newest(now)
        points: list[float | None] = [None] * minutes
        # A day has 1,440 minutes, and ten figures are drawn each second.
        first = bisect_left(self.minutes, end - minutes + 1, key=_number)
        last = bisect_right(self.minutes, end, lo=first, key=_number)
        for at in range(first, last):
            before, minute = self.pair(at)
            if (place := minute.number - end + minutes - 1) in range(minutes):
                points[place] = _MEASURES[figure](before, minute)
        return Series(figure, points=tuple(points), step=MINUTE)

    def marks_of(self, minutes: int, now: float) -> tuple[tuple[int, Mark], ...]:
        """What was done in the window, oldest first, each with the number of its point in `series`."""
        end = self.newest(now)
        placed = ((minute_of(mark.at) - end + minutes - 1, mark) for mark in self.marks)
        # What was done in the minute that has just begun belongs to the newest point there is.
        return tuple((min(place, minutes - 1), mark) for place, mark in placed if 0 <= place <= minutes)

    def newest(self, now: float) -> int:
        """The number of the minute that the newest point of `series` is of."""
        newest = self.minutes[-1] if self.minutes else None
        return newest.number if newest is not None and abs(now - newest.at) < _FRESH else minute_of(now)

    def pair(self, at: int) -> tuple[Minute | None, Minute]:
        """A minute with the one right before it, None where that is missing or counts something else."""
        minute, before = self.minutes[at], self.minutes[at - 1] if at else None
        near = before is not None and minute.number - before.number == 1 and minute.alone == before.alone
        return (before if near else None), minute


Measure = Callable[[Minute | None, Minute], float | None]


def _grown(name: str, before: Minute | None, minute: Minute) -> float | None:
    """By how much a total grew; None where that is not known, or where counting began anew."""
    if before is None:
        return None
    first, last = getattr(before, name), getattr(minute, name)
    return None if first is None or last is None or last < first else last - first


def _rate(name: str) -> Measure:
    def rate(before: Minute | None, minute: Minute) -> float | None:
        grown = _grown(name, before, minute)
        return None if grown is None or before is None or minute.at <= before.at else grown / (minute.at - before.at)

    return rate


def _level(name: str) -> Measure:
    return lambda before, minute: getattr(minute, name)


def _hit_rate(before: Minute | None, minute: Minute) -> float | None:
    hits, misses = _grown("hits", before, minute), _grown("misses", before, minute)
    return None if hits is None or misses is None or not hits + misses else 100.0 * hits / (hits + misses)


def _unknown(before: Minute | None, minute: Minute) -> None:
    """Not noted by the minute."""


_MEASURES: dict[Figure, Measure] = {
    Figure.BACKLOG: _level("waiting"),
    Figure.ACCEPTED: _rate("accepted"),
    Figure.DELIVERED: _rate("delivered"),
    Figure.RETRIED: _rate("retried"),
    Figure.DEAD: _level("dead"),
    Figure.HIT_RATE: _hit_rate,
    Figure.MEMORY: _level("memory"),
    Figure.OPS: _unknown,
    Figure.ROUND_TRIP: _unknown,
    Figure.REJECTED: _rate("rejected"),
    Figure.EVICTED: _rate("evicted"),
    Figure.OLDEST: _level("oldest"),
    Figure.MATOMO: _level("matomo"),
    Figure.LEDGER: _level("ledger"),
}


class Began(Struct, frozen=True):
    """Something that is wrong now, and since when."""

    what: str
    at: float
    """The first minute in which it is known."""
    earlier: bool
    """It may have begun before: nobody noted the minute before that."""


Wrong = Callable[[Minute | None, Minute], bool | None]


def _more(name: str) -> Wrong:
    def more(before: Minute | None, minute: Minute) -> bool | None:
        grown = _grown(name, before, minute)
        return None if grown is None else grown > 0

    return more


def _late(before: Minute | None, minute: Minute) -> bool | None:
    return None if minute.oldest is None else minute.oldest >= LATE


_WRONGS: tuple[tuple[str, Wrong], ...] = (
    ("Matomo does not answer", lambda before, minute: None if minute.answers is None else not minute.answers),
    ("requests wait over a minute", _late),
    ("requests die", _more("dead")),
    ("the ledger does not add up", lambda before, minute: None if minute.ledger is None else minute.ledger != 0),
    ("Redis evicts keys", _more("evicted")),
    ("Redis is away", lambda before, minute: minute.alone),
)


def began(history: History, now: float) -> tuple[Began, ...]:
    """What is wrong in the newest minute, and since when without a break; the oldest trouble first.

    Minutes that nobody noted neither end nor prolong a trouble. Nothing is known where the newest minute is old.
    """
    if not history.minutes or abs(now - history.minutes[-1].at) >= _FRESH:
        return ()
    found = (_since(what, wrong, history) for what, wrong in _WRONGS)
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.at))


def _since(what: str, wrong: Wrong, history: History) -> Began | None:
    first: Minute | None = None
    missing = 0
    for at in reversed(range(len(history.minutes))):
        before, minute = history.pair(at)
        verdict = wrong(before, minute)
        if verdict is None:
            if first is None:
                return None
            continue
        if not verdict:
            missing = first.number - minute.number - 1 if first is not None else 0
            break
        first = minute
    else:
        missing = 1
    return None if first is None else Began(what, first.at, earlier=missing > 0)
