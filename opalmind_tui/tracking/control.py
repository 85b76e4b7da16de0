"""What operators ask of delivery, for all processes: a pause, a rate, or the end of one; checked here.

The store keeps it and every claim obeys. The rate is kept as one moment: since then the hits of the limit come free,
one after the other, and each hit that is given moves it on. It never lies further back than a burst, so that a quiet
hour saves nothing up.
"""

from __future__ import annotations

import math
from enum import StrEnum

from msgspec import Struct

from opalmind_tui.errors import BadArgument

LONGEST_PAUSE = 366 * 86_400.0
"""Seconds of a pause with an end; without an end it has no limit."""
SLOWEST, FASTEST = 0.001, 1_000_000.0
"""Hits per second of a limit."""
BURST = 1.0
"""Seconds of the rate that may go at once; at least one hit always may."""
LONGEST_NAME, LONGEST_REASON = 100, 300
"""Characters."""


class Wish(StrEnum):
    """What a change is about."""

    PAUSE = "pause"
    RATE = "rate"


class ControlChange(Struct, frozen=True):
    """One wish of an operator. Raises `BadArgument` for a value that cannot be used.

    Args:
        wish: a pause or a rate.
        by: who asked.
        reason: why.
        seconds: how long the pause lasts; None: until somebody ends it.
        per_second: hits per second of the rate.
        ends: it ends the pause, or lifts the limit.
        at: when it was asked for (epoch seconds); None: now, by the store's clock.
    """

    wish: Wish
    by: str
    reason: str = ""
    seconds: float | None = None
    per_second: float | None = None
    ends: bool = False
    at: float | None = None

    def __post_init__(self) -> None:
        _text("by", self.by, 1, LONGEST_NAME)
        _text("reason", self.reason, 0, LONGEST_REASON)
        if self.wish is Wish.PAUSE and not self.ends and self.seconds is not None:
            _number("seconds", self.seconds, 0.001, LONGEST_PAUSE)
        if self.wish is Wish.RATE and not self.ends:
            _number("per_second", self.per_second, SLOWEST, FASTEST)


def pause_wish(by: str, reason: str, seconds: float | None) -> ControlChange:
    """A pause."""
    return ControlChange(Wish.PAUSE, by, reason, seconds=seconds)


def resume_wish(by: str) -> ControlChange:
    """The end of a pause."""
    return ControlChange(Wish.PAUSE, by, ends=True)


def rate_wish(per_second: float | None, by: str, reason: str) -> ControlChange:
    """A limit, or none any more."""
    return ControlChange(Wish.RATE, by, reason, per_second=per_second, ends=per_second is None)


def _text(field: str, value: object, least: int, most: int) -> None:
    if not isinstance(value, str) or not least <= len(value) <= most or _has_surrogates(value):
        raise BadArgument(field, f"accepts a text of {least} to {most} characters that UTF-8 can hold")


def _has_surrogates(text: str) -> bool:
    """Half a pair stands for a byte of an argument or a name that is not UTF-8."""
    return any("\ud800" <= char <= "\udfff" for char in text)


def _number(field: str, value: object, least: float, most: float) -> None:
    fine = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not fine or not least <= value <= most:  # type: ignore[operator]
        raise BadArgument(field, f"accepts a number from {least:g} to {most:,.0f}")
