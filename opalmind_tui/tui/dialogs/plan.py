"""Shows what would be done, asks, does it, and lets it be stopped (I12). Cancel has the focus."""

from __future__ import annotations

import asyncio
import time
from typing import ClassVar

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Checkbox, Input, Static
from textual.worker import Worker, WorkerState

from opalmind_tui.engine.port import EnginePort
from opalmind_tui.errors import OpalmindError
from opalmind_tui.snapshot.commands import Act, Command, Outcome, Plan, Progress, looked_at
from opalmind_tui.tui import wire
from opalmind_tui.tui.charts import bar
from opalmind_tui.tui.dialogs.arming import ArmedDialog
from opalmind_tui.tui.dialogs.window import Page, Tick, text
from opalmind_tui.tui.field import Field

VERBS = {
    Act.RETRY: "Retry",
    Act.PURGE: "Purge",
    Act.RESTORE: "Restore",
    Act.KILL: "Give up",
    Act.RELEASE: "Free",
    Act.PURGE_CACHE: "Purge",
    Act.REFETCH: "Fetch",
    Act.SET_TTL: "Set",
    Act.DELIVER: "Switch",
    Act.TEST_TOKEN: "Ask",
    Act.PAUSE: "Pause",
    Act.RESUME: "Resume",
    Act.LIMIT: "Set",
    Act.ACKNOWLEDGE: "Take note",
    Act.UNDO: "Undo",
}
BULK = frozenset({Act.RETRY, Act.PURGE, Act.RESTORE, Act.KILL, Act.RELEASE, Act.PURGE_CACHE})
_BAR = 30
LOOK_SHOWN_EVERY = 0.2
"""Seconds between two words of how far a look through a long list is."""


