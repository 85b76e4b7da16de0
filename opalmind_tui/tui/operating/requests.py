"""The keys that act on requests."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from opalmind_tui.errors import OpalmindError
from opalmind_tui.snapshot.commands import Act
from opalmind_tui.snapshot.curl import as_curl
from opalmind_tui.snapshot.listing import RequestDetail
from opalmind_tui.tui.bars import Status
from opalmind_tui.tui.dialogs.choice import Choice, ChoiceDialog
from opalmind_tui.tui.dialogs.detail import DetailDialog
from opalmind_tui.tui.dialogs.later import LaterDialog
from opalmind_tui.tui.lines import Tone
from opalmind_tui.tui.operating.aiming import Aim, aim, aim_at_all
from opalmind_tui.tui.places.queue import QueuePlace

if TYPE_CHECKING:
    from opalmind_tui.tui.operator import Operator


class RequestKeys:
    """One handler for each action of `REQUEST_ACTIONS`."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator
        self.handlers: dict[str, Callable[[], None]] = {
            "find": partial(self._in_queue, QueuePlace.look_for),
            "mark": partial(self._in_queue, QueuePlace.mark),
            "mark_all": partial(self._in_queue, QueuePlace.mark_all),
            "detail": self._detail,
            "retry": partial(self._one, Act.RETRY),
            "retry_all": partial(self._all, Act.RETRY),
            "later": self._later,
            "purge": partial(self._one, Act.PURGE),
            "purge_all": partial(self._all, Act.PURGE),
            "kill": partial(self._one, Act.KILL),
            "release": partial(self._one, Act.RELEASE),
            "restore": partial(self._one, Act.RESTORE),
            "curl": self._copy,
            "reveal": self._reveal,
            "more": partial(self._read_on, whole=False),
            "whole": partial(self._read_on, whole=True),
        }

    def _in_queue(self, do: Callable[[QueuePlace], None]) -> None:
        self._operator.at(QueuePlace, do)

    def _plan(self, aimed: Aim | None, back: Callable[[], None] | None = None) -> None:
        if aimed is not None:
            now = self._operator.situation
            # What was marked is dealt with: the list lives again, and shows what became of it.
            done = partial(self._in_queue, QueuePlace.unmark) if now.marked or now.all_marked else None
            self._operator.plan(aimed.command, aimed.subject, back, done)

    def _one(self, act: Act) -> None:
        self._plan(aim(act, self._operator.situation))

    def _all(self, act: Act) -> None:
        self._plan(aim_at_all(act, self._operator.situation))

    def _later(self) -> None:
        """What it is aimed at is captured now; the time is asked for afterwards."""
        now = self._operator.situation

        def ended(seconds: float | None) -> None:
            if seconds is not None:
                self._plan(aim(Act.RETRY, now, seconds=seconds), ask)

        def ask() -> None:
            self._operator.app.push_screen(LaterDialog(), ended)

        ask()

    # -- detail --------------------------------------------------------------------------------------------------

    def _detail(self) -> None:
        app, now = self._operator.app, self._operator.situation
        if now.group is not None:
            self._in_queue(QueuePlace.open_group)
        elif now.selected is not None:
            app.push_screen(DetailDialog(app.engine, now.selected, app.frame.snapshot))

    @property
    def _window(self) -> DetailDialog | None:
        screen = self._operator.app.screen
        return screen if isinstance(screen, DetailDialog) else None

    def _copy(self) -> None:
        if (window := self._window) is not None:
            self._put(window.detail)
        elif (request := self._operator.situation.selected) is not None:
            self._operator.app.run_worker(self._fetch_and_put(request.id), group="copy", exclusive=True)

    async def _fetch_and_put(self, request_id: str) -> None:
        try:
            found = await self._operator.app.engine.request_detail(request_id)
        except OpalmindError as error:
            self._operator.say(Status(str(error), Tone.FAIL))
            return
        if found is None:
            self._operator.refuse("That request has left the queue.")
        else:
            self._put(found)

    def _put(self, detail: RequestDetail) -> None:
        if not detail.params:
            self._operator.refuse("What it said is not known any more.")
            return
        command = as_curl(detail)
        if not self._operator.app.copy(command):
            self._operator.refuse(f"{len(command):,} characters are too many for a terminal's clipboard.")
            return
        hidden = "with personal data" if detail.revealed else "token and personal data hidden"
        self._operator.say(Status(f"Copied as a curl command, {hidden}.", Tone.OK))

    def _reveal(self) -> None:
        window = self._window
        if window is None:
            return
        choices = [
            Choice("no", "Keep it hidden"),
            Choice("yes", "Show it", "the audit notes that you looked"),
        ]

        def chosen(answer: str | None) -> None:
            if answer == "yes":
                window.run_worker(window.reveal(), group="reveal", exclusive=True, exit_on_error=False)

        self._operator.app.push_screen(ChoiceDialog("Show personal data of this request?", choices), chosen)

    def _read_on(self, *, whole: bool) -> None:
        if (window := self._window) is not None:
            window.run_worker(window.read_on(whole=whole), group="part", exclusive=True, exit_on_error=False)
