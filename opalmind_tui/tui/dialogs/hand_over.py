"""The hand-over: shows the summary of the incident, and puts it on the clipboard or into a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from opalmind_tui.engine.port import EnginePort
from opalmind_tui.errors import OpalmindError
from opalmind_tui.text import safe_block
from opalmind_tui.tui import wire
from opalmind_tui.tui.dialogs.window import Dialog, Page, text


class HandOverDialog(Dialog[None]):
    """Shows what would be handed over before it goes anywhere.

    Args:
        copy: puts a text on the clipboard; false where it is too long for that.
        save: writes it to a file; None where no file may be written. Raises `OSError`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "cancel", show=False),
        Binding("c,y", "copy", show=False),
        Binding("s", "save", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("pageup,ctrl+b", "scroll(-10)", show=False),
        Binding("pagedown,ctrl+f", "scroll(10)", show=False),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]
    AUTO_FOCUS = "#copy"

    def __init__(self, engine: EnginePort, copy: Callable[[str], bool], save: Callable[[str], Path] | None) -> None:
        super().__init__()
        self._engine, self._copy, self._save = engine, copy, save
        self._text = ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="window reading hand-over"):
            yield text("Hand over: Markdown for a ticket or a chat, personal data masked", classes="title")
            with Page():
                yield text("Gathering ...", id="body")
            yield text("", classes="progress", id="said")
            with Horizontal(classes="buttons"):
                yield Button("Copy", id="copy", compact=True, disabled=True)
                if self._save is not None:
                    yield Button("Save", id="save", compact=True, disabled=True)
                yield Button("Close", id="close", compact=True)
            save = "   s: to a file" if self._save is not None else ""
            yield text(f"c: to the clipboard{save}   arrows: scroll   esc: close", classes="hint")

    def on_mount(self) -> None:
        self.run_worker(self._gather(), group="summary", exclusive=True, exit_on_error=False)

    async def _gather(self) -> None:
        try:
            self._text = await self._engine.summary()
        except OpalmindError as error:
            self._write("#body", f"It cannot be gathered now: {error}")
            return
        self._write("#body", safe_block(self._text))
        for button in self.query(Button):
            button.disabled = False
        self.query_one("#copy").focus()

    def _write(self, where: str, value: str) -> None:
        self.query_one(where, Static).update(wire.content(value))

    @on(Button.Pressed, "#copy")
    def action_copy(self) -> None:
        """To the clipboard."""
        if not self._text:
            return
        if self._copy(self._text):
            size = len(self._text.encode("utf-8", "replace"))
            self._write("#said", f"{size:,} bytes went to the terminal's clipboard. Not every terminal takes it.")
        else:
            self._write("#said", "It is too long for the clipboard: save it to a file.")

    @on(Button.Pressed, "#save")
    def action_save(self) -> None:
        """To a file."""
        if not self._text or self._save is None:
            return
        try:
            self._write("#said", f"Saved: {self._save(self._text)}")
        except OSError as error:
            self._write("#said", f"It cannot be saved: {error.strerror or error}")

    @on(Button.Pressed, "#close")
    def _close_pressed(self) -> None:
        self.action_cancel()

    def action_scroll(self, steps: int) -> None:
        """Scroll the text, whatever has the focus."""
        self.query_one(Page).scroll_relative(y=steps, animate=False)
