"""A recording plays in the dashboard: the clock of it, its badge in the header, and its keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from opalmind_tui.recording.playback import Playback
from opalmind_tui.tui.bars import Status
from opalmind_tui.tui.dialogs.jump import JumpDialog
from opalmind_tui.tui.figures import stamp
from opalmind_tui.tui.lines import Tone

if TYPE_CHECKING:
    from opalmind_tui.snapshot.wanted import Wanted
    from opalmind_tui.tui.app import OpalmindApp

TICK = 0.1
"""Seconds between two looks at the clock while it plays."""


class Replaying:
    """Lets the recording go on while it plays.

    Args:
        app: looks anew when another snapshot is in view.
        playback: which one that is.
    """

    def __init__(self, app: OpalmindApp, playback: Playback) -> None:
        self._app, self.playback = app, playback
        self._asked: tuple[int, Wanted] | None = None
        app.poller.paused = True

    def begin(self) -> None:
        """Start the clock, and say what is shown."""
        self._app.set_interval(TICK, self._tick)
        first, number = stamp(self.playback.moments[0]), len(self.playback.moments)
        key = self._app.preferences.keymap.opening("play", "space")
        said = f"{number:,} snapshot{'' if number == 1 else 's'} from {first}. {key} plays."
        self._app.frame.say(Status(said, Tone.ACCENT))

    @property
    def badge(self) -> str:
        """Whether it plays, how fast, and how far it is."""
        playback = self.playback
        word = "PLAYS" if playback.playing else "REPLAY"
        return f"{word} {playback.speed:g}x {_time(playback.elapsed)}/{_time(playback.length)}"

    def lacks(self, wanted: Wanted) -> bool:
        """Whether a look may bring what is not at hand: another one for the same would bring the same."""
        asked, self._asked = self._asked, (self.playback.number, wanted)
        return asked != self._asked

    def toggle(self) -> None:
        """Play, or pause."""
        self.playback.toggle()
        self._show()

    def step(self, steps: int) -> None:
        """Pause, and go on, or back."""
        self.playback.step(steps)
        self._show()

    def change_speed(self, steps: int) -> None:
        """Play faster or slower."""
        self.playback.change_speed(steps)
        self._show()

    def jump(self) -> None:
        """Ask for a time, and go there."""

        def chosen(done: bool | None) -> None:
            if done:
                self._show()

        self._app.push_screen(JumpDialog(self.playback), chosen)

    def _tick(self) -> None:
        if self.playback.playing and self.playback.advance(TICK):
            self._show()

    def _show(self) -> None:
        self._app.poller.look()


def replay_handlers(app: OpalmindApp) -> dict[str, Callable[[], None]]:
    """What the keys of a replay do."""

    def with_replay(do: Callable[[Replaying], None]) -> Callable[[], None]:
        def done() -> None:
            if app.replaying is not None:
                do(app.replaying)

        return done

    return {
        "play": with_replay(Replaying.toggle),
        "step_back": with_replay(lambda replaying: replaying.step(-1)),
        "step_on": with_replay(lambda replaying: replaying.step(1)),
        "calmer": with_replay(lambda replaying: replaying.change_speed(-1)),
        "quicker": with_replay(lambda replaying: replaying.change_speed(1)),
        "jump": with_replay(Replaying.jump),
    }


def _time(seconds: float) -> str:
    """``12:05``, ``1:12:05``."""
    whole = int(seconds)
    minutes = f"{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{whole // 3600}:{minutes}" if whole >= 3600 else minutes
