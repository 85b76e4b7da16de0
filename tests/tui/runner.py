"""Runs the dashboard on a stand-in engine, for tests in a real terminal: ``python -m tests.tui.runner STATE LOG``.

LOG gets a line for each thing that tests want to know: started, stopped, and every plan that was run.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from msgspec.structs import replace

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.settings.config_file import read_config
from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.snapshot.wanted import NEWEST, Wanted
from opalmind_tui.tui.app import OpalmindApp
from opalmind_tui.tui.remapping import read_preferences
from opalmind_tui.tui.run import run_dashboard
from tests.tui.engine import FakeEngine
from tests.tui.fixtures import STATES, healthy
from tests.tui.hostile import poisoned, poisoned_plan

SECRET = "s3cret-t0ken"


class Turning(FakeEngine):
    """Gives another poisoned snapshot at each look, so that every payload comes to every place."""

    turn = 0

    async def take_snapshot(self, wanted: Wanted = NEWEST) -> Snapshot:
        await super().take_snapshot(wanted)
        self.turn += 1
        state = list(STATES)[self.turn % len(STATES)]
        return poisoned(STATES[state](), self.turn * 11)


class Worse(FakeEngine):
    """Well at first; then it gets worse, better, and worse again within seconds."""

    looks = 0

    async def take_snapshot(self, wanted: Wanted = NEWEST) -> Snapshot:
        await super().take_snapshot(wanted)
        self.looks += 1
        snapshot = STATES["outage" if self.looks in (3, 4) or self.looks > 6 else "healthy"]()
        return replace(snapshot, taken_at=snapshot.taken_at + self.looks)


class Crashing(FakeEngine):
    """Its plans are of a type that nobody expects."""

    async def take_snapshot(self, wanted: Wanted = NEWEST) -> Snapshot:
        token = SECRET
        assert token
        return None if len(self.rows) else await super().take_snapshot(wanted)  # type: ignore[return-value]


def main(state: str, log: str) -> int:
    """Open the dashboard; the exit code is the dashboard's."""
    notes: list[str] = []
    engine: FakeEngine

    def write() -> None:
        Path(log).write_text("".join(f"{note}\n" for note in notes))

    async def started() -> None:
        if state == "refused":
            raise StoreUnavailable("refused", "Nobody listens at \x1b[35mnowhere", "Start a server")
        notes.append("started")
        write()

    async def stopped() -> None:
        notes.extend(f"ran {plan.title}" for plan in engine.ran)
        notes.append("stopped")
        write()

    if state == "refused":
        engine = FakeEngine(healthy())
    elif state == "hostile":
        engine = Turning(healthy(), poisoned_plan)
    elif state == "worse":
        engine = Worse(healthy())
    elif state == "crash":
        engine = Crashing(healthy())
    else:
        engine = FakeEngine(STATES[state]())
    if state == "degraded":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    preferences = read_preferences(read_config())
    app = OpalmindApp(engine, interval=0.2, preferences=preferences, on_start=started, on_stop=stopped)
    return run_dashboard(app)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
