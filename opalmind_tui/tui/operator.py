"""Does what a key asks for: one handler for each action of the table."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar

from opalmind_tui.snapshot.commands import Act, Command, Outcome
from opalmind_tui.snapshot.model import RequestRow
from opalmind_tui.text import safe_text
from opalmind_tui.tui.actions import BY_ID, DOORS, exists, why_not
from opalmind_tui.tui.bars import Status
from opalmind_tui.tui.cache_keys import CacheKeys
from opalmind_tui.tui.dialogs.choice import Choice, ChoiceDialog
from opalmind_tui.tui.dialogs.control import ControlDialog
from opalmind_tui.tui.dialogs.log import log_text
from opalmind_tui.tui.dialogs.plan import PlanDialog
from opalmind_tui.tui.dialogs.reading import Body, ReadingDialog, detail_text, help_text
from opalmind_tui.tui.lines import Tone
from opalmind_tui.tui.places.cache import CachePlace
from opalmind_tui.tui.places.doctor import DoctorPlace
from opalmind_tui.tui.places.place import Place
from opalmind_tui.tui.places.queue import QueuePlace
from opalmind_tui.tui.places.redis import RedisPlace
from opalmind_tui.tui.themes import DARK, LIGHT

if TYPE_CHECKING:
    from opalmind_tui.tui.app import OpalmindApp
    from opalmind_tui.tui.frame import Frame

P = TypeVar("P", bound=Place)
Severity = Literal["information", "warning", "error"]
_NOTICE = 160
"""Most characters of a notification."""


class Operator:
    """Acts for the person at the keys. Everything that changes something goes through a plan (I12)."""

    def __init__(self, app: OpalmindApp) -> None:
        self._app = app
        self.handlers: dict[str, Callable[[], None]] = {
            **{door.id: partial(self._go, door.id) for door in DOORS},
            **CacheKeys(app, self._plan).handlers,
            "back": self._back,
            "find": lambda: self._at(QueuePlace, QueuePlace.look_for),
            "mark": lambda: self._at(QueuePlace, QueuePlace.mark),
            "sort": lambda: self._screen.place.sort(),
            "detail": self._detail,
            "open": lambda: self._at(CachePlace, CachePlace.open),
            "retry": lambda: self._one(Act.RETRY),
            "retry_all": lambda: self._plan(Command(Act.RETRY, all_dead=True)),
            "purge": lambda: self._one(Act.PURGE),
            "purge_all": lambda: self._plan(Command(Act.PURGE, all_dead=True)),
            "undo": lambda: self._plan(Command(Act.UNDO)),
            "cure": self._cure,
            "copy": self._copy,
            "examine": lambda: self._at(DoctorPlace, DoctorPlace.look),
            "count": lambda: self._at(RedisPlace, RedisPlace.count),
            "deliver": self._deliver,
            "test_token": lambda: self._plan(Command(Act.TEST_TOKEN)),
            "log": self._log,
            "slower": lambda: self._pace(1),
            "faster": lambda: self._pace(-1),
            "hold": self._hold,
            "limit": lambda: self._control(Act.LIMIT),
            "mood": self._mood,
            "pause": self._pause,
            "next": lambda: self._screen.place.step(1),
            "previous": lambda: self._screen.place.step(-1),
            "up": lambda: self._screen.place.move(-1),
            "down": lambda: self._screen.place.move(1),
            "page_up": lambda: self._screen.place.move(-1, pages=True),
            "page_down": lambda: self._screen.place.move(1, pages=True),
            "home": lambda: self._screen.place.move(-1_000_000),
            "end": lambda: self._screen.place.move(1_000_000),
            "theme": self._theme,
            "palette": app.action_command_palette,
            "suspend": app.action_suspend_process,
            "help": self._help,
            "quit": app.leave,
        }

    @property
    def _screen(self) -> Frame:
        return self._app.frame

    def do(self, wanted: str) -> None:
        """Take an action, or say why it cannot be taken now."""
        action, now = BY_ID[wanted], self._screen.situation
        if not exists(action, now):
            return
        if reason := why_not(action, now):
            self.refuse(reason)
        else:
            self.handlers[wanted]()

    def refuse(self, reason: str) -> None:
        """Say why not, politely: in the status line, or where that is too short, in a notification."""
        if self._screen.has_room_for(reason):
            self._app.clear_notifications()
            self._screen.say(Status(reason, Tone.WARN))
        else:
            self._notify(reason, "warning")

    def _back(self) -> None:
        if not self._screen.place.clear():
            self._go("overview")

    def _at(self, kind: type[P], do: Callable[[P], None]) -> None:
        """Let a place do something, where it is in view."""
        place = self._screen.place
        if isinstance(place, kind):
            do(place)

    def _go(self, place: str) -> None:
        self._app.run_worker(self._screen.go(place), group="go", exclusive=True)

    # -- requests ------------------------------------------------------------------------------------------------

    def _one(self, act: Act) -> None:
        """Act on what was marked, or under the cursor, when the key was pressed, whatever is there later."""
        if marked := self._screen.situation.marked:
            self._plan(Command(act, ids=marked), f"{len(marked):,} marked requests")
        elif (request := self._screen.situation.selected) is not None:
            self._plan(Command(act, ids=(request.id,)), _subject(request))

    def _detail(self) -> None:
        request, snapshot = self._screen.situation.selected, self._screen.snapshot
        if self._screen.situation.group is not None:
            self._at(QueuePlace, QueuePlace.open_group)
        elif request is not None and snapshot is not None:
            self._app.push_screen(ReadingDialog("Request", self._following(request)))

    def _following(self, request: RequestRow) -> Body:
        """All that is known of a request, as long as the list has it; then what was known last."""
        known, at = request, 0.0

        def body(width: int) -> str:
            nonlocal known, at
            snapshot = self._screen.snapshot
            found = None
            if snapshot is not None:
                listed = snapshot.listing.value if snapshot.listing is not None else None
                rows = (*(snapshot.requests.value or ()), *(listed.rows if listed is not None else ()))
                found = next((row for row in rows if row.id == request.id), None)
                if found is not None or not at:
                    known, at = found or request, snapshot.taken_at
            return detail_text(known, at) + ("" if found else "\n\nIt has left the list meanwhile.")

        return body

    def _plan(
        self,
        command: Command,
        subject: str = "",
        back: Callable[[], None] | None = None,
        done: Callable[[], None] | None = None,
    ) -> None:
        """Show the plan; `back` is where a cancelled one returns to, `done` is called after it was carried out."""

        def ended(outcome: Outcome | None) -> None:
            if outcome is not None:
                self._report(outcome)
                if done is not None:
                    done()
            elif back is not None:
                back()

        self._app.push_screen(PlanDialog(self._app.engine, command, subject), ended)

    def _report(self, outcome: Outcome) -> None:
        failed = bool(outcome.error or outcome.failed)
        tone = Tone.FAIL if failed else Tone.WARN if outcome.cancelled else Tone.OK
        self._screen.say(Status(outcome.sentence, tone))
        if not self._screen.has_room_for(outcome.sentence):
            # The status line stays, but has only the beginning.
            self._notify(outcome.sentence, "error" if failed else "information")
        self._screen.place.acted()
        self._app.poller.look()

    def _notify(self, sentence: str, severity: Severity) -> None:
        self._app.clear_notifications()
        self._app.notify(safe_text(sentence, _NOTICE), severity=severity, markup=False, timeout=4)

    # -- findings ------------------------------------------------------------------------------------------------

    def _cure(self) -> None:
        finding = self._screen.situation.finding
        if finding is not None and finding.action is not None:
            self._plan(finding.action, safe_text(finding.title))

    def _copy(self) -> None:
        finding = self._screen.situation.finding
        if finding is not None:
            self._app.copy_to_clipboard(finding.command)
            self._screen.say(Status("The command went to the clipboard.", Tone.OK))

    # -- the dashboard itself ------------------------------------------------------------------------------------

    def _deliver(self) -> None:
        self._plan(Command(Act.DELIVER, deliver=not self._screen.situation.delivering))

    def _hold(self) -> None:
        if self._screen.situation.held:
            self._plan(Command(Act.RESUME))
        else:
            self._control(Act.PAUSE)

    def _control(self, act: Act) -> None:
        def ended(command: Command | None) -> None:
            if command is not None:
                self._plan(command, back=lambda: self._control(act))

        self._app.push_screen(ControlDialog(act), ended)

    def _pace(self, steps: int) -> None:
        seconds = self._app.poller.change_pace(steps)
        self._screen.say(Status(f"A look every {seconds:g} s", Tone.ACCENT))

    def _log(self) -> None:
        read_only = self._screen.situation.read_only
        self._app.push_screen(ReadingDialog("Log", lambda width: log_text(read_only=read_only)))

    def _mood(self) -> None:
        demo = self._app.demo
        if demo is None:
            return
        choices = [Choice(name, name, note, key) for key, name, note in demo.moods]

        def chosen(name: str | None) -> None:
            if name is not None:
                self._app.run_worker(demo.set_mood(name), group="mood", exclusive=True, exit_on_error=False)
                self._screen.say(Status(f"Matomo is now: {name}", Tone.ACCENT))

        self._app.push_screen(ChoiceDialog("How shall the demo's Matomo behave?", choices, current=demo.mood()), chosen)

    def _pause(self) -> None:
        self._app.poller.toggle()
        paused = self._app.poller.paused
        said = "Frozen: the figures stand still. Space goes on." if paused else ""
        self._screen.say(Status(said, Tone.WARN, lasts=True))
        if self._screen.snapshot is not None:
            self._screen.show(self._screen.snapshot)

    def _theme(self) -> None:
        self._app.theme = LIGHT.name if self._app.theme == DARK.name else DARK.name

    def _help(self) -> None:
        self._app.push_screen(ReadingDialog("Keys", lambda width: help_text(self._screen.situation, width)))


def _subject(request: RequestRow) -> str:
    """The request in one line, so that a glance tells whether it is the right one."""
    what = f"{safe_text(request.kind, 10)} {safe_text(request.label, 120)}"
    return f"{what}\nsite {safe_text(request.site, 12)}, id {safe_text(request.id, 20)}"
