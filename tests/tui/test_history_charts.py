"""The day as charts: gaps stay gaps, acts lie under their minute, and an incident says when it began."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from opalmind_tui.snapshot.history import KEPT, SPANS, History, Mark
from opalmind_tui.snapshot.model import Figure, Reading, Snapshot
from opalmind_tui.tui.charts import column, filled
from opalmind_tui.tui.lines import Area, width_of
from opalmind_tui.tui.panels import history_charts, trends
from opalmind_tui.tui.panels.history import recent
from opalmind_tui.tui.panels.history_charts import HistoryCharts
from opalmind_tui.tui.sheet import frame
from tests.tui.fixtures import NOW, empty, healthy
from tests.tui.history_fixtures import GAP, a_day, calm, incident

AREA = Area(80, 22)


def drawn(snapshot: Snapshot, window: str, area: Area = AREA) -> str:
    lines = frame(HistoryCharts().render(snapshot, window, area), area)
    assert [width_of(one) for one in lines] == [area.width] * area.height
    return "\n".join("".join(span.text for span in one) for one in lines)


def row(text: str, label: str) -> str:
    return next(one for one in text.splitlines() if one.startswith(f" {label}"))


def test_an_incident_shows_when_it_began_to_a_dashboard_that_was_opened_later() -> None:
    text = drawn(incident(), "1 h")
    assert "! since 02:15  Matomo does not answer" in text
    assert "! since 02:16  requests wait over a minute" in text
    assert row(text, "waiting").endswith("max   2,329  ")
    assert "trouble since 02:15" in trends.render(incident(), Area(60, 12)).note
    assert "since" not in drawn(calm(), "1 h") + trends.render(calm(), Area(60, 12)).note


def test_a_gap_stays_empty() -> None:
    text = row(drawn(incident(), "24 h", Area(120, 16)), "dead")
    picture = text[20 : 20 + 86]
    ends = [column(KEPT - 1 - ago, KEPT, 86) for ago in (GAP[-1], GAP[0])]
    assert set(picture[ends[0] + 1 : ends[1]]) == {" "}
    assert " " not in picture[: ends[0]] + picture[ends[1] + 1 :]


def test_acts_lie_under_their_minute_and_are_told_safely() -> None:
    text = drawn(incident(), "15 min")
    assert row(text, "acts").count("▲") == 2
    assert "02:19 kim Pause delivery of all processes ␛[2J" in text
    assert "anna" not in text
    assert row(drawn(incident(), "24 h"), "acts").split()[1] == "3"


def test_a_day_is_drawn_when_it_changes_and_not_each_second(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn_for: list[History] = []
    body = history_charts._body

    def counted(history: History, *given: Any) -> Any:
        drawn_for.append(history)
        return body(history, *given)

    monkeypatch.setattr(history_charts, "_body", counted)
    charts, snapshot = HistoryCharts(), incident()
    first = charts.render(snapshot, "24 h", AREA)
    # Two minutes are "now": the newest that was noted counts.
    assert charts.render(replace(snapshot, taken_at=snapshot.taken_at + 1), "24 h", AREA) == first
    assert len(drawn_for) == 1
    assert charts.render(snapshot, "1 h", AREA) != first
    assert charts.render(snapshot, "24 h", Area(100, 30)) != first
    later = replace(snapshot, past=replace(snapshot.past, value=a_day()))
    assert charts.render(later, "24 h", AREA).body == HistoryCharts().render(later, "24 h", AREA).body
    assert charts.render(replace(snapshot, taken_at=NOW + 3_600), "24 h", AREA).body != first.body


def test_trends_are_drawn_when_there_is_another_point(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn_at: list[float] = []
    render = trends.render

    def counted(snapshot: Snapshot, area: Area) -> Any:
        drawn_at.append(snapshot.taken_at)
        return render(snapshot, area)

    monkeypatch.setattr(trends, "render", counted)
    panel, first = trends.Trends(), calm()
    step = first.history[0].step
    moments = [first.taken_at + seconds for seconds in (0, step / 4, step, 120)]
    shown = [panel.render(replace(first, taken_at=moment), AREA) for moment in moments]
    assert drawn_at == [moments[0], *moments[2:]]
    assert shown == [render(replace(first, taken_at=moment), AREA) for moment in moments]
    more = replace(first, history=tuple(replace(one, points=(*one.points, 9.0)) for one in first.history))
    assert panel.render(replace(more, taken_at=moments[-1]), AREA) == render(replace(more, taken_at=moments[-1]), AREA)
    assert panel.render(more, Area(60, 12)) == render(more, Area(60, 12))
    trouble = incident()
    assert "trouble since" in panel.render(trouble, AREA).note
    assert "trouble since" not in panel.render(replace(trouble, past=calm().past), AREA).note


def test_trends_say_since_when_as_long_as_the_newest_minute_is_now() -> None:
    """Between two points, too: what was noted is of now for three minutes."""
    panel, first = trends.Trends(), incident()
    assert first.past.value is not None
    old_at = first.past.value.minutes[-1].at + 180
    for seconds in range(-60, 60):
        moment = replace(first, taken_at=old_at + seconds / 10)
        assert panel.render(moment, AREA) == trends.render(moment, AREA), seconds


@pytest.mark.parametrize("window", SPANS)
def test_it_fits_everywhere(window: str) -> None:
    many = tuple(Mark(NOW - 60 * number, "‮" * 40, "x", "\x1b]0;" * 90) for number in range(200))
    for snapshot in (incident(), empty(), replace(healthy(), past=Reading(History(a_day().minutes[:1], many, 9), NOW))):
        for size in ((30, 5), (60, 18), (80, 22), (200, 60)):
            drawn(snapshot, window, Area(*size))


def test_what_could_not_be_read_is_said() -> None:
    assert "begins with the first full minute" in drawn(replace(healthy(), past=Reading(History(), NOW)), "1 h")
    broken = replace(incident(), past=Reading(a_day(), NOW - 600, "A key of ours was overwritten"))
    assert "✗ A key of ours was overwritten" in drawn(broken, "1 h")
    strange = replace(incident(), past=Reading(replace(a_day(), unreadable=1_234), NOW))
    assert "! 1,234 values under the history's key are none of ours." in drawn(strange, "1 h")


def test_the_last_minutes_are_full_from_the_start() -> None:
    series = recent(incident(), Figure.BACKLOG)
    assert len(series.points) == 450
    assert series.points[-20:] == incident().series(Figure.BACKLOG).points
    assert series.points[0] == (17 - 14) * 137
    assert recent(incident(), Figure.OPS).points[:430] == (None,) * 430
    assert recent(healthy(), Figure.BACKLOG) == healthy().series(Figure.BACKLOG)
    assert "last 15 min" in trends.render(calm(), Area(60, 12)).note


@given(st.lists(st.none() | st.floats(0, 1e9), min_size=1, max_size=2_000), st.integers(1, 250))
def test_every_column_is_filled_by_its_points(points: list[float | None], width: int) -> None:
    columns = filled(points, width)
    assert len(columns) == width
    known = [point for point in points if point is not None]
    assert max((one for one in columns if one is not None), default=None) == max(known, default=None)
    for number in range(0, len(points), max(1, len(points) // 20)):
        if (point := points[number]) is not None:
            found = columns[column(number, len(points), width)]
            assert found is not None
            assert found >= point
