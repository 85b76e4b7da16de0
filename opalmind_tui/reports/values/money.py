"""Amounts with their currency, added to a report after it left the cache."""

from __future__ import annotations

import math
import re
from typing import Any

from opalmind_tui.reports.values.numbers import number_of, trim

_AMOUNTS = {
    "revenue",
    "revenuepervisit",
    "revenueperconversion",
    "avgorderrevenue",
    "revenuesubtotal",
    "revenuetax",
    "revenueshipping",
    "revenuediscount",
}
"""Names of amounts, by their letters alone."""
_NO_LETTER = re.compile("[^a-z]")
_CURRENCY_FIELDS = ("currency", "currencyCode", "currency_symbol", "currencySymbol")


_DEEPEST = 32
"""Levels that are looked into; Matomo's reports have four."""


def with_currency(value: Any, currency: str | None, depth: int = 0) -> Any:
    """The report with every amount as ``{"value": amount, "currency": currency or None}``, on all its levels."""
    if depth > _DEEPEST or not isinstance(value, list | dict):
        return value
    if isinstance(value, list):
        return [with_currency(item, currency, depth + 1) for item in value]
    return {name: _member(name, member, currency, depth) for name, member in value.items()}


def _member(name: str, member: Any, currency: str | None, depth: int) -> Any:
    if _NO_LETTER.sub("", name.lower()) in _AMOUNTS and isinstance(member, str | int | float):
        amount = None if isinstance(member, bool) else number_of(member)
        if amount is not None and math.isfinite(amount):
            return {"value": amount, "currency": currency}
    return with_currency(member, currency, depth + 1)


def currency_of(site: Any) -> str | None:
    """The currency in Matomo's description of a site, in capitals; None where it names none."""
    if isinstance(site, list):
        site = next((item for item in site if isinstance(item, dict)), None)
    if not isinstance(site, dict):
        return None
    texts = (site.get(name) for name in _CURRENCY_FIELDS)
    return next((trim(text).upper() for text in texts if isinstance(text, str) and trim(text)), None)
