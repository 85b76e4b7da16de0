"""Views that keys and the wheel move."""

from __future__ import annotations

from textual.events import MouseScrollDown, MouseScrollUp

from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.tui.line_view import LineView


class MovedView(LineView):
    """Moves by `move`, which also the wheel calls."""

    def move(self, steps: int) -> None:
        """Go down (up, if negative) by so many rows."""
        raise NotImplementedError

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.stop()
        self.move(1)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.stop()
        self.move(-1)


class ScrolledView(MovedView):
    """Draws a snapshot, scrolls what does not fit, and shows whether it has the focus."""

    def __init__(self, *, id: str, classes: str) -> None:
        super().__init__(id=id, classes=classes)
        self._snapshot: Snapshot | None = None
        self._offset = 0

    def show(self, snapshot: Snapshot) -> None:
        """Draw a newer snapshot."""
        self._snapshot = snapshot
        self.redraw()

    @property
    def page(self) -> int:
        """Rows that a page holds."""
        return max(1, self.content_size.height - 2)

    def move(self, steps: int) -> None:
        """Scroll by rows."""
        self._offset = max(0, self._offset + steps)
        self.redraw()

    def watch_has_focus(self, has_focus: bool) -> None:
        """The title is marked as soon as Textual knows of the focus; the event comes before that."""
        super().watch_has_focus(has_focus)
        self.redraw()
