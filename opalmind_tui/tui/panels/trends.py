"""TRENDS: the main figures over the last minutes."""

from __future__ import annotations

from collections.abc import Callable

from opalmind_tui.snapshot.history import began
from opalmind_tui.snapshot.model import Figure, Series, Snapshot
from opalmind_tui.tui import figures
from opalmind_tui.tui.charts import sparkline
from opalmind_tui.tui.drawn import Drawn
from opalmind_tui.tui.lines import Area, Line, Span, Tone, left, line, paragraph, right
from opalmind_tui.tui.panels.history import phase_of, recent
from opalmind_tui.tui.sheet import Sheet

_LABEL, _VALUE, _RANGE = 9, 8, 8

FORMS: dict[Figure, tuple[str, Callable[[float], str], bool]] = {
    Figure.BACKLOG: ("backlog", figures.count, True),
    Figure.ACCEPTED: ("in", figures.rate, True),
    Figure.DELIVERED: ("out", figures.rate, True),
    Figure.RETRIED: ("retried", figures.rate, True),
    Figure.DEAD: ("dead", figures.count, True),
    Figure.HIT_RATE: ("hit rate", figures.percent, False),
    Figure.MEMORY: ("memory", figures.size, False),
    Figure.OPS: ("ops", figures.rate, True),
    Figure.ROUND_TRIP: ("ping", figures.milliseconds, True),
}
"""Label, how a value is written, and whether the picture starts at 0."""


class Trends:
    """The panel, drawn when there is another point: that is less often than there is a snapshot."""

    def __init__(self) -> None:
        self._drawn: Drawn[Sheet] = Drawn()

    def render(self, snapshot: Snapshot, area: Area) -> Sheet:
        """The panel now."""
        phases = {phase_of(series, snapshot.taken_at) for series in snapshot.history}
        past = snapshot.past.value
        newest = past.newest(snapshot.taken_at) if past is not None else 0
        made_of = (snapshot.history, past, phases, newest, area)
        return self._drawn.of(made_of, lambda: render(snapshot, area))


def render(snapshot: Snapshot, area: Area) -> Sheet:
    """The panel."""
    inner = Area(area.width - 2, area.height - 1)
    found = (recent(snapshot, figure) for figure in FORMS)
    shown = [series for series in found if series.points.count(None) < len(series.points)]
    if not shown:
        return Sheet("TRENDS", tuple(paragraph("The history begins now.", inner, Tone.DIM)))
    seconds = max(len(series.points) * series.step for series in shown)
    rows = tuple(_row(series, snapshot.taken_at, inner.width) for series in shown)
    return Sheet("TRENDS", rows, note=_since(snapshot) or f"last {figures.words(seconds)}")


def _since(snapshot: Snapshot) -> str:
    """When the trouble of now began, as far as the minutes of the day tell."""
    past = snapshot.past.value
    for one in began(past, snapshot.taken_at) if past is not None else ():
        return f"trouble since {'before ' if one.earlier else ''}{figures.clock(one.at)[:5]}"
    return ""


def _row(series: Series, now: float, width: int) -> Line:
    label, form, zero = FORMS[Figure(series.name)]
    newest = series.points[-1]
    value = figures.UNKNOWN if newest is None else form(newest)
    spans = line(left(label, _LABEL, Tone.DIM), right(value, _VALUE, Tone.STRONG), "  ")
    room = width - _LABEL - _VALUE - 2
    extremes: Line = ()
    if room >= 40:
        known = [point for point in series.points if point is not None]
        room -= 2 * _RANGE + 8
        extremes = line(
            Span("  min", Tone.DIM), right(form(min(known)), _RANGE),
            Span("  max"[1:], Tone.DIM), right(form(max(known)), _RANGE - 1),
        )  # fmt: skip
    phase = phase_of(series, now)
    return (*spans, Span(sparkline(series.points, room, phase=phase, zero=zero), Tone.CHART), *extremes)
