"""Figures as words: short, of bounded width, the same everywhere. No locale, no clock."""

from __future__ import annotations

import math
from datetime import UTC, datetime

UNKNOWN = "–"
_ZONE = 6
"""Most cells of a zone's name."""
_LARGE = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_BINARY = ((2**50, "P"), (2**40, "T"), (2**30, "G"), (2**20, "M"), (2**10, "K"))


def count(number: float, width: int = 7) -> str:
    """``2,310``; where that is wider than `width`, ``1.23M``; a dash for what is no number."""
    if not math.isfinite(number):
        return UNKNOWN
    plain = f"{round(number):,}"
    return plain if len(plain) <= width else short(number)


def short(number: float) -> str:
    """At most four characters: ``999``, ``2.9k``, ``12M``, ``999M``; a dash for what is no number."""
    if not math.isfinite(number):
        return UNKNOWN
    for factor, unit in _LARGE:
        if abs(number) >= factor * 0.9995:
            return _brief(number / factor) + unit
    return f"{number:.0f}"


def size(octets: float) -> str:
    """Bytes in binary units, at most five characters: ``410M``, ``1.5G``, ``512``; a dash for what is no number."""
    if not math.isfinite(octets):
        return UNKNOWN
    for factor, unit in _BINARY:
        if octets >= factor:
            return _brief(octets / factor) + unit
    return f"{octets:.0f}"


def _brief(number: float) -> str:
    """One decimal below ten, none above."""
    if abs(number) < 9.95:
        return f"{number:.1f}"
    return f"{number:.0f}"


def rate(per_second: float) -> str:
    """``0/s``, ``2.3/s``, ``212/s``, ``12k/s``: at most six characters."""
    if not math.isfinite(per_second):
        return UNKNOWN
    if abs(per_second) < 0.05:
        return "0/s"
    if abs(per_second) < 9.95:
        return f"{per_second:.1f}/s"
    return f"{short(round(per_second))}/s"


def percent(value: float | None) -> str:
    """``86 %``; a dash where there is nothing to divide."""
    return UNKNOWN if value is None or not math.isfinite(value) else f"{_floor(value):.0f} %"


def _floor(value: float) -> float:
    """100 % only where nothing is missing, 0 % only where there is nothing."""
    if 0 < value < 1:
        return 1
    return min(99.0, value) if value < 100 else value


def span(seconds: float | None) -> str:
    """A length of time for a column, at most six characters: ``8s``, ``17m02s``, ``2h10m``, ``3d04h``."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86_400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    if whole < 100 * 86_400:
        return f"{whole // 86_400}d{whole % 86_400 // 3600:02d}h"
    return f"{min(whole // 86_400, 99_999)}d"


def words(seconds: float | None) -> str:
    """A length of time in a sentence: ``8 s``, ``4 min``, ``3 h``, ``2 d``."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    whole = max(0, round(seconds))
    for length, unit in ((172_800, "d"), (7200, "h"), (120, "min")):
        if whole >= length:
            return f"{min(99_999, whole // {'d': 86_400, 'h': 3600, 'min': 60}[unit])} {unit}"
    return f"{whole} s"


def lifetime(seconds: float) -> str:
    """A time to live, exact: ``60 s``, ``5 min``, ``1 h``, ``90.5 s``."""
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds > 60 and seconds % length == 0:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:g} s"


def brief_lifetime(seconds: float) -> str:
    """A time to live as an operator types it: ``30s``, ``5m``, ``2h``, ``1d``."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def milliseconds(seconds: float) -> str:
    """``0.4 ms``, ``12 ms``, ``1.2 s``: at most seven characters; a dash for what is no number."""
    if not math.isfinite(seconds):
        return UNKNOWN
    if seconds >= 0.9995:
        return f"{min(seconds, 9999):.1f} s" if seconds < 100 else f"{min(seconds, 99_999):.0f} s"
    value = seconds * 1000
    return f"{value:.1f} ms" if value < 9.95 else f"{value:.0f} ms"


class _Shown:
    """The zone of every time of day on this screen: one for the whole process, like the screen itself."""

    zone: str = "utc"


def show_times_in(zone: str) -> None:
    """Show times of day in ``utc``, or in the ``local`` zone of this machine."""
    _Shown.zone = zone


def zone() -> str:
    """``utc`` or ``local``: the zone that times of day are shown in."""
    return _Shown.zone


def zone_name(moment: float) -> str:
    """What the zone is called then: ``UTC``, ``CET``, ``+0530``."""
    return _time(moment, "%Z")[:_ZONE] or "UTC"


def clock(moment: float) -> str:
    """``02:31:07``; dashes where there is no such moment."""
    return _time(moment, "%H:%M:%S") or "--:--:--"


def stamp(moment: float | None) -> str:
    """``2025-03-01 02:31:07 UTC``."""
    return (_time(moment, "%Y-%m-%d %H:%M:%S %Z") if moment else "") or UNKNOWN


def _time(moment: float, form: str) -> str:
    try:
        told = datetime.fromtimestamp(moment, UTC)
        return (told.astimezone() if _Shown.zone == "local" else told).strftime(form)
    except (ValueError, OverflowError, OSError):
        return ""
