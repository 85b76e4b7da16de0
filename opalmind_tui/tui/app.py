"""The app: owns the poller and the operator, and gives the terminal back whatever happens."""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Event, Paste
from textual.filter import LineFilter
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from opalmind_tui import __version__, exits
from opalmind_tui.engine.port import DemoPort, EnginePort
from opalmind_tui.errors import OpalmindError, StoreUnavailable
from opalmind_tui.recording.recorder import Recorder
from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.text import safe_block
from opalmind_tui.tui import clipboard, figures
from opalmind_tui.tui.actions import ACTIONS, exists, why_not
from opalmind_tui.tui.bars import Status
from opalmind_tui.tui.bell import BellRinger
from opalmind_tui.tui.driver import LoopDriver
from opalmind_tui.tui.frame import Frame
from opalmind_tui.tui.lines import Tone
from opalmind_tui.tui.no_colour import NoColour
from opalmind_tui.tui.operating.leaving import leave
from opalmind_tui.tui.poller import GROUP, Poller, SnapshotTaken
from opalmind_tui.tui.remapping import Preferences
from opalmind_tui.tui.themes import DARK, THEMES, Colours
from opalmind_tui.tui.typed import pasted

if TYPE_CHECKING:
    from opalmind_tui.recording.playback import Playback
    from opalmind_tui.tui.dialogs.window import Dialog
    from opalmind_tui.tui.operator import Operator
    from opalmind_tui.tui.replaying import Replaying

Hook = Callable[[], Awaitable[None]]
_WATCH = 1.0
_SEEN_WITHIN = 2.0
"""Seconds after which the engine's work begins also without a first snapshot."""
_NO_COLOUR = NoColour()
_OPERATOR = "opalmind_tui.tui.operator"
_WINDOWS = Path(__file__).resolve().with_name("windows.tcss")


async def _nothing() -> None:
    """The hook of a caller that needs none."""


