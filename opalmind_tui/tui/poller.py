"""Asks the engine for snapshots, one at a time; the next look is armed when the last one has finished."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual.message import Message
from textual.worker import Worker, WorkerState

from opalmind_tui.engine.port import EnginePort
from opalmind_tui.snapshot.model import Snapshot

if TYPE_CHECKING:
    from textual.app import App

    from opalmind_tui.snapshot.wanted import Wanted

GROUP = "poll"
_SHORTEST = 0.1
PACES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds between two looks that can be chosen."""
_GIVE_WAY = 2.0
"""Times as long as a look took the server is left alone at the least: one that is slow is not asked all the time."""
_MOST_REST = 10.0
_PATIENCE = 3.0
"""Intervals without an answer after which the screen says so."""


class SnapshotTaken(Message):
    """A newer snapshot. One that still waits is replaced by it."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, SnapshotTaken)


class Poller:
    """The refresh.

    Args:
        app: posts the messages and runs the worker.
        engine: what is asked.
        interval: seconds from one look to the next.
        wanted: what the place in view needs.
        failed: told why a look failed, or what keeps it waiting; an empty text when one succeeded again.
    """

    def __init__(
        self,
        app: App[int],
        engine: EnginePort,
        interval: float,
        *,
        wanted: Callable[[], Wanted],
        failed: Callable[[str], None],
    ) -> None:
        self._app, self._engine, self._interval = app, engine, interval
        self._wanted, self._failed = wanted, failed
        self._timer: asyncio.TimerHandle | None = None
        self._began = 0.0
        self._looking = self._again = self._chosen = False
        self.paused = False

    def look(self) -> None:
        """Take a snapshot now, or as soon as the one under way is there."""
        if self._looking:
            self._again = True
            return
        self._disarm()
        self._again = False
        self._looking, self._began = True, asyncio.get_running_loop().time()
        self._app.run_worker(self._once(), group=GROUP, exclusive=True, exit_on_error=False)

    def toggle(self) -> None:
        """Pause, or go on with a look at once."""
        self.paused = not self.paused
        if self.paused:
            self._disarm()
        else:
            self.look()

    def change_pace(self, steps: int) -> float:
        """Look less (positive) or more often; returns the seconds between two looks from now on."""
        at = min(range(len(PACES)), key=lambda number: abs(PACES[number] - self._interval))
        self._interval = PACES[max(0, min(len(PACES) - 1, at + steps))]
        self._chosen = True
        if not self.paused:
            self.look()
        return self._interval

    def finished(self, worker: Worker[object]) -> None:
        """Arm the next look. The app calls this when a worker of the group has ended."""
        self._looking = False
        if worker.state is WorkerState.ERROR:
            self._failed(f"The engine did not answer: {worker.error}")
        elif worker.state is WorkerState.SUCCESS:
            self._failed("")
        if self._again and self._app.is_running:
            self.look()
        elif not self.paused and self._app.is_running:
            spent = asyncio.get_running_loop().time() - self._began
            rest = max(_SHORTEST, self._interval - spent, min(_GIVE_WAY * spent, _MOST_REST))
            self._timer = asyncio.get_running_loop().call_later(rest, self._due)

    def watch(self) -> None:
        """Say so when a look takes long. Called once in a while by the app."""
        waited = asyncio.get_running_loop().time() - self._began
        if self._looking and waited > _PATIENCE * self._interval:
            self._failed(f"No answer from the engine for {waited:.0f} s; the figures are that old.")

    async def _once(self) -> None:
        snapshot = await self._engine.take_snapshot(self._wanted())
        if self._chosen:
            # What is old by the pace of the start is not by one that was chosen since.
            snapshot = replace(snapshot, interval=self._interval)
        self._app.post_message(SnapshotTaken(snapshot))

    def _due(self) -> None:
        if self._app.is_running:
            self.look()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
