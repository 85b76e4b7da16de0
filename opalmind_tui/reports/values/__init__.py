"""What each report looks like: made from Matomo's answer (`shape`) and tested when read back (`fits`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opalmind_tui.reports.values import ecommerce, funnels, goals, rows

FITS: Mapping[str, Callable[[Any], bool]] = {
    **{name: rows.tester(name) for name in rows.FIELDS},
    "ecommerceOverview": ecommerce.fits_overview,
    "ecommerceRevenueTotals": ecommerce.fits_totals,
    "goalConversions": goals.fits,
    "funnelSummary": funnels.fits,
}
"""For each feature: is this a value of it? Answers False for whatever comes; never raises."""
