"""What all lists with a cursor have in common: keys, clicks and the wheel move it, and it is told when it did."""

from __future__ import annotations

from typing import ClassVar

from textual.events import Click
from textual.message import Message

from opalmind_tui.tui.moved_view import MovedView


class CursorView(MovedView):
    """A list. Subclasses draw it, and say where the cursor is by the four methods that raise here.

    Each subclass has messages of its own kind (``Moved``, ``Opened``), so that a place can tell its lists apart.
    """

    can_focus = True
    HEAD: ClassVar[int] = 1
    """Rows of the title."""

    class Moved(Message):
        """Other rows are in view, or the cursor stands elsewhere."""

    class Opened(Message):
        """A row was opened by a double click."""

    def first_in_view(self) -> int:
        """Number of the first row in view, from 0."""
        raise NotImplementedError

    def row_count(self) -> int:
        """Rows that can be scrolled to."""
        raise NotImplementedError

    def step_by(self, steps: int) -> None:
        """Let the cursor go down (up, if negative) by so many rows."""
        raise NotImplementedError

    def stand_on(self, number: int) -> None:
        """Let the cursor stand on the row with this number."""
        raise NotImplementedError

    @property
    def page(self) -> int:
        """Rows in view."""
        return max(1, self.content_size.height - self.HEAD)

    def move(self, steps: int) -> None:
        """Move the cursor by rows."""
        self.step_by(steps)
        self.changed()

    def changed(self) -> None:
        """Draw it, and tell the place."""
        self.redraw()
        self.post_message(self.Moved())

    def on_click(self, event: Click) -> None:
        number = self.first_in_view() + event.y - self.HEAD
        if event.y >= self.HEAD and number < self.row_count():
            self.stand_on(number)
            self.changed()
            if event.chain == 2:
                self.post_message(self.Opened())
