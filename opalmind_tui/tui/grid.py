"""Labels and right-aligned figures at fixed places, so that nothing jumps when a figure grows."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from opalmind_tui.tui.lines import EMPTY, Area, Line, Span, Tone, fit, left, line, right, width_of


class Cell(Struct, frozen=True):
    """One figure with its label."""

    label: str
    value: str
    tone: Tone = Tone.STRONG


class Columns(Struct, frozen=True):
    """Widths in cells: label and value at the left, a gap, label and value at the right."""

    label: int
    value: int
    gap: int = 0
    right_label: int = 0
    right_value: int = 0

    @property
    def width(self) -> int:
        """Cells of a whole row."""
        return self.label + self.value + self.gap + self.right_label + self.right_value


def cell_line(cell: Cell | None, label: int, value: int) -> Line:
    """A label and its figure."""
    if cell is None:
        return line(" " * (label + value))
    return line(left(cell.label, label, Tone.DIM), right(cell.value, value, cell.tone))


def grid(lefts: Sequence[Cell | None], rights: Sequence[Cell | None], columns: Columns) -> list[Line]:
    """Rows of one or two figures."""
    rows: list[Line] = []
    for number in range(max(len(lefts), len(rights))):
        row = cell_line(lefts[number] if number < len(lefts) else None, columns.label, columns.value)
        if number < len(rights) and columns.right_value:
            gap = Span(" " * columns.gap)
            row = (*row, gap, *cell_line(rights[number], columns.right_label, columns.right_value))
        rows.append(row)
    return rows


def beside(
    rows: Sequence[Line], picture: Sequence[str], start: int, area: Area, *, gap: int = 2, caption: str = ""
) -> list[Line]:
    """Rows with a chart at the right edge of those from `start` on, and its caption under it."""
    width = len(picture[0]) if picture else 0
    texts = [Span(text, Tone.CHART) for text in picture]
    if caption:
        texts.append(Span(f"{caption:>{width}}", Tone.DIM))
    drawn: list[Line] = []
    for number, row in enumerate(rows):
        room = area.width - width - gap
        if start <= number < start + len(texts) and width_of(row) <= room:
            drawn.append(line(*fit(row, room), " " * gap, texts[number - start]))
        else:
            drawn.append(row)
    return drawn


def trimmed(rows: Sequence[Line], height: int) -> list[Line]:
    """The first `height` rows."""
    return [row or EMPTY for row in rows[: max(0, height)]]
