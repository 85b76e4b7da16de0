"""Panels one below the other, each as high as it needs, in one widget that scrolls."""

from __future__ import annotations

from collections.abc import Sequence

from opalmind_tui.tui.card import Render
from opalmind_tui.tui.lines import EMPTY, Area, Line, Span, Tone, apart, block, line
from opalmind_tui.tui.moved_view import ScrolledView
from opalmind_tui.tui.sheet import frame


class Stack(ScrolledView):
    """A column of panels, without those that have no title now. A row between them where there is room for it."""

    can_focus = True

    def __init__(self, panels: Sequence[Render] = (), *, id: str, classes: str = "") -> None:
        super().__init__(id=id, classes=f"stack {classes}")
        self._panels = tuple(panels)

    def hold(self, panels: Sequence[Render]) -> None:
        """Other panels than before."""
        if tuple(panels) != self._panels:
            self._panels, self._offset = tuple(panels), 0
            self.redraw()

    def draw(self, area: Area) -> list[Line]:
        if self._snapshot is None:
            return []
        drawings = [panel(self._snapshot, area) for panel in self._panels]
        sheets = [sheet for sheet in drawings if sheet.title]
        drawn = [
            frame(sheet, Area(area.width, len(sheet.body) + 1), focused=self.has_focus and not number)
            for number, sheet in enumerate(sheets)
        ]
        tight = sum(map(len, drawn)) + len(drawn) - 1 > area.height
        rows: list[Line] = []
        for number, panel in enumerate(drawn):
            rows += panel if tight or not number else [EMPTY, *panel]
        self._offset = max(0, min(self._offset, len(rows) - area.height))
        hidden = max(0, len(rows) - self._offset - area.height)
        shown = block(rows[self._offset :], area)
        if shown and (hidden or self._offset):
            sign = f" {'↑' if self._offset else ''}{f'↓{hidden}' if hidden else ''} "
            shown[-1] = apart(_bare(shown[-1]), line(Span(sign, Tone.ACCENT)), area.width)
        return shown


def _bare(row: Line) -> Line:
    """A line without the blanks at its end."""
    spans = list(row)
    while spans and not spans[-1].text.strip():
        spans.pop()
    return (*spans[:-1], Span(spans[-1].text.rstrip(), spans[-1].tone)) if spans else EMPTY
