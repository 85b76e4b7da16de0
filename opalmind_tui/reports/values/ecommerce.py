"""Orders: one summary, or its totals over several periods. Matomo nests them by date, goal or list position."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from opalmind_tui.reports.js_json import js_items
from opalmind_tui.reports.values.fields import Record, fields, shaped
from opalmind_tui.reports.values.fields import fits as record_fits
from opalmind_tui.reports.values.numbers import trim

FIELDS = fields(
    "nb_conversions nb_visits nb_visits_converted conversion_rate=text revenue revenue_per_visit "
    "revenue_per_conversion avg_order_revenue items revenue_subtotal revenue_tax revenue_shipping revenue_discount"
)
_SUMMED = tuple(name for name, kind in FIELDS.items() if kind == "number")
_SIGNS_OF_A_SUMMARY = ("revenue", "nb_conversions", "avg_order_revenue")
_GOAL_PREFIX = re.compile("^idgoal[=:]", re.IGNORECASE)


def overview(answer: Any) -> Record:
    """The first summary in the answer; empty where there is none. Raises `MatomoError` (kind ``parse``)."""
    return shaped(FIELDS, next((summary for _, summary in _summaries(answer, "")), {}))


def totals(answer: Any, include_series: bool) -> Record:
    """All summaries added up, and each by its label when there are several (or when the series was asked for).

    Raises `MatomoError` (kind ``parse``).
    """
    found = [(label, shaped(FIELDS, summary)) for label, summary in _summaries(answer, "")]
    result: Record = {"totals": _added([summary for _, summary in found])}
    points = [{"label": label, **summary} for label, summary in found if label]
    if include_series or len(points) > 1:
        result["series"] = points
    return result


def fits_overview(value: Any) -> bool:
    """Is this a stored summary?"""
    return record_fits(FIELDS, value)


def fits_totals(value: Any) -> bool:
    """Is this a stored set of totals?"""
    if not isinstance(value, dict) or not record_fits(FIELDS, value.get("totals")):
        return False
    series = value.get("series", [])
    # Any label: one that Matomo sends inside a summary replaces the place's name, whatever it is.
    return isinstance(series, list) and all(record_fits(FIELDS, point) and "label" in point for point in series)


def _summaries(data: Any, label: str) -> Iterator[tuple[str, Record]]:
    if isinstance(data, dict) and any(sign in data for sign in _SIGNS_OF_A_SUMMARY):
        yield label, data
        return
    children = js_items(data) if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for name, child in children:
        yield from _summaries(child, _below(label, str(name)))


def _below(parent: str, name: str) -> str:
    own = trim(_GOAL_PREFIX.sub("", name))
    return f"{parent}.{own}" if parent else own


def _added(summaries: list[Record]) -> Record:
    if not summaries:
        return {"nb_conversions": 0, "revenue": 0}
    sums: Record = {}
    for summary in summaries:
        for name in _SUMMED:
            value = summary.get(name)
            if value is not None and math.isfinite(value):
                sums[name] = sums.get(name, 0) + value
    orders = sums.get("nb_conversions", 0)
    if orders > 0 and "revenue" in sums:
        sums["avg_order_revenue"] = sums["revenue_per_conversion"] = sums["revenue"] / orders
    return {name: sums[name] for name in _SUMMED if name in sums}
