"""Numbers and times as the sentences of this room say them."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[float], str]
"""A moment (epoch seconds) as a time of day."""
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def utc_clock(moment: float) -> str:
    """Hours and minutes, and that it is UTC: a screen may show other times; dashes where there is no such moment."""
    try:
        return datetime.fromtimestamp(moment, UTC).strftime("%H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return "--:--"


def lasting(seconds: float) -> str:
    """A duration in one or two units: ``8 s``, ``17 min``, ``2 h 10 min``, ``3 d``; a dash where it has no end."""
    if not math.isfinite(seconds):
        return "–"
    seconds = max(0.0, seconds)
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds < 59.5 else "1 min"
    if 3_600 <= seconds < 86_400 and int(seconds % 3_600 / 60):
        return f"{int(seconds / 3_600)} h {int(seconds % 3_600 / 60)} min"
    size, unit = next(row for row in _UNITS if seconds >= row[0])
    return f"{int(seconds / size)} {unit}"


def since(moment: float, now: float, clock: Clock) -> str:
    """``since 02:14 UTC (17 min)``; over a day ago, where that says nothing, ``for 3 d``. Empty where it is unknown."""
    if moment <= 0:
        return ""
    age = lasting(now - moment)
    return f" for {age}" if now - moment >= 86_400 else f" since {clock(moment)} ({age})"


def many(number: int, thing: str, plural: str = "") -> str:
    """``1 request``, ``2,310 requests``."""
    return f"{number:,} {thing if number == 1 else plural or thing + 's'}"


def plain(number: float) -> float | int:
    """A whole number without its ``.0``, as JSON of other programs has it."""
    return int(number) if float(number).is_integer() else number


def milliseconds(seconds: float) -> int:
    """Whole milliseconds: of a duration, or since the epoch."""
    return round(seconds * 1000)


def iso(moment: float) -> str:
    """ISO 8601 in UTC with milliseconds and ``Z``."""
    text = datetime.fromtimestamp(milliseconds(moment) / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
