"""Key numbers of a site, for one period or a series of them."""

from __future__ import annotations

import re
from typing import Any

from opalmind_tui.reports.js_json import js_items
from opalmind_tui.reports.values.fields import Record, fields, shaped
from opalmind_tui.reports.values.names import collated
from opalmind_tui.reports.values.numbers import Number, finite, total, trim

_FIELDS = fields(
    "nb_visits=count nb_uniq_visitors nb_actions nb_users nb_visits_converted sum_visit_length max_actions "
    "bounce_rate=text nb_actions_per_visit=number|text nb_pageviews nb_uniq_pageviews avg_time_on_site=duration"
)
_COUNTS = tuple(name for name, kind in _FIELDS.items() if kind in ("number", "count"))
_PAGEVIEWS = ("nb_pageviews", "nb_uniq_pageviews")
_CLOCK = re.compile(r"(?:([0-9]+):)?([0-9]+):([0-9]+)")
_DEEPEST = 8
"""Levels of a nested series that are looked into."""
_WORDS = re.compile(
    r"(?:([0-9]+)\s*h(?:ours?)?\s*)?(?:([0-9]+)\s*m(?:in(?:ute)?s?)?\s*)?"
    r"(?:([0-9]+(?:\.[0-9]+)?)\s*s(?:ec(?:ond)?s?)?)?",
    re.IGNORECASE,
)


def shape(visits: Any, actions: Any | None) -> Record:
    """One period's numbers from ``VisitsSummary.get`` and, where it answered, ``Actions.get``.

    Raises `MatomoError` (kind ``parse``).
    """
    record = dict(_record(visits)) or {"nb_visits": finite(_first(visits)) or 0}
    if actions is not None:
        pages = _record(actions)
        record.update((name, pages.get(name)) for name in _PAGEVIEWS)
    return shaped(_FIELDS, _cleaned(record))


def series(answer: Any) -> list[Record]:
    """The numbers of several periods, by date. Raises `MatomoError` (kind ``parse``)."""
    if isinstance(answer, list):
        members = [(str(index), item) for index, item in enumerate(answer)]
    else:
        members = list(js_items(answer)) if isinstance(answer, dict) else []
    points = []
    for date, item in members:
        if date == "__proto__":
            continue
        record = _record(item) or {"nb_visits": finite(_first(item)) or 0}
        points.append({"date": date, **shaped(_FIELDS, record)})
    return sorted(points, key=lambda point: collated(str(point["date"])))


def _cleaned(raw: Record) -> Record:
    """Counts that are none are left out (visits: their series, else 0); the time on site is computed."""
    record = dict(raw)
    for name in _COUNTS:
        count = finite(raw.get(name))
        if count is not None:
            record[name] = count
        elif name == "nb_visits":
            sums = (_sum(raw.get("nb_visits_series")), _sum(raw.get(name)), 0)
            record[name] = next(value for value in sums if value is not None)
        else:
            record.pop(name, None)
    spent, visits = record.get("sum_visit_length"), record["nb_visits"]
    seconds = spent / visits if spent is not None and visits > 0 else _seconds(raw.get("avg_time_on_site"))
    record.pop("avg_time_on_site", None)
    if seconds is not None:
        record["avg_time_on_site"] = {"value": seconds, "unit": "seconds"}
    return record


def _sum(data: Any, depth: int = 0) -> Number | None:
    """The sum of all numbers in a nested series."""
    items = list(data.values()) if isinstance(data, dict) else data if isinstance(data, list) else []
    if depth > _DEEPEST:
        return None
    return total([_sum(item, depth + 1) if isinstance(item, dict | list) else finite(item) for item in items])


def _seconds(value: Any) -> Number | None:
    """A duration: a number, ``1:02:03``, ``2:03``, ``4 s`` or ``1h 2min 3s``."""
    number = finite(value)
    if number is not None or not isinstance(value, str) or not trim(value):
        return number
    found = _CLOCK.fullmatch(trim(value)) or _WORDS.fullmatch(trim(value))
    if found is None:
        return None
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def _first(value: Any) -> Any:
    """What a list, however nested, begins with."""
    while isinstance(value, list):
        value = value[0] if value else None
    return value


def _record(value: Any) -> Record:
    first = _first(value)
    return first if isinstance(first, dict) else {}
