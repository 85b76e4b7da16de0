"""A panel on the screen: draws a sheet, scrolls what does not fit, shows when it has the focus."""

from __future__ import annotations

from collections.abc import Callable

from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.tui.drawn import Drawn
from opalmind_tui.tui.lines import Area, Line
from opalmind_tui.tui.moved_view import ScrolledView
from opalmind_tui.tui.sheet import Sheet, frame

Render = Callable[[Snapshot, Area], Sheet]


class Card(ScrolledView):
    """One panel. What `render_sheet` returns depends on the snapshot and the area alone."""

    def __init__(self, render_sheet: Render, *, id: str, classes: str = "", focusable: bool = False) -> None:
        super().__init__(id=id, classes=f"card {classes}")
        self.can_focus = focusable
        self._render_sheet = render_sheet
        self._framed: Drawn[list[Line]] = Drawn()

    def draw(self, area: Area) -> list[Line]:
        if self._snapshot is None:
            return []
        sheet = self._render_sheet(self._snapshot, area)
        self._offset = max(0, min(self._offset, len(sheet.body) - (area.height - 1)))
        offset, focused = self._offset, self.has_focus
        return self._framed.of(
            (sheet, area, offset, focused), lambda: frame(sheet, area, offset=offset, focused=focused)
        )

    def rewind(self) -> None:
        """Another text: from its beginning."""
        self._offset = 0
        self.redraw()
