"""Matomo's `period` and `date`: which days a report is about, and how its parts are labelled."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta

PERIODS = ("day", "week", "month", "year", "range")
MOST = 120
"""Parts that one report may have."""
FIRST_WEBSITE = date(1991, 8, 6)

Part = tuple[str, date, date]
"""Label, first day, last day."""


class BadPeriod(Exception):
    """`period` or `date` cannot be read; the text is Matomo's."""


def parts_of(period: str, text: str, today: date) -> tuple[list[Part], bool]:
    """The parts of a report, and whether it was asked for several (then the answer is keyed by their labels).

    Raises:
        BadPeriod: with the message that Matomo gives.
    """
    if period not in PERIODS:
        raise BadPeriod(
            f"The period '{period}' is not supported. Try any of the following instead: {', '.join(PERIODS)}"
        )
    span = _span(text, period, today)
    if period == "range":
        if span is None:
            raise BadPeriod(
                f"The date '{text}' is not a correct date range. It should have the following format:  "
                "'lastN', 'previousN', 'YYYY-MM-DD,YYYY-MM-DD'."
            )
        first, last = span
        return [(f"{first},{last}", first, last)], False
    if span is None:
        return [_part(period, _day(text, today))], False
    first, last = span
    parts: list[Part] = []
    while first <= last and len(parts) < MOST:
        parts.append(_part(period, first))
        first = parts[-1][2] + timedelta(days=1)
    return parts, True


def _span(text: str, period: str, today: date) -> tuple[date, date] | None:
    if found := re.fullmatch(r"(last|previous)(\d{1,4})", text):
        count = max(1, min(int(found[2]), MOST))
        end = today if found[1] == "last" else _part(period, today)[1] - timedelta(days=1)
        return _back(end, period, count - 1), end
    if "," in text:
        first, _, last = text.partition(",")
        start, end = _day(first, today), _day(last, today)
        return (start, end) if start <= end else (end, start)
    return None


def _back(end: date, period: str, count: int) -> date:
    days = {"week": 7, "month": 30, "year": 365}.get(period, 1)
    return end - timedelta(days=days * count)


def _day(text: str, today: date) -> date:
    words = {"today": 0, "now": 0, "yesterday": 1, "lastWeek": 7, "lastMonth": 30, "lastYear": 365}
    if text in words or (len(text) == 1 and text.isalpha()):
        return today - timedelta(days=words.get(text, 0))
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise BadPeriod(
            "Date format must be: YYYY-MM-DD, or 'today' or 'yesterday' or any keyword supported by the strtotime "
            "function (see http://php.net/strtotime for more information): false"
        ) from None
    if found < FIRST_WEBSITE:
        raise BadPeriod(
            f"The date '{text}' is a date before first website was online. "
            "Try date that's after Aug 6, 1991 (timestamp 681436800).: 0"
        )
    return found


def _part(period: str, on: date) -> Part:
    match period:
        case "week":
            first = on - timedelta(days=on.weekday())
            last = first + timedelta(days=6)
            return f"{first},{last}", first, last
        case "month":
            last = on.replace(day=calendar.monthrange(on.year, on.month)[1])
            return f"{on:%Y-%m}", on.replace(day=1), last
        case "year":
            return f"{on:%Y}", date(on.year, 1, 1), date(on.year, 12, 31)
        case _:
            return str(on), on, on
