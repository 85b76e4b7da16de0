"""What all dialogs share: a window over the screen, closed by escape, with nothing changed."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Checkbox, Static

from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.tui import wire
from opalmind_tui.tui.bars import Status
from opalmind_tui.tui.situation import Situation

ResultType = TypeVar("ResultType")


class Dialog(ModalScreen[ResultType]):
    """A window. Subclasses compose into a container with the class ``window``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c", "cancel", "Close", show=False),
        # Taken before the field is asked: otherwise what is typed right after tab is on its way to the former field.
        Binding("tab", "app.focus_next", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", show=False, priority=True),
    ]

    @property
    def situation(self) -> Situation | None:
        """What decides which actions of the table can be taken here; None where it has none of them."""
        return None

    def say(self, status: Status) -> bool:
        """Say something in the window. False where it has no room for that."""
        return False

    def show(self, snapshot: Snapshot) -> None:
        """Follow a newer snapshot, where that changes what is read here."""

    def action_cancel(self) -> None:
        """Close it; nothing was changed."""
        self.dismiss(None)


def text(value: str, *, classes: str = "", id: str | None = None) -> Static:
    """Safe text in a dialog; markup in it is not read."""
    return Static(wire.content(value), markup=False, classes=classes, id=id)


class Tick(Checkbox):
    """A box whose sign tells its state, not its colour alone."""

    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]
        return "✓" if self.value else " "


class Page(VerticalScroll):
    """Text longer than the window: arrows and vi keys scroll it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "scroll_up", show=False),
        Binding("j", "scroll_down", show=False),
        Binding("g", "scroll_home", show=False),
        Binding("G,shift+g", "scroll_end", show=False),
    ]

    def allow_focus(self) -> bool:
        """Only what does not fit needs keys."""
        return super().allow_focus() and self.max_scroll_y > 0
