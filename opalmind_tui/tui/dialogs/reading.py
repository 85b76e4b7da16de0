"""Windows to read: help, and other pages of text."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Resize
from textual.widgets import Static

from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.tui import wire
from opalmind_tui.tui.dialogs.window import Dialog, Page, text

Body = Callable[[int], str]
"""Makes the text for so many columns; asked again at each newer snapshot, so that the page follows it."""
WIDEST = 78
"""Columns of the window, as in windows.tcss."""
_FRAME = 4
"""Columns of the window's border and its margin."""


class ReadingDialog(Dialog[None]):
    """A title and a page of text that scrolls."""

    VERTICAL_BREAKPOINTS = [(0, "-short"), (23, "-tall")]  # noqa: RUF012 - Textual declares it so
    """Rows; what is short leaves room for the line that says how to close it."""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,enter,question_mark", "cancel", show=False)]

    def __init__(self, title: str, body: str | Body) -> None:
        super().__init__()
        self._title, self._body = title, body
        self._shown = ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="window reading"):
            yield text(self._title, classes="title")
            with Page():
                yield text("", id="body")
            yield text("arrows: scroll   esc: close", classes="hint")

    def on_mount(self) -> None:
        self.call_after_refresh(lambda: self.query_one(Page).focus())

    def on_resize(self, event: Resize) -> None:
        """Another width may show other columns."""
        self._write(event.size.width)

    def show(self, snapshot: Snapshot) -> None:
        """What is read may have changed."""
        if self.is_mounted:
            self._write(self.size.width)

    def _write(self, columns: int) -> None:
        width = min(WIDEST, columns * 96 // 100) - _FRAME
        body = self._body if isinstance(self._body, str) else self._body(width)
        if body != self._shown:
            self._shown = body
            self.query_one("#body", Static).update(wire.content(body))
