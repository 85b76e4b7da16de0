"""`demo`: a real local server, a stand-in Matomo over real HTTP, traffic, and the dashboard on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from opalmind_tui.cli.logs import log_to_file
from opalmind_tui.cli.options import WithSettings, mouse_option
from opalmind_tui.cli.recording import recorder
from opalmind_tui.reports.features import BY_NAME, snake
from opalmind_tui.tracking.lines import CALLS

if TYPE_CHECKING:
    from opalmind_tui.demo.world import DemoWorld
    from opalmind_tui.engine.engine import Engine
    from opalmind_tui.snapshot.commands import Command, Outcome, Plan, Progress
    from opalmind_tui.snapshot.entries import EntryPart
    from opalmind_tui.snapshot.findings import Diagnosis
    from opalmind_tui.snapshot.listing import RequestDetail
    from opalmind_tui.snapshot.model import Snapshot, TtlPreview


@click.command(cls=WithSettings)
@mouse_option
@click.option("--record", metavar="FILE", help="Write all that is seen to a new file, for `replay`.")
def demo(mouse: bool | None, record: str | None) -> int:
    """Show the dashboard on a world of its own: nothing on the screen is invented.

    Starts a local server, a stand-in for Matomo and traffic. Keys switch the stand-in's behaviour. Everything ends, and
    is removed, with the dashboard.
    """
    from opalmind_tui.cli.preferences import preferences_of
    from opalmind_tui.demo.world import DemoWorld
    from opalmind_tui.tui.app import OpalmindApp
    from opalmind_tui.tui.run import run_dashboard

    preferences = preferences_of(mouse=mouse)
    log_to_file()
    world = DemoWorld()
    engine = DemoEngine(world)
    with recorder(record) as kept:
        return run_dashboard(
            OpalmindApp(
                engine, demo=world.stand_in, preferences=preferences, on_start=engine.start, on_stop=engine.stop,
                recorder=kept,
            )
        )  # fmt: skip


class DemoEngine:
    """The engine of the demo: its settings exist only when its world does, so it is made at the start."""

    def __init__(self, world: DemoWorld) -> None:
        self._world = world
        self._engine: Engine | None = None
        self._traffic: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the world, the engine on it, and the traffic."""
        from opalmind_tui.engine.engine import Engine

        settings = await self._world.start()
        self._engine = Engine(settings, role="dashboard", deliver=True)
        # The demo's requests are for a Matomo that ends with it.
        self._engine.leave_behind()
        await self._engine.start()
        self._traffic = asyncio.create_task(self._world.traffic(self._track, self._report).run(), name="traffic")

    async def _track(self, kind: str, /, **fields: Any) -> object:
        request = CALLS[kind](fields, default_site_id=self._started.settings.matomo_default_site_id)
        return await self._started.offer([request])

    async def _report(self, name: str, /, **params: Any) -> object:
        report = getattr(self._started.reports, snake(BY_NAME[name].function))
        return await report(**{snake(field): value for field, value in params.items()})

    async def stop(self) -> None:
        """End it all, the traffic first."""
        if self._traffic is not None:
            self._traffic.cancel()
            with suppress(asyncio.CancelledError):
                await self._traffic
        if self._engine is not None:
            await self._engine.stop()
        await self._world.stop()

    async def take_snapshot(self, **wanted: Any) -> Snapshot:
        """As `EnginePort`; the screen's identity names the stand-in's mood."""
        snapshot = await self._started.take_snapshot(**wanted)
        return replace(snapshot, identity=replace(snapshot.identity, demo=self._world.stand_in.mood()))

    async def ttl_preview(self, feature: str, seconds: float | None = None) -> TtlPreview:
        """As `EnginePort`."""
        return await self._started.ttl_preview(feature, seconds)

    async def request_detail(self, request_id: str, *, reveal: bool = False, start: int = 0) -> RequestDetail | None:
        """As `EnginePort`."""
        return await self._started.request_detail(request_id, reveal=reveal, start=start)

    async def entry_part(self, key: str, start: int = 0) -> EntryPart | None:
        """As `EnginePort`."""
        return await self._started.entry_part(key, start)

    def switch_count(self) -> None:
        """As `EnginePort`."""
        self._started.switch_count()

    async def summary(self) -> str:
        """As `EnginePort`."""
        return await self._started.summary()

    async def diagnose(self) -> Diagnosis:
        """As `EnginePort`."""
        return await self._started.diagnose()

    async def plan(self, command: Command) -> Plan:
        """As `EnginePort`."""
        return await self._started.plan(command)

    async def run(self, plan: Plan, on_progress: Callable[[Progress], None] | None = None) -> Outcome:
        """As `EnginePort`."""
        return await self._started.run(plan, on_progress)

    def leave_behind(self) -> None:
        """As `EnginePort`; what the demo holds is never kept."""

    @property
    def _started(self) -> Engine:
        if self._engine is None:
            raise RuntimeError("the demo has not been started")
        return self._engine
