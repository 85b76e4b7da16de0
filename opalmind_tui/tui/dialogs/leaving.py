"""Asks before the dashboard is left while requests live only in its memory. Staying has the focus."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from opalmind_tui.snapshot.model import Snapshot, StoreStatus
from opalmind_tui.text import safe_text
from opalmind_tui.tui import wire
from opalmind_tui.tui.dialogs.arming import ArmedDialog
from opalmind_tui.tui.dialogs.window import Page, text

_REASON = 120
READ_BACK = "opalmind-tui track --from FILE"


class Leave(StrEnum):
    """How to leave."""

    SAVE = "save"
    LOSE = "lose"


def title_of(store: StoreStatus) -> str:
    """How many there are."""
    if not store.only_here:
        return "Every request is in Redis again"
    return f"{store.only_here:,} request{' lives' if store.only_here == 1 else 's live'} only in this dashboard"


def facts_of(store: StoreStatus) -> str:
    """Why that is, and what each choice does."""
    if not store.only_here:
        return "· Nothing is lost by quitting now."
    why = "Redis is back, and takes them now" if store.recovering else safe_text(store.reason, _REASON).rstrip(".")
    folder = safe_text(store.hand_over or "the folder for state", _REASON)
    facts = (
        f"{why or 'Redis is away'}.",
        "Stay: they move to Redis by themselves when it is back.",
        f"Save: they go to a file in {folder}, which `{READ_BACK}` reads back. What Matomo takes within half a second "
        "is sent before.",
        "Lose: they never reach Matomo. This cannot be undone.",
    )
    return "\n".join(f"· {fact}" for fact in facts)


class LeavingDialog(ArmedDialog[Leave]):
    """Returns how to leave, or None to stay."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up,h,k", "app.focus_previous", show=False),
        Binding("right,down,l,j", "app.focus_next", show=False),
    ]
    AUTO_FOCUS = "#stay"
    GUARDED = ("lose",)

    def __init__(self, store: StoreStatus) -> None:
        super().__init__()
        self._store = store

    def compose(self) -> ComposeResult:
        with Vertical(classes="window leaving"):
            yield text(title_of(self._store), classes="title", id="title")
            with Page():
                yield text(facts_of(self._store), id="facts")
            with Horizontal(classes="buttons"):
                yield Button("Stay", id="stay", compact=True)
                yield Button("Save and quit", id="save", compact=True)
                yield Button("Lose them and quit", id="lose", compact=True, disabled=True)
            yield text("tab: other button   enter: press   esc: stay", classes="hint")

    def on_mount(self) -> None:
        self.arm_soon()

    def show(self, snapshot: Snapshot) -> None:
        """A newer state: Redis may be back meanwhile."""
        store = self._store = snapshot.store
        if self.is_mounted:
            self.query_one("#title", Static).update(wire.content(title_of(store)))
            self.query_one("#facts", Static).update(wire.content(facts_of(store)))

    @on(Button.Pressed, "#stay")
    def _stay(self) -> None:
        self.action_cancel()

    @on(Button.Pressed, "#save")
    def _save(self) -> None:
        self.dismiss(Leave.SAVE)

    @on(Button.Pressed, "#lose")
    def _lose(self) -> None:
        self.dismiss(Leave.LOSE)
