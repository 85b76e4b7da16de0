"""The last lines of the screen: the keys that work now, and below them the doors to the other places."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from opalmind_tui.text import cells
from opalmind_tui.tui.action import Action
from opalmind_tui.tui.actions import DOORS, FOOTER, exists, shown_below, why_not
from opalmind_tui.tui.lines import Area, Line, Span, Tone
from opalmind_tui.tui.situation import Situation

_GAP = 2
_MOST_ROWS = 2
_ROOMY = 30
"""Rows of a terminal from which on the keys may take two lines, besides that of the doors."""


class Placed(Struct, frozen=True):
    """An action at its place: how it is called there, row, first cell, and the cell after its last."""

    action: Action
    label: str
    row: int
    start: int
    end: int


def place(now: Situation, screen: Area) -> list[Placed]:
    """Where each key stands on a terminal of this size: the keys in one or two rows, then the doors in one."""
    keys = _keys(now, screen.width, _MOST_ROWS if screen.height >= _ROOMY else 1)
    last = keys[-1].row + 1 if keys else 0
    return keys + _doors(now, screen.width, last)


def _offered(action: Action, now: Situation) -> bool:
    return exists(action, now) and bool(now.keymap.keys(action))


def _keys(now: Situation, width: int, most: int) -> list[Placed]:
    """The keys. Labels keep their places whether they work or not, so that nothing jumps.

    Where not all fit, those that can be spared go first, then labels get brief, then the last go.
    """
    shown = [action for action in FOOTER if now.keymap.keys(action) and shown_below(action, now)]
    needed = [action for action in shown if not action.spare]
    spared = [action for action in shown if action.spare]
    brief = False
    while True:
        listed = [action for action in shown if action in needed or action in spared]
        placed = _in_rows(now, listed, width, brief)
        if not placed or placed[-1].row < most:
            break
        if spared:
            spared.pop()
        elif not brief:
            brief, spared = True, [action for action in shown if action.spare]
        else:
            needed.pop()
    if placed and all(one.action.spare for one in placed if one.row == placed[-1].row):
        placed = [one for one in placed if one.row < placed[-1].row or not one.row]
    return placed


def _doors(now: Situation, width: int, row: int) -> list[Placed]:
    """Every place in one row; where that is too narrow, only the one in view has its name."""
    doors = [action for action in DOORS if _offered(action, now)]
    names = (
        [action.label for action in doors],
        [action.brief or action.label for action in doors],
        [action.label if action.id == now.place else "" for action in doors],
    )
    placed: list[Placed] = []
    for labels in names:
        for gap in (_GAP, 1):
            placed = _in_one_row(now, list(zip(doors, labels, strict=True)), row, gap)
            if not placed or placed[-1].end <= width - 1:
                return placed
    return placed


def _in_one_row(now: Situation, named: Sequence[tuple[Action, str]], row: int, gap: int) -> list[Placed]:
    placed: list[Placed] = []
    column = 1
    for action, label in named:
        end = column + cells(now.keymap.sign(action)) + (1 + cells(label) if label else 0)
        placed.append(Placed(action, label, row, column, end))
        column = end + gap
    return placed


def _in_rows(now: Situation, actions: Sequence[Action], width: int, brief: bool) -> list[Placed]:
    """Each at its place, in as many rows as that takes."""
    placed: list[Placed] = []
    row, column = 0, 1
    for action in actions:
        label = action.label_in(now.place, brief=brief)
        need = cells(now.keymap.sign(action)) + 1 + cells(label)
        if column + need > width - 1 and column > 1:
            row, column = row + 1, 1
        placed.append(Placed(action, label, row, column, column + need))
        column += need + _GAP
    return placed


def render(now: Situation, screen: Area) -> list[Line]:
    """Two or three lines; what cannot be done now is dim, the door of the place in view is marked."""
    placed = place(now, screen)
    rows: list[list[Span]] = [[] for _ in range(max((one.row for one in placed), default=0) + 1)]
    ends = [0] * len(rows)
    for one in placed:
        here = one.action.id == now.place
        dim = not here and bool(why_not(one.action, now))
        label = f" {one.label}" if one.label else ""
        rows[one.row] += [
            Span(" " * (one.start - ends[one.row] - here) + ("▌" if here else "")),
            Span(now.keymap.sign(one.action), Tone.DIM if dim else Tone.KEY),
            Span(label, Tone.ACCENT if here else Tone.DIM if dim else Tone.PLAIN),
        ]
        ends[one.row] = one.end
    return [tuple(row) for row in rows]
