"""Does what a key asks for: one handler for each action of the table."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar

from textual.screen import Screen

from opalmind_tui.snapshot.commands import Act, Command, Outcome
from opalmind_tui.text import safe_text
from opalmind_tui.tui import figures
from opalmind_tui.tui.actions import BY_ID, DOORS, exists, why_not
from opalmind_tui.tui.bars import Status
from opalmind_tui.tui.cache_keys import CacheKeys
from opalmind_tui.tui.dialogs.choice import Choice, ChoiceDialog
from opalmind_tui.tui.dialogs.control import ControlDialog
from opalmind_tui.tui.dialogs.hand_over import HandOverDialog
from opalmind_tui.tui.dialogs.log import log_text
from opalmind_tui.tui.dialogs.plan import PlanDialog
from opalmind_tui.tui.dialogs.reading import ReadingDialog
from opalmind_tui.tui.dialogs.window import Dialog
from opalmind_tui.tui.lines import Tone
from opalmind_tui.tui.operating.requests import RequestKeys
from opalmind_tui.tui.places.cache import CachePlace
from opalmind_tui.tui.places.doctor import DoctorPlace
from opalmind_tui.tui.places.place import Place
from opalmind_tui.tui.places.redis import RedisPlace
from opalmind_tui.tui.replaying import replay_handlers
from opalmind_tui.tui.saving import save_recording
from opalmind_tui.tui.situation import Situation
from opalmind_tui.tui.themes import following

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
        self.app = app
        self.handlers: dict[str, Callable[[], None]] = {
            **{door.id: partial(self._go, door.id) for door in DOORS},
            **CacheKeys(app, self.plan).handlers,
            "back": self._back,
            **RequestKeys(self).handlers,
            "sort": lambda: self._screen.place.sort(),
            "open": lambda: self.at(CachePlace, CachePlace.open),
            "undo": lambda: self.plan(Command(Act.UNDO)),
            "cure": self._cure,
            "copy": self._copy,
            "examine": lambda: self.at(DoctorPlace, DoctorPlace.look),
            "walk": lambda: self.at(CachePlace, CachePlace.look),
            "count": lambda: self.at(RedisPlace, RedisPlace.count),
            "deliver": self._deliver,
            "test_token": lambda: self.plan(Command(Act.TEST_TOKEN)),
            "hand_over": self._hand_over,
            "log": self._log,
            "slower": lambda: self._pace(1),
            "faster": lambda: self._pace(-1),
            "hold": self._hold,
            "limit": lambda: self._control(Act.LIMIT),
            "mood": self._mood,
            "pause": self._pause,
            "save": partial(save_recording, app),
            **replay_handlers(app),
            "next": lambda: self._screen.place.step(1),
            "previous": lambda: self._screen.place.step(-1),
            "up": lambda: self._screen.place.move(-1),
            "down": lambda: self._screen.place.move(1),
            "page_up": lambda: self._screen.place.move(-1, pages=True),
            "page_down": lambda: self._screen.place.move(1, pages=True),
            "home": lambda: self._screen.place.move(-1_000_000),
            "end": lambda: self._screen.place.move(1_000_000),
            "theme": self._theme,
            "zone": self._zone,
            "palette": app.action_command_palette,
            "suspend": app.action_suspend_process,
            "help": self._help,
            "quit": app.leave,
        }

    @property
    def _screen(self) -> Frame:
        return self.app.frame

    @property
    def situation(self) -> Situation:
        """What decides which actions can be taken now."""
        return self.situation_on(self.app.screen)

    def situation_on(self, screen: Screen[object]) -> Situation:
        """That of a window that has actions of the table, else of the place."""
        return (screen.situation if isinstance(screen, Dialog) else None) or self._screen.situation

    def say(self, status: Status) -> None:
        """Say something where it is seen: in the window on top, if it can, else in the place's bar."""
        screen = self.app.screen
        if not (isinstance(screen, Dialog) and screen.say(status)):
            self._screen.say(status)

    def do(self, wanted: str) -> None:
        """Take an action, or say why it cannot be taken now."""
        action, now = BY_ID[wanted], self.situation
        if not exists(action, now):
            return
        if reason := why_not(action, now):
            self.refuse(reason)
        else:
            self.handlers[wanted]()

    def refuse(self, reason: str) -> None:
        """Say why not, politely: in the status line, or where that is too short, in a notification."""
        screen = self.app.screen
        if isinstance(screen, Dialog) and screen.say(Status(reason, Tone.WARN)):
            return
        if self._screen.has_room_for(reason):
            self.app.clear_notifications()
            self._screen.say(Status(reason, Tone.WARN))
        else:
            self._notify(reason, "warning")

    def _back(self) -> None:
        if not self._screen.place.clear():
            self._go("overview")

    def at(self, kind: type[P], do: Callable[[P], None]) -> None:
        """Let a place do something, where it is in view."""
        place = self._screen.place
        if isinstance(place, kind):
            do(place)

    def _go(self, place: str) -> None:
        self.app.run_worker(self._screen.go(place), group="go", exclusive=True)

    def plan(
        self,
        command: Command,
        subject: str = "",
        back: Callable[[], None] | None = None,
        done: Callable[[], None] | None = None,
    ) -> None:
        """Show the plan; `back` is where a cancelled one returns to, `done` is called after it was all carried out."""

        def ended(outcome: Outcome | None) -> None:
            if outcome is not None:
                self._report(outcome)
                if done is not None and not (outcome.error or outcome.failed or outcome.cancelled):
                    done()
            elif back is not None:
                back()

        window = PlanDialog(self.app.engine, command, subject, type_above=self.app.type_above)
        self.app.push_screen(window, ended)

    def _report(self, outcome: Outcome) -> None:
        failed = bool(outcome.error or outcome.failed)
        tone = Tone.FAIL if failed else Tone.WARN if outcome.cancelled else Tone.OK
        self.say(Status(outcome.sentence, tone))
        if not self._screen.has_room_for(outcome.sentence):
            # The status line stays, but has only the beginning.
            self._notify(outcome.sentence, "error" if failed else "information")
        self._screen.place.acted()
        self.app.poller.look()

    def _notify(self, sentence: str, severity: Severity) -> None:
        self.app.clear_notifications()
        self.app.notify(safe_text(sentence, _NOTICE), severity=severity, markup=False, timeout=4)

    # -- findings ------------------------------------------------------------------------------------------------

    def _cure(self) -> None:
        finding = self._screen.situation.finding
        if finding is not None and finding.action is not None:
            self.plan(finding.action, safe_text(finding.title))

    def _copy(self) -> None:
        finding = self._screen.situation.finding
        if finding is not None:
            copied = self.app.copy(finding.command)
            # Which one: a newer look may have put another under the cursor.
            said = f"Copied: {finding.command}" if copied else "It is too long to copy."
            self._screen.say(Status(said, Tone.OK if copied else Tone.WARN))

    # -- the dashboard itself ------------------------------------------------------------------------------------

    def _deliver(self) -> None:
        self.plan(Command(Act.DELIVER, deliver=not self._screen.situation.delivering))

    def _hold(self) -> None:
        if self._screen.situation.held:
            self.plan(Command(Act.RESUME))
        else:
            self._control(Act.PAUSE)

    def _control(self, act: Act) -> None:
        def ended(command: Command | None) -> None:
            if command is not None:
                self.plan(command, back=lambda: self._control(act))

        self.app.push_screen(ControlDialog(act), ended)

    def _pace(self, steps: int) -> None:
        seconds = self.app.poller.change_pace(steps)
        self._screen.say(Status(f"A look every {seconds:g} s", Tone.ACCENT))

    def _hand_over(self) -> None:
        from opalmind_tui.engine.summarising import save_summary

        # Before the first look it is not known whether this dashboard may write.
        unknown = self._screen.snapshot is None
        save = None if unknown or self._screen.situation.read_only else save_summary
        self.app.push_screen(HandOverDialog(self.app.engine, self.app.copy, save))

    def _log(self) -> None:
        read_only = self._screen.situation.read_only
        self.app.push_screen(ReadingDialog("Log", lambda width: log_text(read_only=read_only)))

    def _mood(self) -> None:
        demo = self.app.demo
        if demo is None:
            return
        choices = [Choice(name, name, note, key) for key, name, note in demo.moods]

        def chosen(name: str | None) -> None:
            if name is not None:
                self.app.run_worker(demo.set_mood(name), group="mood", exclusive=True, exit_on_error=False)
                self._screen.say(Status(f"Matomo is now: {name}", Tone.ACCENT))

        self.app.push_screen(ChoiceDialog("How shall the demo's Matomo behave?", choices, current=demo.mood()), chosen)

    def _pause(self) -> None:
        self.app.poller.toggle()
        paused = self.app.poller.paused
        key = self._screen.situation.keymap.opening("pause", "space")
        said = f"Frozen. {key} goes on." if paused else ""
        self._screen.say(Status(said, Tone.WARN, lasts=True))
        self.app.redraw()

    def _theme(self) -> None:
        if self.app.no_color:
            self.refuse("NO_COLOR is set: there are no colours to change.")
            return
        self.app.dress(look=following(self.app.look))
        self._screen.say(Status(f"Theme: {self.app.look}", Tone.ACCENT))

    def _zone(self) -> None:
        zone = "utc" if figures.zone() == "local" else "local"
        figures.show_times_in(zone)
        self._screen.say(Status(f"Times are {'local' if zone == 'local' else 'UTC'} now.", Tone.ACCENT))
        self.app.redraw()

    def _help(self) -> None:
        from opalmind_tui.tui.help import help_text, help_title

        # As it was when the key was pressed: the page must not move under who reads it.
        now = self.situation
        self.app.push_screen(ReadingDialog(help_title(now), lambda width: help_text(now, width)))
