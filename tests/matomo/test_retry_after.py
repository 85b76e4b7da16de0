"""Every spelling of a wait that was recorded, and garbage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalmind_tui.matomo.retry_after import LONGEST, parse, retry_after

NOW = 1_795_375_203.0  # Sun, 22 Nov 2026 19:20:03 GMT


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1", 1.0),
        (" 2 ", 2.0),
        ("0.25", 0.25),
        ("0", 0.0),
        ("-5", 0.0),
        ("0x1", 1.0),
        ("1e0", 1.0),
        ("3600", 3600.0),
        ("3601", 3600.0),
        ("1e300", 3600.0),
        ("inf", 3600.0),
        ("2147484", 3600.0),
        ("Sun, 22 Nov 2026 19:20:05 GMT", 2.0),
        ("Sun, 22 Nov 2026 19:20:01 GMT", 0.0),
        ("Sunday, 22-Nov-26 19:20:05 GMT", 2.0),
        ("2026-11-22T19:20:04.612Z", 1.612),
        ("2026-11-22T20:20:05+01:00", 2.0),
        ("2026-11-22 19:20:05", 2.0),
        ("1795375205", 2.0),
        ("1795375204313", 1.313),
        ("1795375000", 0.0),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("0xzz", None),
        ("Sun, 99 Nov 2026", None),
        ("9" * 5000, 3600.0),
        ("1, 2", None),
    ],
)
def test_spellings(value: str, seconds: float | None) -> None:
    found = parse(value, NOW)
    assert found == (None if seconds is None else pytest.approx(seconds))


@given(st.text(max_size=60) | st.floats().map(str) | st.integers().map(str) | st.datetimes().map(str))
def test_whatever_comes_is_a_wait_of_at_most_an_hour_or_nothing(value: str) -> None:
    found = parse(value, NOW)
    assert found is None or 0.0 <= found <= LONGEST


def test_an_unreadable_header_gives_way_to_the_next() -> None:
    assert retry_after({"retry-after": "soon", "x-matomo-rate-limit-reset": "7"}, NOW) == 7.0
    assert retry_after({"retry-after": "3", "x-matomo-rate-limit-reset": "7"}, NOW) == 3.0
    assert retry_after({"x-ratelimit-reset": "1"}, NOW) is None


@pytest.mark.parametrize("off", [-300.0, 0.0, 300.0])
def test_a_date_is_measured_by_the_clock_that_made_it(off: float) -> None:
    headers = {"date": "Sun, 22 Nov 2026 19:20:03 GMT", "retry-after": "Sun, 22 Nov 2026 19:20:07 GMT"}
    assert retry_after(headers, NOW + off) == 4.0
    assert retry_after({**headers, "date": "soon"}, NOW) == 4.0
