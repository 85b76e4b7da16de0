"""A panel on the screen: draws a sheet, scrolls what does not fit, shows when it has the focus."""

from __future__ import annotations

from collections.abc import Callable

from textual.events import MouseScrollDown, MouseScrollUp

from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.tui.line_view import LineView
from opalmind_tui.tui.lines import Area, Line
from opalmind_tui.tui.sheet import Sheet, frame

Render = Callable[[Snapshot, Area], Sheet]


class Card(LineView):
    """One panel. `render_sheet` is a pure function of the snapshot."""

    def __init__(self, render_sheet: Render, *, id: str, focusable: bool = False) -> None:
        super().__init__(id=id, classes="card")
        self.can_focus = focusable
        self._render_sheet = render_sheet
        self._snapshot: Snapshot | None = None
        self._offset = 0

    def show(self, snapshot: Snapshot) -> None:
        """Draw a newer snapshot."""
        self._snapshot = snapshot
        self.redraw()

    def draw(self, area: Area) -> list[Line]:
        if self._snapshot is None:
            return []
        sheet = self._render_sheet(self._snapshot, area)
        self._offset = max(0, min(self._offset, len(sheet.body) - (area.height - 1)))
        return frame(sheet, area, offset=self._offset, focused=self.has_focus)

    def move(self, steps: int) -> None:
        """Scroll by lines."""
        self._offset = max(0, self._offset + steps)
        self.redraw()

    def rewind(self) -> None:
        """Another text: from its beginning."""
        self._offset = 0
        self.redraw()

    @property
    def page(self) -> int:
        """Lines that a page holds."""
        return max(1, self.content_size.height - 2)

    def on_focus(self) -> None:
        self.redraw()

    def on_blur(self) -> None:
        self.redraw()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.stop()
        self.move(1)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.stop()
        self.move(-1)
