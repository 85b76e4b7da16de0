"""Values of every report, whatever Matomo sends: a value that fits, or a `MatomoError`, and nothing else."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opalmind_tui.errors import MatomoError
from opalmind_tui.reports.entry import LARGEST, decode_entry, encode_entry
from opalmind_tui.reports.features import NAMES
from opalmind_tui.reports.js_json import parse, stringify
from opalmind_tui.reports.values import FITS, ecommerce, funnels, goals, key_numbers, rows
from opalmind_tui.reports.values.fields import fits, rows_fit
from opalmind_tui.reports.values.money import currency_of, with_currency
from opalmind_tui.reports.values.numbers import number_of

_NAMES_OF_MATOMO = [
    "label",
    "url",
    "nb_visits",
    "nb_hits",
    "bounce_rate",
    "revenue",
    "nb_conversions",
    "idgoal",
    "goal",
    "name",
    "type",
    "steps",
    "definition",
    "columns",
    "id",
    "position",
    "step_position",
    "pattern",
    "conversion_rate",
    "avg_event_value",
    "avg_time_on_site",
    "unit",
    "value",
    "1",
    "02",
    "0",
    "__proto__",
]
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from(
    ["", " 12 ", "12.5%", "1,200", "0x1f", "-", "1e3", "Infinity", "\ud83d", "1:02:03", "2 min 3s"]
)  # fmt: skip
ANSWERS = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(_NAMES_OF_MATOMO) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=20,
)
ASKED = {"funnelId": "4", "period": "day", "date": "today"}
SHAPES = {
    **{name: (lambda answer, name=name: rows.shape(name, answer)) for name in rows.FIELDS},
    "ecommerceOverview": ecommerce.overview,
    "ecommerceRevenueTotals": lambda answer: ecommerce.totals(answer, True),
    "goalConversions": lambda answer: goals.shape(answer, "7", ""),
    "funnelSummary": lambda answer: funnels.shape(ASKED, answer, answer, answer),
}


def test_every_feature_has_a_shape_and_a_test() -> None:
    assert set(SHAPES) == set(FITS) == set(NAMES)


@pytest.mark.parametrize("feature", NAMES)
@settings(max_examples=50, deadline=None)
@given(answer=ANSWERS)
@example(answer=[{"label": None, "revenue": None}])
def test_what_is_shaped_is_stored_and_read_back(feature: str, answer: Any) -> None:
    try:
        value = SHAPES[feature](answer)
    except MatomoError:
        return
    entry = decode_entry(encode_entry(feature, value, 1), feature)
    assert entry is not None
    assert stringify(entry.value) == stringify(value)
    with_currency(entry.value, "EUR")


@pytest.mark.parametrize("feature", NAMES)
@settings(max_examples=50, deadline=None)
@given(value=ANSWERS, member=ANSWERS)
def test_reading_an_entry_never_raises(feature: str, value: Any, member: Any) -> None:
    entry = {"feature": feature, "value": [value], "expiresAt": member}
    for raw in (stringify(value), stringify(entry), stringify(entry | {"value": value, "expiresAt": 1})):
        decode_entry(raw.encode(), feature)


@settings(max_examples=50, deadline=None)
@given(raw=st.binary(max_size=64))
def test_reading_any_bytes_never_raises(raw: bytes) -> None:
    assert decode_entry(raw, "events") is None


def test_an_entry_that_is_too_large_is_not_looked_into() -> None:
    value = [{"label": "x" * 1000}] * (LARGEST // 1000)
    assert decode_entry(encode_entry("events", value, 1), "events") is None
    assert decode_entry(encode_entry("events", value[:1000], 1), "events") is not None


@settings(max_examples=50, deadline=None)
@given(visits=ANSWERS, actions=ANSWERS)
def test_key_numbers_are_numbers_or_an_error(visits: Any, actions: Any) -> None:
    for shape in (lambda: [key_numbers.shape(visits, actions)], lambda: key_numbers.series(visits)):
        try:
            points = shape()
        except MatomoError:
            continue
        assert all(isinstance(point["nb_visits"], int | float) for point in points)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (None, 0), ("", 0), (" ", 0), (False, 0), (True, 1), ("12", 12), (" 1.50 ", 1.5), ("1e3", 1000), (".5", 0.5),
        ("5.", 5), ("0x1f", 31), ("0b11", 3), ("-0x1f", None), ("1_000", None), ("1,5", None), ("12%", None),
        ("nan", None), ("inf", None), ("-Infinity", -math.inf), ("١", None), ([], 0), (["7"], 7), ([1, 2], None),
        ({}, None), (math.nan, None), ("\ufeff7\u00a0", 7),
    ],
)  # fmt: skip
def test_numbers_are_read_as_javascript_does(value: Any, number: Any) -> None:
    assert number_of(value) == number


def test_known_fields_come_first_and_unknown_ones_follow_unchanged() -> None:
    row = {"x": None, "nb_visits": "3", "2": 2, "label": "a", "1": 1, "nb_hits": None, "__proto__": {"a": 1}}

    [shaped] = rows.shape("popularUrls", [row])

    assert list(shaped.items()) == [("label", "a"), ("nb_hits", 0), ("nb_visits", 3), ("1", 1), ("2", 2), ("x", None)]
    assert stringify(shaped) == '{"1":1,"2":2,"label":"a","nb_hits":0,"nb_visits":3,"x":null}'


def test_an_error_about_the_shape_names_no_contents() -> None:
    with pytest.raises(MatomoError, match="in the field nb_visits") as raised:
        rows.shape("popularUrls", [{"label": "a", "nb_visits": "secret"}])
    assert "secret" not in str(raised.value)


def test_nesting_without_end_is_an_error_and_no_crash() -> None:
    deep = b'[{"label":"x","more":' + b"[" * 900 + b"]" * 900 + b"}]"
    with_currency(parse(deep), "EUR")
    assert decode_entry(b'{"feature":"campaigns","value":' + deep + b',"expiresAt":1}', "campaigns") is not None


@pytest.mark.parametrize(
    ("site", "currency"),
    [({"currency": " eur "}, "EUR"), ([1, {"currencyCode": "usd"}], "USD"), ({"currency": 5}, None),
     ({"currency": "", "currencySymbol": "€"}, "€"), ([], None), (None, None), ("EUR", None)],
)  # fmt: skip
def test_the_currency_of_a_site(site: Any, currency: str | None) -> None:
    assert currency_of(site) == currency


def test_funnels_nested_by_other_names() -> None:
    definition = [[], {"Label": "Buy", "steps": {"1": "Cart", "2": {"name": "Pay", "steps": []}}, "nb_visits": "1,000"}]
    flow = {"day": [{"columns": {"nb_visits": 5}, "label": "Cart"}, {"name": "Pay", "step": 2, "nb_entries": "4"}]}

    summary = funnels.shape(ASKED | {"segment": ""}, definition, "12", flow)

    assert json.loads(stringify(summary)) == {
        "id": "4", "label": "Buy", "period": "day", "date": "today", "segment": "",
        "steps": [{"id": "1", "label": "Cart", "visits": 5}, {"id": "2", "label": "Pay", "visits": 4}],
        "totalConversions": 12, "totalVisits": 1000, "overallConversionRate": 1.2,
    }  # fmt: skip


_CELLS = st.sampled_from([None, True, 0, 1, 2.5, "", "x", [], {}])
_ROW = st.lists(st.tuples(st.sampled_from(["label", "nb_visits", "url", "other"]), _CELLS), max_size=4).map(dict)
_REGULAR = st.builds(
    lambda names, cells: [dict(zip(names, row, strict=False)) for row in cells],
    st.permutations(["label", "nb_visits", "url", "other"]), st.lists(st.tuples(*[_CELLS] * 4), max_size=4),
)  # fmt: skip
_TEXTS = st.builds(
    lambda labels, last: [{"label": label, "nb_visits": 1} for label in labels] + [last],
    st.lists(st.text(max_size=2), max_size=4), _ROW,
)  # fmt: skip


@given(_REGULAR | _TEXTS | st.lists(_ROW | _CELLS, max_size=4))
@example([])
@example([{}])
@example([{}, {"label": "a"}])
@example([{"label": "a"}, {"label": "b", "nb_visits": "x"}])
@example([{"label": "a", "nb_visits": 1}, {"nb_visits": 1}])
@example([{"label": "a", "nb_visits": 1}, {"nb_visits": 1, "label": "a"}])
@example([{"label": "a", "nb_visits": 1}, {"label": "a", "nb_visits": True}])
@example([{"nb_visits": 1}, {"nb_visits": 1}])
def test_rows_that_are_tested_by_columns_are_those_that_fit_one_by_one(value: Any) -> None:
    table = rows.FIELDS["popularUrls"]
    assert rows_fit(table, value) is all(fits(table, row) for row in value)


def test_what_is_no_list_is_no_report_of_rows() -> None:
    assert not any(rows_fit(rows.FIELDS["popularUrls"], value) for value in (None, {}, "", 0, ({"label": "a"},)))
