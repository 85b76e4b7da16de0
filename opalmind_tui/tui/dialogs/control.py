"""Asks for what a pause or a rate limit needs: a number and why. A mistake is said beside the field."""

from __future__ import annotations

import math

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static

from opalmind_tui.snapshot.commands import Act, Command
from opalmind_tui.tui import wire
from opalmind_tui.tui.dialogs.window import Dialog, text
from opalmind_tui.tui.field import Field

REASON_LIMIT = 120
TITLES = {Act.PAUSE: "Pause delivery to this Matomo, in all processes", Act.LIMIT: "Limit delivery, of all processes"}
LABELS = {Act.PAUSE: "Minutes", Act.LIMIT: "Hits per s"}
HELPS = {Act.PAUSE: "empty: until it is resumed", Act.LIMIT: "empty: no limit"}
MOST = {Act.PAUSE: 7 * 24 * 60.0, Act.LIMIT: 100_000.0}


def number_of(typed: str, most: float) -> float:
    """The number; 0 for none. Raises `ValueError` with a sentence for people."""
    if not typed.strip():
        return 0.0
    try:
        number = float(typed)
    except ValueError:
        raise ValueError("Not a number.") from None
    if not math.isfinite(number) or not 0 < number <= most:
        raise ValueError(f"From above 0 to {most:,.0f}.")
    return number


class ControlDialog(Dialog[Command]):
    """Returns the command, to be planned.

    Args:
        act: PAUSE or LIMIT.
    """

    AUTO_FOCUS = "#number"

    def __init__(self, act: Act) -> None:
        super().__init__()
        self._act = act

    def compose(self) -> ComposeResult:
        with Vertical(classes="window control"):
            yield text(TITLES[self._act], classes="title")
            with Horizontal(classes="field"):
                yield text(LABELS[self._act], classes="label")
                yield Field(id="number", compact=True, max_length=12)
                yield text(HELPS[self._act], classes="message", id="message")
            with Horizontal(classes="field"):
                yield text("Why", classes="label")
                yield Field(id="reason", compact=True, max_length=REASON_LIMIT, placeholder="others will read this")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Show plan", id="plan", compact=True)
            yield text("tab: next field   enter: show plan   esc: close", classes="hint")

    @on(Input.Submitted)
    @on(Button.Pressed, "#plan")
    def _submit(self) -> None:
        message = self.query_one("#message", Static)
        try:
            number = number_of(self.query_one("#number", Input).value, MOST[self._act])
        except ValueError as error:
            message.update(wire.content(f"✗ {error}"))
            message.add_class("wrong")
            self.query_one("#number").focus()
            return
        reason = self.query_one("#reason", Input).value.strip()
        if self._act is Act.PAUSE:
            self.dismiss(Command(Act.PAUSE, seconds=60 * number, reason=reason))
        else:
            self.dismiss(Command(Act.LIMIT, per_second=number, reason=reason))

    @on(Button.Pressed, "#cancel")
    def _cancel_pressed(self) -> None:
        self.action_cancel()
