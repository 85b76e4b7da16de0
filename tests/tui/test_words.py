"""Figures as words, charts, grids: small pure functions that everything on the screen is made of."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalmind_tui.snapshot.model import Reading, Snapshot
from opalmind_tui.text import cells
from opalmind_tui.tui import figures
from opalmind_tui.tui.charts import bar, buckets, chart, sparkline
from opalmind_tui.tui.dialogs.ttl import LONGEST, SHORTEST, seconds_of
from opalmind_tui.tui.lines import Area, Span, apart, block, fit, left, line, right, width_of, wrap
from opalmind_tui.tui.sheet import stale_age
from opalmind_tui.tui.table import Column, head, row, widths

SAID = (
    (figures.count, (2_310,), "2,310"),
    (figures.count, (1_234_567, 7), "1.2M"),
    (figures.count, (999_999, 7), "999,999"),
    (figures.short, (999.0,), "999"),
    (figures.short, (2_900.0,), "2.9k"),
    (figures.short, (999_999.0,), "1.0M"),
    (figures.size, (410 * 2**20,), "410M"),
    (figures.size, (1_536 * 2**20,), "1.5G"),
    (figures.size, (0,), "0"),
    (figures.rate, (0.0,), "0/s"),
    (figures.rate, (2.34,), "2.3/s"),
    (figures.rate, (9.96,), "10/s"),
    (figures.rate, (12_345.0,), "12k/s"),
    (figures.percent, (None,), "–"),
    (figures.percent, (99.7,), "99 %"),
    (figures.percent, (0.2,), "1 %"),
    (figures.percent, (100.0,), "100 %"),
    (figures.percent, (0.0,), "0 %"),
    (figures.span, (8.0,), "8s"),
    (figures.span, (1_022.0,), "17m02s"),
    (figures.span, (7_800.0,), "2h10m"),
    (figures.span, (273_600.0,), "3d04h"),
    (figures.span, (None,), "–"),
    (figures.span, (-5.0,), "0s"),
    (figures.span, (math.inf,), "–"),
    (figures.words, (8.0,), "8 s"),
    (figures.words, (1_022.0,), "17 min"),
    (figures.words, (10_900.0,), "3 h"),
    (figures.lifetime, (60.0,), "60 s"),
    (figures.lifetime, (300.0,), "5 min"),
    (figures.lifetime, (3_600.0,), "1 h"),
    (figures.lifetime, (86_400.0,), "1 d"),
    (figures.lifetime, (90.5,), "90.5 s"),
    (figures.milliseconds, (0.0004,), "0.4 ms"),
    (figures.milliseconds, (0.041,), "41 ms"),
    (figures.milliseconds, (1.25,), "1.2 s"),
    (figures.clock, (1_740_796_267.0,), "02:31:07"),
    (figures.clock, (math.inf,), "--:--:--"),
    (figures.stamp, (1_740_796_267.0,), "2025-03-01 02:31:07 UTC"),
    (figures.stamp, (None,), "–"),
)


@pytest.mark.parametrize(("function", "arguments", "said"), SAID)
def test_figures(function: object, arguments: tuple[object, ...], said: str) -> None:
    assert function(*arguments) == said  # type: ignore[operator]


@given(st.floats(min_value=0, max_value=1e12), st.integers(0, 10**12))
def test_figures_never_grow_out_of_their_column(number: float, whole: int) -> None:
    assert len(figures.span(number)) <= 6
    assert len(figures.rate(number)) <= 6
    assert len(figures.size(number)) <= 5
    assert len(figures.short(number)) <= 4
    assert len(figures.milliseconds(number)) <= 7
    assert len(figures.count(whole, 6)) <= 6


def test_a_chart_grows_from_the_bottom() -> None:
    assert chart([0, 4, 8, None, 16], 5, 2) == ["    █", "▁▄█ █"]
    assert sparkline([0.0, 0.0], 4) == "  ▁▁"
    assert sparkline([1.0, None, 1.0], 3) == "█ █"
    assert sparkline([5.0, 6.0, 7.0], 3, zero=False) == "▁▄█"
    assert sparkline([], 3) == "   "
    assert sparkline([1.0], 0) == ""


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e9)), max_size=60), st.integers(1, 20), st.integers(1, 4))
def test_a_chart_fills_its_area(points: list[float | None], width: int, height: int) -> None:
    rows = chart(points, width, height)
    assert [len(one) for one in rows] == [width] * height


def test_points_keep_their_column_while_time_goes_on() -> None:
    points = [float(number) for number in range(100)]
    before, after = buckets(points[:-1], 10, phase=98), buckets(points[1:], 10, phase=99)
    kept = [column for column in before[:-1] if column in after]
    assert len(kept) >= 8


def test_a_bar_shows_a_share() -> None:
    assert bar(0.5, 4) == ("██", "░░")
    assert bar(7.0, 4) == ("████", "")


@given(st.text(max_size=40), st.integers(0, 50))
def test_a_line_fits_exactly(text: str, width: int) -> None:
    from opalmind_tui.text import safe_text

    spans = line(Span(safe_text(text)), Span("xy"))
    assert width_of(fit(spans, width)) == width
    assert width_of(apart(spans, line(Span("right")), width)) == width
    assert cells(left(safe_text(text), width).text) == width
    assert cells(right(safe_text(text), width).text) == width
    assert all(width_of(one) == width for one in block([spans], Area(width, 3)))


@given(st.text(alphabet="ab 日 ", max_size=80), st.integers(2, 20), st.integers(1, 4))
def test_wrapped_text_stays_in_its_area(text: str, width: int, most: int) -> None:
    rows = wrap(text, width, most)
    assert len(rows) <= most
    assert all(cells(one) <= width for one in rows)


def test_wrapping_says_when_something_is_missing() -> None:
    assert wrap("one two three", 7, 2) == ["one two", "three"]
    assert wrap("one two three four", 7, 2) == ["one two", "three…"]
    assert wrap("abcdefghij", 4, 3) == ["abcd", "efgh", "ij"]


def test_columns_share_what_is_left() -> None:
    columns = (
        Column("a", 2, lambda value: Span(value)),
        Column("b", 2, lambda value: Span(value), share=2),
        Column("c", 2, lambda value: Span(value), share=1, to_right=True),
        Column("d", 5, lambda value: Span(value), from_width=40),
    )
    assert [width for _, width in widths(columns, 21)] == [2, 10, 7]
    assert width_of(head(columns, 21)) == 21
    assert width_of(row(columns, "xxxxxxxxxxxxxxx", 60)) == 60


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("60", 60),
        (" 90s ", 90),
        ("5m", 300),
        ("5 min", 300),
        ("2h", 7200),
        ("1d", 86_400),
        ("1.5h", 5400),
        ("reset", 0),
    ],
)
def test_a_time_to_live_is_read(typed: str, seconds: float) -> None:
    assert seconds_of(typed) == seconds


@pytest.mark.parametrize("typed", ["", "x", "5y", "-1", "1e3", "٣", "0", "0.5", "366d", "5 5", "\x1b", "9" * 400])
def test_a_time_to_live_that_cannot_be_used_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"Write|Not a time|From 1 second"):
        seconds_of(typed)


@given(st.floats(SHORTEST, LONGEST))
def test_every_length_within_the_limits_can_be_written(seconds: float) -> None:
    assert seconds_of(f"{seconds:f}") == pytest.approx(seconds, abs=1e-5)


@pytest.mark.parametrize(
    ("age", "every", "shown"), [(1.9, 0.0, None), (2.1, 0.0, 2.1), (9.0, 5.0, None), (11.0, 5.0, 11.0)]
)
def test_a_reading_is_old_by_its_own_pace(age: float, every: float, shown: float | None) -> None:
    snapshot = Snapshot(taken_at=1_000.0, interval=1.0)
    found = stale_age(Reading(1, 1_000.0 - age, every=every), snapshot)
    assert found == (pytest.approx(shown) if shown else None)
