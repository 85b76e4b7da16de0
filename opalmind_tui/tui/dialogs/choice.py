"""Asks for one of several things. Escape chooses none."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from opalmind_tui.text import cells, safe_text
from opalmind_tui.tui.dialogs.window import Dialog, text

_NAME = 28


class Choice(Struct, frozen=True):
    """One of the things: what is returned, its name and a note. `key` chooses it at once. Text may be from outside."""

    value: str
    name: str
    note: str = ""
    key: str = ""


class Choices(OptionList):
    """The list, with vi keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "cursor_up", show=False),
        Binding("j", "cursor_down", show=False),
    ]


def options(choices: list[Choice]) -> list[Option]:
    """Rows of key, name and note, at fixed places."""
    names = [safe_text(choice.name, _NAME) for choice in choices]
    width = max((cells(name) for name in names), default=0)
    rows = []
    for choice, name in zip(choices, names, strict=True):
        key = f"{safe_text(choice.key, 3):<3} " if choice.key else ""
        rows.append(Option(Content(f"{key}{name}{' ' * (width - cells(name))}  {safe_text(choice.note, 60)}")))
    return rows


class ChoiceDialog(Dialog[str]):
    """Returns the value of the choice."""

    AUTO_FOCUS = "#choices"

    def __init__(self, title: str, choices: list[Choice], *, hint: str = "", current: str | None = None) -> None:
        super().__init__()
        self._title, self._choices, self._hint, self._current = title, choices, hint, current

    def compose(self) -> ComposeResult:
        with Vertical(classes="window choice"):
            yield text(self._title, classes="title")
            yield Choices(*options(self._choices), id="choices", markup=False, compact=True)
            yield text(self._hint or "enter: choose   esc: cancel", classes="hint")

    def on_mount(self) -> None:
        values = [choice.value for choice in self._choices]
        if self._current in values:
            self.query_one(Choices).highlighted = values.index(self._current)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index].value)

    def on_key(self, event: Key) -> None:
        for choice in self._choices:
            if choice.key and event.key == choice.key:
                event.stop()
                self.dismiss(choice.value)
                return
