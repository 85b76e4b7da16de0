"""A field that text is typed into."""

from __future__ import annotations

from textual.widgets import Input


class Field(Input):
    """As Textual's, with a cursor that stands still: one that blinks sends bytes while nothing changes."""

    def on_mount(self) -> None:
        self.cursor_blink = False
