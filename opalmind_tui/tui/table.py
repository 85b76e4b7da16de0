"""Tables whose columns come and go with the width, and never move because of a value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from opalmind_tui.tui.lines import Line, Span, Tone, left, right

T = TypeVar("T")


class Column(Struct, Generic[T], frozen=True):
    """One column.

    Args:
        title: its head.
        width: cells. With `share` the least; what is left of the row is divided by shares.
        cell: what a row shows, already safe; longer text is cut.
        share: part of the free room that it takes.
        from_width: narrowest table that has it.
        below: the width from which on it makes room for another one.
        to_right: figures stand at the right of their column.
    """

    title: str
    width: int
    cell: Callable[[T], Span]
    share: int = 0
    from_width: int = 0
    below: int = 10_000
    to_right: bool = False


def widths(columns: Sequence[Column[T]], width: int) -> list[tuple[Column[T], int]]:
    """The columns that a table of this width has, and their cells."""
    shown = [column for column in columns if column.from_width <= width < column.below]
    free = width - sum(column.width for column in shown) - (len(shown) - 1)
    shares = sum(column.share for column in shown)
    sized: list[tuple[Column[T], int]] = []
    for column in shown:
        extra = free * column.share // shares if column.share and free > 0 else 0
        free, shares = free - extra, shares - column.share
        sized.append((column, column.width + extra))
    return sized


def head(columns: Sequence[Column[T]], width: int) -> Line:
    """The titles."""
    return _row([(Span(column.title, Tone.DIM), column, cells) for column, cells in widths(columns, width)])


def row(columns: Sequence[Column[T]], value: T, width: int) -> Line:
    """One row."""
    return _row([(column.cell(value), column, cells) for column, cells in widths(columns, width)])


def _row(shown: Sequence[tuple[Span, Column[T], int]]) -> Line:
    spans: list[Span] = []
    for number, (span, column, cells) in enumerate(shown):
        if number:
            spans.append(Span(" "))
        place = right if column.to_right else left
        spans.append(place(span.text, cells, span.tone))
    return tuple(spans)
