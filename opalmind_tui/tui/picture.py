"""One picture of the dashboard, drawn without a terminal."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from opalmind_tui.engine.port import EnginePort
from opalmind_tui.tui.app import OpalmindApp

_NEVER = 3600.0
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
        drawn = app.export_screenshot(title="opalmind-tui")
        app.exit()

    await app.run_async(headless=True, size=size, auto_pilot=look)
    return drawn


async def _settled(pilot: Pilot[Any]) -> None:
    for _ in range(_ROUNDS):
        await pilot.pause()
        await pilot.app.workers.wait_for_complete()
    await pilot.pause()
