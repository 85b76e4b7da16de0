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
    """An action at its place: how it is called there, row, first cell, and the cell after its last."""

    action: Action
    label: str
    row: int
    start: int
    end: int


def place(now: Situation, width: int) -> list[Placed]:
    """Where each key stands. Labels keep their places whether they work or not, so that nothing jumps.

    Where not all fit, those that can be spared go first, then labels get brief, then the last go.
    """
    shown = [action for action in FOOTER if exists(action, now) and action.in_footer(now)]
    needed = [action for action in shown if not action.spare]
    spared = [action for action in shown if action.spare]
    brief = False
    while True:
        placed = _in_rows([action for action in shown if action in needed or action in spared], width, brief)
        if placed[-1].row < _MOST_ROWS:
            break
        if spared:
            spared.pop()
        elif not brief:
            brief, spared = True, [action for action in shown if action.spare]
        else:
            needed.pop()
    if all(one.action.spare for one in placed if one.row == placed[-1].row):
        placed = [one for one in placed if one.row < placed[-1].row or not one.row]
    return placed


def _in_rows(actions: list[Action], width: int, brief: bool) -> list[Placed]:
    """Each at its place, in as many rows as that takes."""
    placed: list[Placed] = []
    row, column = 0, 1
    for action in actions:
        label = (brief and action.brief) or action.label
        need = cells(action.sign) + 1 + cells(label)
        if column + need > width - 1 and column > 1:
            row, column = row + 1, 1
        placed.append(Placed(action, label, row, column, column + need))
        column += need + _GAP
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
            Span(f" {one.label}", Tone.DIM if dim else Tone.PLAIN),
        ]
        ends[one.row] = one.end
    return [tuple(row) for row in rows]
