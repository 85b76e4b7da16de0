"""One picture of the dashboard, drawn without a terminal."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from opalmind_tui.engine.port import EnginePort
from opalmind_tui.tui.app import OpalmindApp

_NEVER = 3600.0
_MOST_LOOKS = 50
_ROUNDS = 3
"""A look may ask for another one, as where a list turns out longer than was asked for."""


async def picture(engine: EnginePort, size: tuple[int, int], place: str) -> str:
    """An SVG of a place as it is now.

    Args:
        engine: started, and stopped by the caller.
        size: columns and rows.
    """
    app = OpalmindApp(engine, interval=_NEVER)
    drawn = ""

    async def look(pilot: Pilot[Any]) -> None:
        nonlocal drawn
        await _settled(pilot)
        await app.frame.go(place)
        await _settled(pilot)
        await _filled(app, pilot)
        drawn = app.export_screenshot(title="opalmind-tui")
        app.exit()

    await app.run_async(headless=True, size=size, auto_pilot=look)
    return drawn


async def _filled(app: OpalmindApp, pilot: Pilot[Any]) -> None:
    """Look on while a list is still gone through, as the cache's entries are."""
    seen = -1
    for _ in range(_MOST_LOOKS):
        snapshot = app.frame.snapshot
        found = snapshot.entries.value if snapshot is not None and snapshot.entries is not None else None
        if found is None or found.done or found.examined == seen:
            return
        seen = found.examined
        app.poller.look()
        await _settled(pilot)


async def _settled(pilot: Pilot[Any]) -> None:
    for _ in range(_ROUNDS):
        await pilot.pause()
        await pilot.app.workers.wait_for_complete()
    await pilot.pause()
