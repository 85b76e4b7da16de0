"""The dashboard on a stand-in engine, and what tests need to drive it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from opalmind_tui.recording.opening import Recording
from opalmind_tui.recording.recorder import Recorder
from opalmind_tui.recording.replay import Replay
from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.tui.app import OpalmindApp
from opalmind_tui.tui.dialogs.arming import ArmedDialog
from opalmind_tui.tui.dialogs.plan import PlanDialog
from opalmind_tui.tui.lines import Line
from opalmind_tui.tui.themes import DARK
from tests.tui.engine import FakeDemo, FakeEngine

NEVER = 3600.0
"""An interval after which nothing comes by itself while a test runs."""


def dashboard(engine: FakeEngine, *, demo: FakeDemo | None = None, theme: str = DARK.name) -> OpalmindApp:
    """An app whose refresh happens only when it is asked for."""
    app = OpalmindApp(engine, demo=demo, interval=NEVER)
    app.theme = theme
    return app


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until the workers have ended and everything was drawn. No timing decides."""
    for _ in range(3):
        await pilot.pause()
        await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def armed(pilot: Pilot[Any]) -> None:
    """Wait until what a window asks can be confirmed; one that asks nothing stays as it is."""
    window = pilot.app.screen
    if isinstance(window, ArmedDialog) and not (isinstance(window, PlanDialog) and window._plan is None):
        async with asyncio.timeout(20):
            while not window.armed:
                await pilot.pause(0.01)


async def refreshed(pilot: Pilot[Any], engine: FakeEngine, snapshot: Snapshot) -> None:
    """Let the dashboard take a newer snapshot."""
    engine.snapshot = snapshot
    pilot.app.poller.look()
    await settled(pilot)


def recording(*snapshots: Snapshot) -> Recording:
    """Snapshots as a file has them, opened."""
    recorder = Recorder("0.1.0")
    for snapshot in snapshots:
        recorder.take(snapshot)
    return Recording(recorder.contents())


@asynccontextmanager
async def replayed(*snapshots: Snapshot, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[Any]]:
    """A dashboard that shows a recording."""
    engine = Replay(recording(*snapshots))
    async with OpalmindApp(engine, interval=NEVER, playback=engine.playback).run_test(size=size) as pilot:
        await settled(pilot)
        yield pilot


@asynccontextmanager
async def opened(
    snapshot: Snapshot,
    *,
    size: tuple[int, int] = (80, 24),
    demo: FakeDemo | None = None,
    engine: FakeEngine | None = None,
) -> AsyncIterator[tuple[Pilot[Any], FakeEngine]]:
    """A dashboard that shows a snapshot."""
    engine = engine or FakeEngine(snapshot)
    async with dashboard(engine, demo=demo).run_test(size=size, notifications=True) as pilot:
        await settled(pilot)
        yield pilot, engine


def words(lines: list[Line]) -> str:
    """Lines as plain text."""
    return "\n".join("".join(span.text for span in line) for line in lines)


def screen_text(pilot: Pilot[Any]) -> str:
    """What the screen shows, without colours."""
    screen = pilot.app.screen
    return "\n".join("".join(segment.text for segment in strip) for strip in screen._compositor.render_strips())
