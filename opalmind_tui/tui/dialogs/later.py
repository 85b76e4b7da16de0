"""Asks when a request shall be tried again. A mistake is said beside the field."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static

from opalmind_tui.errors import SettingsError
from opalmind_tui.reports.ttl import parse_duration
from opalmind_tui.tui import figures, wire
from opalmind_tui.tui.dialogs.window import Dialog, text
from opalmind_tui.tui.field import Field

LONGEST = 30 * 86_400.0
ACCEPTED = "90s, 10m, 2h or 1d"


def seconds_of(typed: str) -> float:
    """Seconds that a text means. Raises `ValueError` with a sentence for people."""
    try:
        seconds = parse_duration(typed)
    except SettingsError:
        raise ValueError(f"Write {ACCEPTED}.") from None
    if not 1 <= seconds <= LONGEST:
        raise ValueError("From 1 second to 30 days.")
    return seconds


class LaterDialog(Dialog[float]):
    """Returns the seconds to wait."""

    AUTO_FOCUS = "#wait"

    def compose(self) -> ComposeResult:
        with Vertical(classes="window later"):
            yield text("Retry later", classes="title")
            with Horizontal(classes="field"):
                yield text("Not before", classes="label")
                yield Field(id="wait", compact=True, max_length=12, placeholder="10m")
                yield text(ACCEPTED, classes="message", id="message")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Show plan", id="plan", compact=True)
            yield text("tab: next field   enter: show plan   esc: close", classes="hint")

    @on(Input.Changed)
    def _changed(self) -> None:
        self._seconds()

    def _seconds(self) -> float | None:
        """What is typed, or None; said beside the field."""
        message, seconds = self.query_one("#message", Static), None
        try:
            seconds = seconds_of(self.query_one(Input).value)
            message.update(wire.content(f"✓ in {figures.lifetime(seconds)}"))
        except ValueError as error:
            message.update(wire.content(f"✗ {error}"))
        message.set_class(seconds is None, "wrong")
        return seconds

    @on(Input.Submitted)
    @on(Button.Pressed, "#plan")
    def _submit(self) -> None:
        seconds = self._seconds()
        if seconds is None:
            self.query_one(Input).focus()
        else:
            self.dismiss(seconds)

    @on(Button.Pressed, "#cancel")
    def _cancel_pressed(self) -> None:
        self.action_cancel()
