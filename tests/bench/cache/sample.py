"""Reports as Matomo's page addresses have them."""

from __future__ import annotations

from typing import Any

FEATURE = "popularUrls"
ROW = {
    "nb_hits": 123, "nb_visits": 45, "nb_uniq_visitors": 40, "sum_time_spent": 1234, "avg_time_on_page": 27.5,
    "bounce_rate": "37%",
}  # fmt: skip


def report(size: int) -> list[dict[str, Any]]:
    """Rows of about so many bytes: those that peers get, too."""
    return [{"label": f"/products/category/page-{number:03}", **ROW} for number in range(1 + size // 170)]


def key(number: int) -> str:
    """A key text."""
    return f'{{"feature":"{FEATURE}","input":{{"siteId":{number}}}}}'
