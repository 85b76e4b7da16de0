"""HISTORY: the figures of the last minutes or hours as charts, with marks where somebody acted."""

from __future__ import annotations

from collections.abc import Callable

from opalmind_tui.snapshot.history import MINUTE, SPANS, History, Mark, began
from opalmind_tui.snapshot.model import Figure, Snapshot, Verdict
from opalmind_tui.tui import figures
from opalmind_tui.tui.charts import chart, column, filled
from opalmind_tui.tui.drawn import Drawn
from opalmind_tui.tui.lines import Area, Line, Span, Tone, apart, left, line, outside, paragraph, right
from opalmind_tui.tui.sheet import SIGNS, Sheet, sheet

_LABEL, _VALUE, _EXTREME = 9, 8, 8
_TALLEST = 5
_MARK = "▲"

Form = Callable[[float], str]


def _number(value: float) -> str:
    return figures.count(value)


FORMS: tuple[tuple[Figure, str, Form, bool], ...] = (
    (Figure.BACKLOG, "waiting", _number, True),
    (Figure.OLDEST, "oldest", figures.span, True),
    (Figure.DELIVERED, "out", figures.rate, True),
    (Figure.RETRIED, "retried", figures.rate, True),
    (Figure.REJECTED, "rejected", figures.rate, True),
    (Figure.DEAD, "dead", _number, True),
    (Figure.HIT_RATE, "hit rate", figures.percent, True),
    (Figure.MATOMO, "Matomo", figures.milliseconds, True),
    (Figure.MEMORY, "memory", figures.size, False),
    (Figure.EVICTED, "evicted", figures.rate, True),
)
"""Label, how a value is written, and whether the picture starts at 0."""


class HistoryCharts:
    """The panel. A snapshot comes each second, and a day has some 14,000 points: they are drawn when they change."""

    def __init__(self) -> None:
        self._drawn: Drawn[list[Line]] = Drawn()

    def render(self, snapshot: Snapshot, window: str, area: Area) -> Sheet:
        """The panel now.

        Args:
            window: one of `SPANS`.
        """

        def body(history: History, inner: Area) -> list[Line]:
            if not history.minutes:
                return paragraph("The history begins with the first full minute.", inner, Tone.DIM)
            now = snapshot.taken_at
            made_of = (history, history.newest(now), window, inner)
            return self._drawn.of(made_of, lambda: _body(history, now, SPANS[window], inner))

        return sheet("HISTORY", snapshot, snapshot.past, area, body, note=f"last {window}")


def _body(history: History, now: float, minutes: int, area: Area) -> list[Line]:
    head = _heads(history, now, area.width)
    foot = 2
    acts = history.marks_of(minutes, now)
    rows = area.height - len(head) - foot
    tall = max(1, min(_TALLEST, rows // len(FORMS)))
    charts = [row for form in FORMS for row in _chart(history, form, now, minutes, Area(area.width, tall))]
    told = max(0, rows - len(charts))
    drawn = [*head, *charts, _marks(history, now, minutes, area.width), _axis(history, now, minutes, area.width)]
    return [*drawn, *(_act(mark, area.width) for _, mark in reversed(acts[-told:] if told else ()))]


def _heads(history: History, now: float, width: int) -> list[Line]:
    """What is wrong now and since when; what could not be read."""
    found = [
        line(
            Span(
                f"{SIGNS[Verdict.WARN]} since {'before ' if one.earlier else ''}{figures.clock(one.at)[:5]}", Tone.WARN
            ),
            f"  {one.what}",
        )
        for one in began(history, now)
    ]
    if history.unreadable:
        number = f"{history.unreadable:,} {'value' if history.unreadable == 1 else 'values'}"
        found.append(line(Span(f"{SIGNS[Verdict.WARN]} {number} under the history's key are none of ours.", Tone.WARN)))
    return found


def _room(width: int) -> int:
    return max(1, width - _LABEL - _VALUE - 2 - (_EXTREME + 5 if width >= 70 else 0))


def _chart(history: History, form: tuple[Figure, str, Form, bool], now: float, minutes: int, area: Area) -> list[Line]:
    figure, label, write, zero = form
    points = history.series(figure, minutes, now).points
    room = _room(area.width)
    known = [point for point in points if point is not None]
    newest = figures.UNKNOWN if points[-1] is None else write(points[-1])
    drawn = chart(filled(points, room), room, area.height, zero=zero)
    rows: list[Line] = []
    for number, row in enumerate(drawn):
        top = number == 0
        names = (left(label if top else "", _LABEL, Tone.DIM), right(newest if top else "", _VALUE, Tone.STRONG))
        extreme: Line = ()
        if known and area.width >= 70:
            if top:
                extreme = line(Span(" max", Tone.DIM), right(write(max(known)), _EXTREME))
            elif number == len(drawn) - 1:
                extreme = line(Span(" min", Tone.DIM), right(write(min(known)), _EXTREME))
        rows.append(line(*names, "  ", Span(row, Tone.CHART), *extreme))
    return rows


def _marks(history: History, now: float, minutes: int, width: int) -> Line:
    room = _room(width)
    cells = [" "] * room
    acts = history.marks_of(minutes, now)
    for place, _ in acts:
        cells[column(place, minutes, room)] = _MARK
    return line(
        left("acts", _LABEL, Tone.DIM),
        right(str(len(acts)), _VALUE, Tone.STRONG),
        "  ",
        Span("".join(cells), Tone.ACCENT),
    )


def _axis(history: History, now: float, minutes: int, width: int) -> Line:
    """Times of day under the points that they are of."""
    room = _room(width)
    cells = [" "] * room
    steps = max(1, min(4, room // 14))
    for step in range(steps + 1):
        place = (minutes - 1) * step // steps
        at = column(place, minutes, room)
        text = figures.clock((history.newest(now) - minutes + 1 + place) * MINUTE)[:5]
        start = max(0, min(room - len(text), at - len(text) // 2))
        cells[start : start + len(text)] = text
    return line(
        left(figures.zone_name(now), _LABEL, Tone.DIM), " " * (_VALUE + 2), Span("".join(cells[:room]), Tone.DIM)
    )


def _act(mark: Mark, width: int) -> Line:
    told = (Span(f"{figures.clock(mark.at)[:5]} ", Tone.DIM), outside(mark.by, Tone.ACCENT, 16), Span(" "))
    return apart((*told, outside(mark.what, limit=max(1, width - 24))), (), width)