class OpalmindApp(App[int]):
    """The dashboard.

    Args:
        engine: what is shown and acted on.
        demo: the demo's stand-in, whose moods then have a key.
        interval: seconds between two snapshots.
        preferences: keys and look that the operator chose.
        on_start: awaited in the app's loop after the first paint, before the first snapshot.
        on_seen: awaited in the app's loop when the first snapshot is on the screen, or did not come soon.
        on_stop: awaited in the app's loop after the terminal was given back, also after a crash.
        recorder: keeps what is seen; None for one that keeps it in memory.
        playback: the engine is a recording, of which this says what is in view.
        type_above: how many requests or entries a plan may touch without its count being typed.
    """

    CSS_PATH = "look.tcss"
    TITLE = "opalmind"
    # The palette's key is one of the table, not one that Textual takes before it.
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        engine: EnginePort,
        *,
        demo: DemoPort | None = None,
        interval: float = 1.0,
        preferences: Preferences | None = None,
        on_start: Hook = _nothing,
        on_seen: Hook = _nothing,
        on_stop: Hook = _nothing,
        recorder: Recorder | None = None,
        playback: Playback | None = None,
        type_above: int = 100,
    ) -> None:
        self.preferences = preferences or Preferences()
        if not os.environ.get("NO_COLOR"):
            os.environ.pop("NO_COLOR", None)  # empty means nothing; Textual would take it for a wish
        super().__init__()
        self.use_command_palette = True
        self.engine, self.demo, self.type_above = engine, demo, type_above
        self.on_start, self.on_seen, self.on_stop = on_start, on_seen, on_stop
        self._seen = False
        self.recorder = recorder or Recorder(__version__)
        self.frame = Frame(self.preferences.keymap)
        self.poller = Poller(self, engine, interval, wanted=lambda: self.frame.wanted, failed=self._poll_failed)
        self._poll_trouble = self._recording_trouble = ""
        self.replaying = self._replay(playback) if playback is not None else None
        self.bell_ringer = BellRinger(self.bell, wanted=self.preferences.ui.bell)
        figures.show_times_in(self.preferences.ui.time)
        for themes in THEMES.values():
            for theme in themes.values():
                self.register_theme(theme)
        self.look = self.preferences.ui.theme
        self._colours = Colours.MANY
        self.dress(Colours.NONE if self.no_color else Colours.MANY)

    def dress(self, colours: Colours | None = None, *, look: str = "") -> None:
        """Show another theme, or the same for a terminal with so many colours."""
        self._colours, self.look = colours or self._colours, look or self.look
        self.set_class(self._colours is Colours.SIXTEEN, "-sixteen")
        self.theme = THEMES[self._colours][self.look].name

    def dress_windows(self) -> None:
        """Read the look of the windows, once. It is not needed to see something, and reading it takes a while."""
        if not self.stylesheet.has_source(str(_WINDOWS)):
            self.stylesheet.read(_WINDOWS)
            self.stylesheet.update(self)

    def get_driver_class(self) -> type[Driver]:
        """Our own, where Textual would take the one that ours is made of."""
        chosen = super().get_driver_class()
        return LoopDriver if chosen is LinuxDriver else chosen

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own variables, for themes that do not know them."""
        return DARK.variables

    def refresh_css(self, animate: bool = True) -> None:
        """The colours of a theme that was chosen before there is a screen: the style sheet, not parsed yet, is parsed
        with them once. Textual would parse it for them, forget it, and parse it again."""
        if self.frame.is_attached:
            super().refresh_css(animate)
            return
        self.stylesheet.set_variables(self.get_css_variables())
        self.stylesheet.update(self, animate=animate)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """With NO_COLOR no colour at all goes out; Textual would send greys."""
        return (_NO_COLOUR,) if self.no_color else super().get_line_filters()

    def get_default_screen(self) -> Screen[object]:
        """The frame is the screen under all dialogs."""
        self.frame.measure(self.size)
        return self.frame  # type: ignore[return-value]

    @cached_property
    def operator(self) -> Operator:
        """Does what keys say. It brings all windows: loaded when the first frame is there, or by the first key."""
        from opalmind_tui.tui.operator import Operator

        self.dress_windows()
        return Operator(self)

    def _replay(self, playback: Playback) -> Replaying:
        from opalmind_tui.tui.replaying import Replaying

        return Replaying(self, playback)

    @property
    def badge(self) -> str:
        """What the clock is to be read with."""
        if self.replaying is not None:
            return self.replaying.badge
        return "FROZEN" if self.poller.paused else ""

    def on_mount(self) -> None:
        self.set_interval(_WATCH, self._watch)

    def on_ready(self) -> None:
        """The first frame is on the screen."""
        self.run_worker(self._begin(), group="start")

    async def _begin(self) -> None:
        """Start the caller's engine after the first paint."""
        if await self._done(self.on_start):
            if self.replaying is not None:
                self.replaying.begin()
            self.poller.look()
            self.set_timer(_SEEN_WITHIN, self._go_on)

    async def _done(self, hook: Hook) -> bool:
        """Do what the caller wants; where that cannot be, say why and end."""
        try:
            await hook()
        except OpalmindError as error:
            code = exits.CANNOT_TELL if isinstance(error, StoreUnavailable) else exits.UNUSABLE
            self.exit(code, return_code=code, message=Text(safe_block(str(error))))
            return False
        return True

    def _go_on(self) -> None:
        if not self._seen:
            self._seen = True
            self.run_worker(self._bring_operator(), group="start")
            self.run_worker(self._done(self.on_seen), group="start")

    async def _bring_operator(self) -> None:
        """Have what the first key needs."""
        await asyncio.to_thread(import_module, _OPERATOR)
        self.dress_windows()

    def end(self) -> None:
        """Leave without a question. What lives only in memory is saved."""
        self.exit(exits.OK, return_code=exits.OK)

    async def on_event(self, event: Event) -> None:
        """What is pasted may be a stranger's: fields show what they hold as it is."""
        if isinstance(event, Paste) and not event.is_forwarded:
            event = Paste(pasted(event.text))
        await super().on_event(event)

    def leave(self) -> None:
        """Quit, as asked; where requests live only here, ask how."""
        leave(self)

    def copy(self, text: str) -> bool:
        """Put a text on the terminal's clipboard; false where it is too long. Whether it arrived cannot be told."""
        written = clipboard.sequence(text, os.environ)
        if written and self._driver is not None:
            self._clipboard = text
            self._driver.write(written)
        return bool(written)

    async def action_quit(self) -> None:
        """ctrl+q where nothing else takes it."""
        self.leave()

    def _watch(self) -> None:
        """Once a second: does the engine answer, and can what is seen be kept?"""
        self.poller.watch()
        if self.recorder.trouble != self._recording_trouble:
            self._recording_trouble = self.recorder.trouble
            self.frame.say(Status(self._recording_trouble, Tone.FAIL, lasts=True))

    # -- refresh -------------------------------------------------------------------------------------------------

    def on_snapshot_taken(self, message: SnapshotTaken) -> None:
        self._show(message.snapshot)
        # After the paint: the first to be kept costs as much as a paint.
        self.call_after_refresh(self._keep, message.snapshot)

    def _keep(self, snapshot: Snapshot) -> None:
        if self.replaying is None:
            self.recorder.take(snapshot)
            self.bell_ringer.hear(snapshot)
        self._go_on()

    def redraw(self) -> None:
        """Draw the newest snapshot again, because it is shown another way now."""
        if self.frame.snapshot is not None:
            self._show(self.frame.snapshot)

    def _show(self, snapshot: Snapshot) -> None:
        if self.frame.is_mounted:
            self.frame.show(snapshot)
        for window in self._windows():
            window.show(snapshot)

    def _windows(self) -> list[Dialog[Any]]:
        """Those of ours that are open. While there are none, nothing is loaded for them."""
        if len(self.screen_stack) == 1:
            return []
        from opalmind_tui.tui.dialogs.window import Dialog

        return [screen for screen in self.screen_stack if isinstance(screen, Dialog)]

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        worker = event.worker
        if event.state in (WorkerState.SUCCESS, WorkerState.ERROR, WorkerState.CANCELLED) and worker.group == GROUP:
            self.poller.finished(worker)
        elif event.state is WorkerState.ERROR:
            self.frame.say(Status(f"{worker.group}: {worker.error}", Tone.FAIL, lasts=True))

    def _poll_failed(self, trouble: str) -> None:
        if trouble != self._poll_trouble:
            self._poll_trouble = trouble
            self.frame.say(Status(trouble, Tone.FAIL, lasts=True))

    # -- palette -------------------------------------------------------------------------------------------------

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette offers: the actions of the table that can be taken now."""
        now = self.operator.situation_on(screen)
        for action in ACTIONS:
            if exists(action, now) and not why_not(action, now) and action.group != "Move" and action.id != "palette":
                sign = now.keymap.sign(action)
                yield SystemCommand(f"{action.label_in(now.place)} ({sign})", action.help, self._doer(action.id))

    def _doer(self, wanted: str) -> Callable[[], None]:
        return lambda: self.operator.do(wanted)

    def action_help_quit(self) -> None:
        """ctrl+c where nothing else takes it: leave, as fingers expect."""
        self.leave()

    # -- crashes -------------------------------------------------------------------------------------------------

    def _fatal_error(self) -> None:
        """A crash report without local variables (they may hold secrets) and without controls in it."""
        self.bell()
        report = "".join(traceback.format_exception(self._exception)) if self._exception else traceback.format_exc()
        self._exit_renderables.append(Text(safe_block(report)))
        self._close_messages_no_wait()
