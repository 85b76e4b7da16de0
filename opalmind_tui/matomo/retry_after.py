"""How long Matomo, or a proxy before it, asks to wait: every spelling that was seen, nothing that breaks a timer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 3600.0
"""Seconds. A longer wait is cut to this: an hour later it can be asked for again."""
HEADERS = ("retry-after", "x-matomo-rate-limit-reset")
"""In the order in which they are believed; an unreadable one gives way to the next."""
_EPOCH_SECONDS = 1e9
_EPOCH_MILLISECONDS = 1e12


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, from 0 to one hour, or None where no header says so in words that can be read.

    Args:
        headers: of the answer, names in lower case (or a mapping that ignores case).
        now: epoch seconds, by which dates are measured where the answer does not say when it was given: its clock
            made them, and ours may be minutes off.
    """
    given = date_of(headers.get("date", ""))
    now = now if given is None else given
    for name in HEADERS:
        value = headers.get(name)
        if value is not None and (seconds := parse(value, now)) is not None:
            return seconds
    return None


def parse(value: str, now: float) -> float | None:
    """Seconds to wait from one header's value: seconds, epoch seconds or milliseconds, an HTTP or an ISO date."""
    text = value.strip()[:100]
    number = _number(text)
    if number is None:
        moment = date_of(text)
        if moment is None:
            return None
        number = moment - now
    elif math.isnan(number):
        return None
    elif number >= _EPOCH_MILLISECONDS and math.isfinite(number):
        number = number / 1000 - now
    elif number >= _EPOCH_SECONDS and math.isfinite(number):
        number -= now
    return min(max(number, 0.0), LONGEST)


def _number(text: str) -> float | None:
    try:
        if text[:2].lower() == "0x":
            return float(int(text, 16))
        return float(text)
    except (ValueError, OverflowError):
        return None


def date_of(text: str) -> float | None:
    """Epoch seconds of a date; without a zone it is UTC."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None
