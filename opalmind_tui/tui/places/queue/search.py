"""The line of the filter: typed after `/`, then shown with how far the search is."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from opalmind_tui.snapshot.filters import FIELDS, LONGEST, NO_FILTER, BadFilter, Filter, parse_filter
from opalmind_tui.snapshot.listing import Groups, Listing
from opalmind_tui.text import safe_text
from opalmind_tui.tui import wire
from opalmind_tui.tui.field import Field

HINT = f"words or field:value, - for not: {', '.join(FIELDS)}"


class Box(Field):
    """Takes what is typed until enter or escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    class Left(Message):
        """Escape was pressed."""

    def action_leave(self) -> None:
        """Give up typing."""
        self.post_message(self.Left())


class Search(Horizontal):
    """Shown while a filter is typed or in force."""

    class Changed(Message):
        """Another filter is in force, or typing has ended with the former one."""

        def __init__(self, chosen: Filter) -> None:
            super().__init__()
            self.filter = chosen

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.filter: Filter = NO_FILTER

    def compose(self) -> ComposeResult:
        yield Static("/", id="slash")
        yield Box(id="box", compact=True, max_length=LONGEST, select_on_focus=False)
        yield Static("", id="found", markup=False)

    def on_mount(self) -> None:
        self.display = False

    @property
    def typing(self) -> bool:
        """Whether the box has the keys."""
        return self.query_one(Box).has_focus

    def open(self) -> None:
        """Let a filter be typed; the one in force is what it begins with."""
        self.display = True
        box = self.query_one(Box)
        box.disabled = False
        box.value = str(self.filter)
        box.cursor_position = len(box.value)
        box.focus()
        self._say(HINT)

    def take(self, chosen: Filter) -> None:
        """Put a filter in force."""
        self.filter = chosen
        box = self.query_one(Box)
        box.value = str(chosen)
        box.disabled = True
        self.display = bool(chosen)
        self._say("")
        self.post_message(self.Changed(chosen))

    def show(self, found: Listing | Groups | None) -> None:
        """Say how far the search is."""
        if self.typing or found is None or not self.filter:
            return
        of = f"{found.matched:,} of {found.examined:,}"
        if found.done:
            self._say(f"{of} match")
        else:
            percent = 100 * found.examined // max(1, found.total)
            self._say(f"{of} match so far, {percent} % of {found.total:,} searched")

    def _say(self, text: str, *, wrong: bool = False) -> None:
        said = self.query_one("#found", Static)
        said.set_class(wrong, "wrong")
        said.update(wire.content(safe_text(text)))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            chosen = parse_filter(event.value)
        except BadFilter as error:
            self._say(str(error), wrong=True)
        else:
            self.take(chosen)

    @on(Box.Left)
    def _left(self) -> None:
        self.take(self.filter)
