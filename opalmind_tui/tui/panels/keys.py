"""The last lines of the screen: the keys that work now."""

from __future__ import annotations

from dataclasses import dataclass

from opalmind_tui.text import cells
from opalmind_tui.tui.actions import FOOTER, Action, Situation, exists, why_not
from opalmind_tui.tui.lines import Line, Span, Tone

_GAP = 2
_MOST_ROWS = 2


@dataclass(frozen=True, slots=True)
class Placed:
    """An action at its place: row, first cell, and the cell after its last."""

    action: Action
    row: int
    start: int
    end: int


def place(now: Situation, width: int) -> list[Placed]:
    """Where each key stands. Labels keep their places whether they work or not, so that nothing jumps."""
    placed: list[Placed] = []
    row, column = 0, 1
    for action in FOOTER:
        if not exists(action, now) or not action.in_footer(now):
            continue
        need = cells(action.sign) + 1 + cells(action.label)
        if column + need > width - 1 and column > 1:
            row, column = row + 1, 1
        if row >= _MOST_ROWS:
            break
        placed.append(Placed(action, row, column, column + need))
        column += need + _GAP
    if placed and all(one.action.spare for one in placed if one.row == placed[-1].row):
        placed = [one for one in placed if one.row < placed[-1].row or not one.row]
    return placed


def render(now: Situation, width: int) -> list[Line]:
    """One or two lines; what cannot be done now is dim."""
    placed = place(now, width)
    rows: list[list[Span]] = [[] for _ in range(max((one.row for one in placed), default=0) + 1)]
    ends = [0] * len(rows)
    for one in placed:
        dim = bool(why_not(one.action, now))
        rows[one.row] += [
            Span(" " * (one.start - ends[one.row])),
            Span(one.action.sign, Tone.DIM if dim else Tone.KEY),
            Span(f" {one.action.label}", Tone.DIM if dim else Tone.PLAIN),
        ]
        ends[one.row] = one.end
    return [tuple(row) for row in rows]
