"""What the minutes of a day tell: rates, gaps, marks, and when a trouble began."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from opalmind_tui.snapshot import history as history_module
from opalmind_tui.snapshot.history import KEPT, MINUTE, Figure, History, Mark, Minute, began, minute_of

START = 60_000_000.0
CALM = Minute(
    START, waiting=0, dead=0, oldest=0.0, ledger=0, accepted=0, delivered=0, retried=0, rejected=0, hits=0, misses=0,
    memory=100, evicted=0, matomo=0.1, answers=True,
)  # fmt: skip


def minute(number: int, **changed: object) -> Minute:
    """A calm one, sixty delivered since the last."""
    return replace(CALM, **{"at": START + MINUTE * number + 1, "delivered": 60 * number, **changed})  # type: ignore[arg-type]


def points(history: History, figure: Figure, minutes: int, number: int) -> list[float | None]:
    return list(history.series(figure, minutes, START + MINUTE * number + 30).points)


def test_rates_need_the_minute_before_and_a_gap_is_no_zero() -> None:
    history = History(tuple(minute(number) for number in (0, 1, 2, 5, 6)))
    assert points(history, Figure.DELIVERED, 8, 6) == [None, None, 1.0, 1.0, None, None, None, 1.0]
    assert points(history, Figure.BACKLOG, 8, 6) == [None, 0, 0, 0, None, None, 0, 0]


def test_counting_anew_and_another_counter_give_no_rate() -> None:
    history = History((minute(0, delivered=900), minute(1, delivered=3), minute(2, delivered=9, alone=True)))
    assert points(history, Figure.DELIVERED, 3, 2) == [None, None, None]


def test_the_hit_rate_is_of_the_look_ups_of_that_minute() -> None:
    history = History((minute(0, hits=100), minute(1, hits=103, misses=1), minute(2, hits=103, misses=1)))
    assert points(history, Figure.HIT_RATE, 3, 2) == [None, 75.0, None]


def test_the_newest_point_is_of_now_where_nobody_notes_any_more() -> None:
    history = History((minute(0), minute(1)))
    assert points(history, Figure.BACKLOG, 2, 2) == [0, 0], "the minute of now is not written yet"
    assert points(history, Figure.BACKLOG, 6, 6) == [0, None, None, None, None, None]


def test_marks_lie_at_their_points() -> None:
    marks = tuple(Mark(START + MINUTE * number + 40, "ann", "retry", str(number)) for number in (-9, 1, 2, 3))
    history = History((minute(0), minute(1), minute(2)), marks)
    found = history.marks_of(3, START + MINUTE * 3 + 50)
    assert [(place, mark.what) for place, mark in found] == [(1, "1"), (2, "2"), (2, "3")]


def began_at(*minutes: Minute, late: int = 0) -> list[tuple[str, int, bool]]:
    now = minutes[-1].at + 10 + late
    return [(one.what, int((one.at - START) // MINUTE), one.earlier) for one in began(History(minutes), now)]


def test_an_incident_shows_when_it_began() -> None:
    down = [minute(number, answers=False, matomo=None, oldest=MINUTE * (number - 3)) for number in (3, 4, 5)]
    assert began_at(minute(0, answers=False), minute(1), minute(2), *down) == [
        ("Matomo does not answer", 3, False),
        ("requests wait over a minute", 4, False),
    ]
    assert began_at(*down, minute(6)) == []
    assert began_at(*down, late=1_000) == []
    assert began(History(), START) == ()


def test_a_beginning_that_nobody_noted_is_said() -> None:
    assert began_at(minute(7, ledger=2), minute(8, ledger=2)) == [("the ledger does not add up", 7, True)]
    assert began_at(minute(1), minute(7, ledger=2), minute(8, ledger=2)) == [("the ledger does not add up", 7, True)]
    across = (minute(1), minute(2, ledger=1), minute(7, ledger=2))
    assert began_at(*across) == [("the ledger does not add up", 2, False)]
    unknown = (minute(1), minute(2, answers=False), minute(3, answers=None), minute(4, answers=False))
    assert began_at(*unknown) == [("Matomo does not answer", 2, False)]


def test_what_grows_is_wrong_while_it_grows() -> None:
    dying = [minute(number, dead=max(0, number - 2), evicted=number) for number in range(5)]
    assert began_at(*dying) == [("Redis evicts keys", 1, True), ("requests die", 3, False)]
    assert began_at(*dying, minute(5, dead=2, evicted=4)) == []


@given(st.sets(st.integers(0, 40)), st.integers(1, 45), st.integers(0, 60))
def test_a_window_is_a_part_of_the_whole(numbers: set[int], minutes: int, now: int) -> None:
    noted = tuple(minute(number, waiting=number) for number in sorted(numbers))
    whole = {one.number: one.waiting for one in noted}
    rates = {later.number: 1.0 for former, later in pairwise(noted) if later.number - former.number == 1}
    history = History(noted)
    end = history.newest(START + MINUTE * now + 30)
    wanted = range(end - minutes + 1, end + 1)
    assert points(history, Figure.BACKLOG, minutes, now) == [whole.get(number) for number in wanted]
    assert points(history, Figure.DELIVERED, minutes, now) == [rates.get(number) for number in wanted]


def test_a_look_at_a_few_minutes_does_not_go_through_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each second ten figures are drawn, and asked for what began when."""
    history = History(tuple(minute(number) for number in range(KEPT)))
    looked_at: list[float] = []

    def counted(moment: float) -> int:
        looked_at.append(moment)
        return minute_of(moment)

    monkeypatch.setattr(history_module, "minute_of", counted)
    assert points(history, Figure.DELIVERED, 15, KEPT - 1) == [1.0] * 15
    assert began(history, history.minutes[-1].at) == ()
    assert len(looked_at) < 150
