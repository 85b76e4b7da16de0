"""Waits: bounded, jittered, never less than asked for."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalmind_tui.tracking.backoff import BREAKER_CAP, HINT_CAP, REQUEST_CAP, Backoff

LOW = Backoff(lambda low, high: low)
HIGH = Backoff(lambda low, high: high)


def test_a_request_waits_up_to_twice_as_long_each_time() -> None:
    assert [HIGH.request(attempt) for attempt in (1, 2, 3, 9, 10, 15, 10_000)] == [5, 10, 20, 1280, 1800, 1800, 1800]
    assert LOW.request(7) == 0


def test_an_endpoint_is_probed_after_one_second_doubling_to_a_minute() -> None:
    assert [LOW.breaker(failures) for failures in (1, 2, 3, 6, 7, 8, 10_000)] == [1, 2, 4, 32, 60, 60, 60]
    assert HIGH.breaker(3) == pytest.approx(4.4)


@given(st.floats(0, 10_000), st.integers(1, 50), st.integers())
def test_a_cooldown_is_never_shorter_than_asked_for_and_never_over_an_hour(
    hint: float, failures: int, seed: int
) -> None:
    seconds = Backoff(random.Random(seed).uniform).cooldown(hint, failures)
    assert min(hint, HINT_CAP) <= seconds <= max(HINT_CAP, BREAKER_CAP * 1.1)


def test_the_waits_of_a_thousand_processes_are_spread() -> None:
    chance = random.Random(1)
    waits = [Backoff(chance.uniform).request(20) for _ in range(1000)]
    for tenth in range(10):
        low = REQUEST_CAP / 10 * tenth
        assert 60 < sum(low <= wait < low + REQUEST_CAP / 10 for wait in waits) < 140
