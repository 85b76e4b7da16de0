"""The doctor: findings in a list, the one under the cursor in full below it."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from opalmind_tui.engine.port import EnginePort
from opalmind_tui.errors import OpalmindError
from opalmind_tui.snapshot.commands import Command
from opalmind_tui.snapshot.findings import Diagnosis, Finding
from opalmind_tui.text import safe_text
from opalmind_tui.tui import wire
from opalmind_tui.tui.dialogs.choice import Choices
from opalmind_tui.tui.dialogs.window import Dialog, Page, text

LOOKING = "Looking at Redis, queue, cache and Matomo ..."
_TITLE = 60


class DoctorDialog(Dialog[Command]):
    """Looks, and shows what it found; dismissed with what the operator wants to be done about it.

    Args:
        engine: makes the diagnosis.
        can_act: whether this dashboard may change anything.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "cancel", show=False),
        Binding("y", "copy", show=False),
        Binding("r", "look", show=False),
        Binding("pagedown,space", "page(1)", show=False),
        Binding("pageup,b", "page(-1)", show=False),
    ]
    AUTO_FOCUS = "#findings"

    def __init__(self, engine: EnginePort, *, can_act: bool) -> None:
        super().__init__()
        self._engine, self._can_act = engine, can_act
        self._diagnosis: Diagnosis | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="window doctor"):
            yield text("Doctor", classes="title")
            yield Choices(id="findings", markup=False, compact=True)
            with Page():
                yield text(LOOKING, id="finding")
            yield text("r: look again   esc: close", classes="hint", id="hint")

    def on_mount(self) -> None:
        self.action_look()

    def action_look(self) -> None:
        """Look again."""
        self.query_one("#finding", Static).update(wire.content(LOOKING))
        self.run_worker(self._look(), group="doctor", exclusive=True)

    async def _look(self) -> None:
        try:
            self._diagnosis = await self._engine.diagnose()
        except OpalmindError as error:
            self.query_one("#finding", Static).update(wire.content(safe_text(str(error))))
            return
        listed = self.query_one(Choices)
        listed.clear_options()
        listed.add_options([Option(Content(row)) for row in map(row_of, self._diagnosis.findings)])
        listed.highlighted = 0 if self._diagnosis.findings else None
        self._show()

    @property
    def _finding(self) -> Finding | None:
        at = self.query_one(Choices).highlighted
        return self._diagnosis.findings[at] if self._diagnosis is not None and at is not None else None

    @on(OptionList.OptionHighlighted)
    def _show(self) -> None:
        finding, diagnosis = self._finding, self._diagnosis
        if diagnosis is None:
            return
        nothing = f"Nothing found in {diagnosis.checks} checks."
        self.query_one("#finding", Static).update(wire.content(nothing if finding is None else finding_text(finding)))
        self.query_one(Page).scroll_home(animate=False)
        keys = ["enter: do it"] if finding is not None and finding.action is not None and self._can_act else []
        keys += ["y: copy the command"] if finding is not None and finding.command else []
        self.query_one("#hint", Static).update(wire.content("   ".join([*keys, "r: look again", "esc: close"])))

    @on(OptionList.OptionSelected)
    def _chosen(self) -> None:
        finding = self._finding
        if finding is not None and finding.action is not None and self._can_act:
            self.dismiss(finding.action)

    def action_copy(self) -> None:
        """Give the command to the terminal's clipboard."""
        finding = self._finding
        if finding is not None and finding.command:
            self.app.copy_to_clipboard(finding.command)
            self.query_one("#hint", Static).update(wire.content("The command went to the clipboard."))

    def action_page(self, pages: int) -> None:
        """Scroll the text; the arrows move in the list."""
        page = self.query_one(Page)
        page.scroll_relative(y=pages * max(1, page.size.height - 1), animate=False)


def row_of(finding: Finding) -> str:
    """A finding in one line."""
    return f"{finding.severity:<8} {safe_text(finding.title, _TITLE)}"


def finding_text(finding: Finding) -> str:
    """A finding in full."""
    parts = (
        ("Seen", finding.evidence), ("Means", finding.consequence), ("Do", finding.remedy), ("Run", finding.command),
        ("Enter", finding.offer),
    )  # fmt: skip
    return "\n".join(f"{name:<6} {safe_text(value)}" for name, value in parts if value)
