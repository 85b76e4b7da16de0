"""Asks for a new time to live. A mistake is said beside the field; escape changes nothing and loses nothing."""

from __future__ import annotations

import asyncio
from functools import partial

from msgspec import Struct
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Checkbox, Input, OptionList, Static

from opalmind_tui.engine.port import EnginePort
from opalmind_tui.errors import OpalmindError, SettingsError
from opalmind_tui.reports.ttl import PRESETS, parse_duration
from opalmind_tui.snapshot.commands import Act, Command, TtlTarget
from opalmind_tui.snapshot.model import CacheView
from opalmind_tui.tui import figures, wire
from opalmind_tui.tui.dialogs.choice import Choice, Choices, options
from opalmind_tui.tui.dialogs.window import Dialog, Tick, text
from opalmind_tui.tui.field import Field
from opalmind_tui.tui.panels.preview import preview_lines

SHORTEST, LONGEST = 1.0, 365 * 86_400.0
RESET = "reset"
PREVIEW_AFTER = 0.15
"""Seconds without a key until a preview is asked for."""
ACCEPTED = "Write seconds, or 90s, 5m, 2h, 1d; reset for the environment's value."


class Draft(Struct, frozen=True):
    """What was typed so far, kept when the dialog is closed."""

    target: str = "reports:"
    value: str = ""
    existing: bool = False


def seconds_of(typed: str) -> float:
    """Seconds that a text means; 0 resets. Raises `ValueError` with a sentence for people."""
    word = typed.strip().lower()
    if word == RESET:
        return 0.0
    if not word:
        raise ValueError(ACCEPTED)
    try:
        seconds = parse_duration(word)
    except SettingsError:
        raise ValueError(f"Not a time. {ACCEPTED}") from None
    if not SHORTEST <= seconds <= LONGEST:
        raise ValueError("From 1 second to 365 days.")
    return seconds


def targets(cache: CacheView | None) -> list[Choice]:
    """What has a time to live, with the one in force."""
    if cache is None:
        return [Choice("reports:", "Reports", "now unknown"), Choice("idempotency:", "Sent keys", "now unknown")]
    rows = [Choice("reports:", "Reports, unless set below", f"now {figures.lifetime(cache.ttl)}")]
    rows.append(Choice("idempotency:", "Sent keys (idempotency)", f"now {figures.lifetime(cache.idempotency_ttl)}"))
    for feature in sorted(cache.features, key=lambda one: one.feature):
        now = f"now {figures.lifetime(feature.ttl)}, {feature.ttl_origin}"
        rows.append(Choice(f"reports:{feature.feature}", feature.feature, now))
    return rows


def command_of(draft: Draft) -> Command:
    """The command that a draft asks for. Raises `ValueError` where the value cannot be used."""
    kind, _, feature = draft.target.partition(":")
    return Command(
        Act.SET_TTL,
        feature=feature,
        target=TtlTarget(kind),
        seconds=seconds_of(draft.value),
        existing=draft.existing,
    )


def usual(target: TtlTarget) -> str:
    """What is usual in practice, and for what."""
    by_use: dict[str, list[str]] = {}
    for seconds, use in PRESETS[target]:
        by_use.setdefault(use, []).append(figures.brief_lifetime(seconds))
    return "Usual: " + "; ".join(f"{' '.join(times)} {use}" for use, times in by_use.items())


def _typed(draft: Draft) -> float | None:
    """Seconds that a draft proposes, None where it does not say (yet)."""
    try:
        return seconds_of(draft.value) or None
    except ValueError:
        return None


class TtlDialog(Dialog[Draft]):
    """Returns a draft that is valid, to be planned.

    Args:
        engine: previews what is typed.
        cache: the times in force.
        draft: what was typed before. The attribute of that name holds what is typed now, so that nothing is lost.
    """

    AUTO_FOCUS = "#targets"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (23, "-tall")]  # noqa: RUF012 - Textual declares it so
    """Rows; what is short leaves out the picture of the preview, so that the buttons are in view."""

    def __init__(self, engine: EnginePort, cache: CacheView | None, draft: Draft) -> None:
        super().__init__()
        self._engine = engine
        self._choices = targets(cache)
        self.draft = draft

    def compose(self) -> ComposeResult:
        with Vertical(classes="window ttl"):
            yield text("Set a time to live", classes="title")
            yield Choices(*options(self._choices), id="targets", markup=False, compact=True)
            with Horizontal(classes="field"):
                yield text("New value", classes="label")
                yield Field(self.draft.value, placeholder="60", id="value", compact=True)
                yield text("", classes="message", id="message")
            yield Tick("also apply to the entries that exist", self.draft.existing, id="existing", compact=True)
            yield text("", classes="hint", id="usual")
            yield text("", classes="preview", id="preview")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Show plan", id="plan", compact=True)
            yield text("tab: next field   enter: show plan   esc: close", classes="hint")

    def on_mount(self) -> None:
        values = [choice.value for choice in self._choices]
        self.query_one(Choices).highlighted = values.index(self.draft.target) if self.draft.target in values else 0
        if self.draft.value:
            self._check()

    def _read(self) -> Draft:
        highlighted = self.query_one(Choices).highlighted or 0
        field, box = self.query_one(Input), self.query_one(Checkbox)
        self.draft = Draft(self._choices[highlighted].value, field.value, box.value)
        return self.draft

    def _check(self) -> bool:
        """Say beside the field what is wrong with it; true if nothing is."""
        message = self.query_one("#message", Static)
        try:
            seconds = seconds_of(self.query_one(Input).value)
        except ValueError as error:
            message.update(wire.content(f"✗ {error}"))
            message.add_class("wrong")
            return False
        meaning = figures.lifetime(seconds) if seconds else "the environment's value"
        message.update(wire.content(f"✓ {meaning}"))
        message.remove_class("wrong")
        return True

    @on(Input.Changed)
    def _changed(self) -> None:
        self._read()
        self._check()
        self._preview_soon()

    @on(Checkbox.Changed)
    @on(OptionList.OptionHighlighted)
    def _chose(self) -> None:
        self._read()
        self._preview_soon()

    def _preview_soon(self) -> None:
        work = partial(self._show_preview, self.draft)
        self.run_worker(work, group="preview", exclusive=True, exit_on_error=False)  # type: ignore[arg-type]

    async def _show_preview(self, draft: Draft) -> None:
        # The next key cancels this: nobody reads a preview of half a number.
        await asyncio.sleep(PREVIEW_AFTER)
        kind, _, feature = draft.target.partition(":")
        shown = self.query_one("#preview", Static)
        self.query_one("#usual", Static).update(wire.content(usual(TtlTarget(kind))))
        shown.display = kind == TtlTarget.REPORTS
        if not shown.display:
            return
        try:
            lines = preview_lines(await self._engine.ttl_preview(feature, _typed(draft)))
        except OpalmindError as error:
            lines = [f"No preview: {error}"]
        shown.update(wire.content("\n".join(lines)))

    @on(OptionList.OptionSelected)
    def _to_value(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Submitted)
    @on(Button.Pressed, "#plan")
    def _submit(self) -> None:
        if self._check():
            self.dismiss(self._read())
        else:
            self.query_one(Input).focus()

    @on(Button.Pressed, "#cancel")
    def _cancel_pressed(self) -> None:
        self.action_cancel()