class PlanDialog(ArmedDialog[Outcome]):
    """From a command to its outcome; dismissed with None if it was cancelled before anything was done.

    Args:
        engine: plans and runs.
        command: the wish, with the ids captured when the key was pressed.
        subject: what it is about, for a single request. Text from outside.
        type_above: how many requests or entries may be confirmed without the count being typed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up,h,k", "app.focus_previous", show=False),
        Binding("right,down,l,j", "app.focus_next", show=False),
    ]
    AUTO_FOCUS = "#cancel"
    GUARDED = ("confirm", "count")

    def __init__(self, engine: EnginePort, command: Command, subject: str = "", *, type_above: int = 100) -> None:
        super().__init__()
        self._engine, self._command, self._subject, self._type_above = engine, command, subject, type_above
        self._plan: Plan | None = None
        self._work: asyncio.Task[Outcome] | None = None
        self._stopped = False
        self._progress = Progress(0, 0)
        self._before = Outcome("")
        self._looked_at = 0.0

    def compose(self) -> ComposeResult:
        with Vertical(classes="window plan"):
            yield text("Counting …", classes="title", id="title")
            if self._subject:
                yield text(self._subject, classes="subject")
            with Page():
                yield text("", id="facts")
            yield text("", classes="undo", id="undo")
            if self._command.act is Act.PURGE:
                yield Tick("for good, past the trash", self._command.hard, id="hard", compact=True)
            with Horizontal(classes="field", id="typing"):
                yield text("", id="wanted")
                yield Field(id="count", compact=True, max_length=12, disabled=True)
            yield text("", classes="progress", id="progress")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(VERBS[self._command.act], id="confirm", compact=True, disabled=True)
            yield text("tab: other button   enter: press   esc: cancel", classes="hint", id="hint")

    def on_mount(self) -> None:
        self.query_one("#confirm").display = False
        self.query_one("#typing").display = False
        self.run_worker(self._make_plan(), group="plan", exclusive=True, exit_on_error=False)

    async def _make_plan(self) -> None:
        self._looked_at = time.monotonic()
        try:
            plan = await self._engine.plan(self._command, self._on_look)
        except OpalmindError as error:
            self._cannot(str(error))
            return
        self._plan = plan
        self._write("#title", plan.title)
        facts = [f"· {count:,} not eligible: {reason}" for reason, count in plan.skipped]
        facts += [f"· {sentence}" for sentence in plan.facts]
        self._write("#facts", "\n".join(facts))
        self._write("#undo", plan.undo)
        if not plan.nothing_to_do:
            self.query_one("#confirm").display = True
            self.query_one("#typing").display = self._must_type
            self._write("#wanted", f"Type {plan.eligible} to confirm: ")
            self.arm_soon()
        else:
            self._write("#undo", "There is nothing to do.")
            self._only_close()

    @on(Checkbox.Changed, "#hard")
    def _hardness_changed(self, event: Checkbox.Changed) -> None:
        """Another wish needs another plan."""
        if self._work is None and event.value != self._command.hard:
            self._command, self._plan = replace(self._command, hard=event.value), None
            self.disarm()
            self.run_worker(self._make_plan(), group="plan", exclusive=True, exit_on_error=False)

    @property
    def _must_type(self) -> bool:
        plan = self._plan
        return plan is not None and plan.command.act in BULK and plan.eligible > self._type_above

    @property
    def _ready(self) -> bool:
        """It was in view long enough, and the count is typed where it must be."""
        typed = self.query_one(Input).value.replace(",", "").strip()
        right = not self._must_type or (self._plan is not None and typed == str(self._plan.eligible))
        return self._plan is not None and self.armed and right

    @on(Input.Changed, "#count")
    def fit(self) -> None:
        """The count may be typed before it can be confirmed."""
        self.query_one(Input).disabled = not self.armed
        self.query_one("#confirm", Button).disabled = not self._ready

    @on(Input.Submitted, "#count")
    def _typed(self) -> None:
        if self._ready:
            self._confirm_pressed()

    def _cannot(self, why: str) -> None:
        self._write("#title", "This cannot be done now")
        self._write("#facts", why)
        self._only_close()

    def _only_close(self) -> None:
        for box in self.query("#hard, #typing"):
            box.display = False
        self.query_one("#confirm").display = False
        self.query_one("#cancel", Button).label = "Close"
        self._write("#hint", "enter or esc: close")

    def _write(self, where: str, value: str) -> None:
        self.query_one(where, Static).update(wire.content(value))

    @on(Button.Pressed, "#cancel")
    def _cancel_pressed(self) -> None:
        self.action_cancel()

    def action_cancel(self) -> None:
        """Before the start: close. While it runs: stop after the batch in hand."""
        if self._work is None:
            # At once: a look that goes on would write on a window that is taken down.
            self.workers.cancel_group(self, "plan")
            self.dismiss(self._before if self._before.sentence else None)
        elif not self._stopped:
            self._stopped = True
            self._write("#hint", "stopping after the batch in hand …")
            self._work.cancel()

    @on(Button.Pressed, "#confirm")
    def _confirm_pressed(self) -> None:
        plan = self._plan
        if plan is None or self._work is not None or not self._ready:
            return
        self._work = asyncio.ensure_future(self._engine.run(plan, self._on_progress))
        cancel = self.query_one("#cancel", Button)
        cancel.label = "Stop"
        cancel.focus()
        self.query_one("#confirm").display = False
        for box in self.query("#hard, #typing"):
            box.display = False
        self.query_one(".plan").add_class("-running")
        self._write("#hint", "enter or esc: stop after the batch in hand")
        self._progress = Progress(0, plan.eligible)
        self._show_progress()
        self.run_worker(self._finish(plan, self._work), group="run", exclusive=True, exit_on_error=False)

    def _on_look(self, progress: Progress) -> None:
        """A long list is gone through to make the plan; closing the window ends that."""
        now = time.monotonic()
        if self.is_mounted and now - self._looked_at >= LOOK_SHOWN_EVERY:
            self._looked_at = now
            self._write("#title", f"Counting … {looked_at(progress)}")

    def _on_progress(self, progress: Progress) -> None:
        self._progress = progress
        if self.is_mounted:
            self._show_progress()

    def _show_progress(self) -> None:
        done, total = self._progress.done, self._progress.total
        full, rest = bar(done / total if total else 0.0, _BAR)
        self._write("#progress", f"{full}{rest}  {done:,} of {total:,}")

    async def _finish(self, plan: Plan, running: asyncio.Task[Outcome]) -> None:
        try:
            outcome = await running
        except OpalmindError as error:
            outcome = Outcome(str(error), done=self._progress.done, failed=plan.eligible, error=str(error))
        except asyncio.CancelledError:
            if not self._stopped:
                raise
            done = self._progress.done
            outcome = Outcome(f"Stopped after {done:,} of {plan.eligible:,}", done=done, cancelled=True)
        whole = _together(self._before, outcome)
        if outcome.error and outcome.failed and (plan.state is not None or outcome.position < len(plan.ids)):
            self._offer_the_rest(plan.resumed(outcome), whole)
        else:
            self.dismiss(whole)

    def _offer_the_rest(self, rest: Plan, so_far: Outcome) -> None:
        """It ended before all was done, as where the connection was lost: it can go on from there."""
        self._plan, self._before, self._work = rest, so_far, None
        self.query_one("#cancel", Button).label = "Close"
        confirm = self.query_one("#confirm", Button)
        confirm.label, confirm.display = "Go on", True
        self._write("#title", f"{rest.title}: not finished")
        figures = f"{so_far.done:,} done, {so_far.skipped:,} skipped, {so_far.failed:,} left"
        self._write("#facts", f"{figures}\n{so_far.error}")
        self._write("#hint", "enter or esc: close   tab: go on with the rest")
        self.query_one("#cancel").focus()
        self.disarm()
        self.arm_soon()

    def on_unmount(self) -> None:
        if self._work is not None and not self._work.done():
            self._work.cancel()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """An error that nobody expected is shown, not swallowed, and does not end the dashboard."""
        event.stop()
        if event.state is WorkerState.ERROR:
            if self._work is not None:
                self.dismiss(
                    Outcome(f"Failed: {event.worker.error}", done=self._progress.done, error=str(event.worker.error))
                )
            else:
                self._cannot(f"{event.worker.error}")


def _together(former: Outcome, newer: Outcome) -> Outcome:
    """What came of all runs of a plan."""
    if not former.sentence:
        return newer
    sentence = f"{newer.sentence}; {former.done + newer.done:,} in all"
    return replace(
        newer, sentence=sentence, done=former.done + newer.done, skipped=former.skipped + newer.skipped,
        inverse=newer.inverse or former.inverse,
    )  # fmt: skip
