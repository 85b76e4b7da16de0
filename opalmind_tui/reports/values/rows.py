"""Reports that are a list of rows with a label."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from opalmind_tui.reports.values.fields import Fields, Record, fields, rows_fit, shaped, unexpected
from opalmind_tui.reports.values.numbers import trim

_EVENTS = fields(
    "label=label nb_events nb_visits nb_actions sum_event_value nb_events_with_value avg_event_value=number|text "
    "min_event_value max_event_value"
)
_VISITS = "label=label nb_visits nb_actions nb_visits_converted"

FIELDS: Mapping[str, Fields] = {
    "popularUrls": fields("label=label url=text nb_hits nb_visits nb_uniq_visitors sum_time_spent"),
    "topReferrers": fields(_VISITS),
    "events": _EVENTS,
    "entryPages": fields(
        "label=label url=text nb_visits nb_uniq_visitors nb_hits sum_time_spent entry_nb_uniq_visitors entry_nb_visits "
        "entry_nb_actions entry_sum_visit_length entry_bounce_count exit_nb_uniq_visitors exit_nb_visits "
        "avg_page_load_time avg_time_on_page bounce_rate=text exit_rate=text"
    ),
    "campaigns": fields(f"{_VISITS} revenue"),
    "eventCategories": _EVENTS,
    "deviceTypes": fields(f"{_VISITS} nb_hits sum_visit_length avg_time_on_site bounce_rate=text max_actions"),
    "trafficChannels": fields(f"{_VISITS} sum_visit_length nb_hits bounce_rate=text revenue"),
}

_CHANNELS = {
    "direct": "direct_entry",
    "search": "search_engines",
    "organic_search": "search_engines",
    "paid_search": "search_engines",
    "referral": "websites",
    "referrers": "websites",
    "campaign": "campaigns",
    "social": "social_networks",
}
"""Other words for Matomo's channels."""


def shape(feature: str, answer: Any) -> list[Record]:
    """The rows of a feature in the stored form. Raises `MatomoError` (kind ``parse``) where they are none."""
    if not isinstance(answer, list):
        raise unexpected("a list of rows", answer)
    table = FIELDS[feature]
    return [shaped(table, row) for row in answer]


def tester(feature: str) -> Callable[[Any], bool]:
    """The test for stored rows of a feature."""
    return partial(rows_fit, FIELDS[feature])


def only_channel(rows: list[Record], channel: str) -> list[Record]:
    """The rows of one traffic channel, named by its label, its type or a common word; empty text keeps all."""
    if not channel:
        return rows
    wanted = _channel(channel)
    return [row for row in rows if _channel(row["label"]) == wanted]


def _channel(name: str) -> str:
    word = "_".join(trim(name).lower().split())
    return _CHANNELS.get(word, word)
