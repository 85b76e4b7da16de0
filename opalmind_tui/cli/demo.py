"""`demo`: a real local server, a stand-in Matomo over real HTTP, traffic, and the dashboard on it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from opalmind_tui.cli.logs import log_to_file
from opalmind_tui.cli.options import WithSettings, mouse_option
from opalmind_tui.cli.recording import recorder
from opalmind_tui.collecting import collect_later, kept_after
from opalmind_tui.engine.late import LateEngine
from opalmind_tui.reports.features import BY_NAME, snake
from opalmind_tui.snapshot.wanted import NEWEST, Wanted
from opalmind_tui.tracking.lines import CALLS

if TYPE_CHECKING:
    from opalmind_tui.demo.world import DemoWorld
    from opalmind_tui.engine.engine import Engine
    from opalmind_tui.settings import Settings
    from opalmind_tui.snapshot.model import Snapshot


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

    collect_later()
    preferences = preferences_of(mouse=mouse)
    log_to_file()
    world = DemoWorld()
    engine = DemoEngine(world)
    with recorder(record) as kept:
        return run_dashboard(
            OpalmindApp(
                engine, demo=world.stand_in, preferences=preferences, on_start=engine.start,
                on_seen=kept_after(engine.work), on_stop=engine.stop, recorder=kept,
            )
        )  # fmt: skip


class DemoEngine(LateEngine):
    """The engine of the demo: its settings exist only when its world does."""

    def __init__(self, world: DemoWorld) -> None:
        super().__init__(self._made)
        self._world = world
        self._settings: Settings | None = None
        self._traffic: asyncio.Task[None] | None = None

    def _made(self) -> Engine:
        from opalmind_tui.engine.engine import Engine

        assert self._settings is not None
        engine = Engine(self._settings, role="dashboard", deliver=True)
        # The demo's requests are for a Matomo that ends with it.
        engine.leave_behind()
        return engine

    async def start(self) -> None:
        """Start the world, the engine on it, and the traffic."""
        self._settings = await self._world.start()
        await super().start()
        self._traffic = asyncio.create_task(self._world.traffic(self._track, self._report).run(), name="traffic")

    async def _track(self, kind: str, /, **fields: Any) -> object:
        engine = await self._there()
        request = CALLS[kind](fields, default_site_id=engine.settings.matomo_default_site_id)
        return await engine.offer([request])

    async def _report(self, name: str, /, **params: Any) -> object:
        report = getattr((await self._there()).reports, snake(BY_NAME[name].function))
        return await report(**{snake(field): value for field, value in params.items()})

    async def stop(self) -> None:
        """End it all, the traffic first; whatever fails on the way, nothing of it stays behind."""
        async with AsyncExitStack() as ends:
            ends.push_async_callback(self._world.stop)
            ends.push_async_callback(super().stop)
            if self._traffic is not None:
                self._traffic.cancel()
                with suppress(asyncio.CancelledError):
                    await self._traffic

    async def take_snapshot(self, wanted: Wanted = NEWEST) -> Snapshot:
        """As `EnginePort`; the screen's identity names the stand-in's mood."""
        snapshot = await super().take_snapshot(wanted)
        return replace(snapshot, identity=replace(snapshot.identity, demo=self._world.stand_in.mood()))

    def leave_behind(self) -> None:
        """As `EnginePort`; what the demo holds is never kept."""
