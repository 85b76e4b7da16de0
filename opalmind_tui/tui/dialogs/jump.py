"""Asks for a time of a recording. A mistake is said beside the field."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static

from opalmind_tui.errors import BadArgument
from opalmind_tui.recording.playback import ACCEPTED, Playback
from opalmind_tui.tui import wire
from opalmind_tui.tui.dialogs.window import Dialog, text
from opalmind_tui.tui.field import Field
from opalmind_tui.tui.figures import stamp


class JumpDialog(Dialog[bool]):
    """Goes there; returns True, or None where it was closed."""

    AUTO_FOCUS = "#time"

    def __init__(self, playback: Playback) -> None:
        super().__init__()
        self._playback = playback

    def compose(self) -> ComposeResult:
        moments = self._playback.moments
        with Vertical(classes="window jump"):
            yield text("Go to a time of the recording", classes="title")
            yield text(f"It goes from {stamp(moments[0])}\n        to {stamp(moments[-1])}.")
            with Horizontal(classes="field"):
                yield text("Time", classes="label")
                yield Field(id="time", compact=True, max_length=30)
            yield text(ACCEPTED, classes="message", id="message")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Go", id="go", compact=True)
            yield text("enter: go   esc: close", classes="hint")

    @on(Input.Submitted)
    @on(Button.Pressed, "#go")
    def _submit(self) -> None:
        try:
            self._playback.jump(self.query_one(Input).value)
        except BadArgument as error:
            message = self.query_one("#message", Static)
            message.update(wire.content(f"✗ {error.reason}"))
            message.add_class("wrong")
            self.query_one(Input).focus()
        else:
            self.dismiss(True)

    @on(Button.Pressed, "#cancel")
    def _cancel_pressed(self) -> None:
        self.action_cancel()
