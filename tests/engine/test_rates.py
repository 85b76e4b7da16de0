"""Rates come from time stamps, survive resets, and history keeps its gaps."""

from __future__ import annotations

import pytest

from opalmind_tui.engine.rates import POINTS, STEP, Rates, RecentFigures
from opalmind_tui.snapshot.model import Figure


def test_rate_over_uneven_ticks() -> None:
    rates = Rates(window=15)
    for at, value in ((100.0, 0), (101.0, 10), (109.5, 95), (110.0, 100)):
        rates.add(at, {"accepted": value})
    assert rates.counter("accepted") == pytest.approx(10.0)


def test_only_the_window_counts() -> None:
    rates = Rates(window=10)
    for at in range(100, 200):
        rates.add(float(at), {"accepted": min(at, 150)})
    assert rates.counter("accepted") == 0.0


def test_a_counter_that_was_reset_gives_no_negative_rate() -> None:
    rates = Rates()
    rates.add(1.0, {"accepted": 500})
    rates.add(2.0, {"accepted": 3})
    assert rates.counter("accepted") == 0.0
    assert rates.slope("accepted") == -497.0


def test_a_clock_that_steps_back_starts_anew() -> None:
    rates = Rates()
    rates.add(100.0, {"accepted": 5})
    rates.add(50.0, {"accepted": 6})
    assert rates.counter("accepted") == 0.0
    rates.add(51.0, {"accepted": 9})
    assert rates.counter("accepted") == 3.0


def test_unknown_names_and_single_samples() -> None:
    rates = Rates()
    assert rates.counter("anything") == 0.0
    rates.add(1.0, {})
    rates.add(2.0, {"accepted": 1})
    assert rates.counter("accepted") == 0.0


def test_history_has_a_gap_where_nobody_looked() -> None:
    history = RecentFigures()
    history.add(0.0, {Figure.BACKLOG: 1})
    history.add(STEP / 2, {Figure.BACKLOG: 9})
    history.add(STEP * 3, {Figure.BACKLOG: 4})
    series = next(found for found in history.series() if found.name == Figure.BACKLOG)
    assert series.points == (1, None, None, 4)


def test_history_is_bounded() -> None:
    history = RecentFigures()
    history.add(0.0, {Figure.BACKLOG: 1})
    history.add(1e9, {Figure.BACKLOG: 2})
    series = next(found for found in history.series() if found.name == Figure.BACKLOG)
    assert len(series.points) == POINTS
    assert series.points[-1] == 2


def test_history_is_the_same_object_until_there_is_another_point() -> None:
    """By that a screen knows that it has drawn it."""
    history = RecentFigures()
    history.add(0.0, {Figure.BACKLOG: 1})
    first = history.series()
    history.add(STEP / 2, {Figure.BACKLOG: 9})
    assert history.series() is first
    history.add(STEP, {Figure.BACKLOG: 2})
    assert next(one for one in history.series() if one.name == Figure.BACKLOG).points == (1, 2)
