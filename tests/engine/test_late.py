"""An engine that is built at its start."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from opalmind_tui.engine.engine import Engine
from opalmind_tui.engine.late import LateEngine
from opalmind_tui.errors import SettingsError
from opalmind_tui.settings import load_settings
from opalmind_tui.snapshot.model import Mode
from opalmind_tui.snapshot.wanted import Wanted
from opalmind_tui.storage.local_server import LocalServer

BEFORE_THE_FIRST_PAINT = """
import sys
import opalmind_tui.cli.dashboard, opalmind_tui.tui.app, opalmind_tui.tui.run, opalmind_tui.tui.places.overview
heavy = {
    "redis", "httpx", "pydantic", "h11", "sortedcontainers", "opalmind_tui.engine.engine",
    "opalmind_tui.recording.tape", "opalmind_tui.tui.dialogs.window", "opalmind_tui.tui.operator",
}
print(*sorted(heavy & set(sys.modules)))
"""
BEFORE_THE_FIRST_FIGURES = """
import asyncio, os, sys
from opalmind_tui.engine.engine import Engine
from opalmind_tui.settings import load_settings
from opalmind_tui.tracking.redis_queue.scripts import LIBRARIES
later = {
    "httpx", "opalmind_tui.engine.acts", "opalmind_tui.engine.finding.likeness",
    "opalmind_tui.engine.finding.entry_walk", "opalmind_tui.reports.values",
    "opalmind_tui.reports.preview.predict", "opalmind_tui.tracking.saved",
}

async def main():
    engine = Engine(load_settings(os.environ), role="dashboard")
    await engine.connect()
    assert (await engine.take_snapshot()).queue.value is not None
    print(*sorted(later & set(sys.modules)))
    made = engine._stores.shared._scripts._made
    print(len(made) <= 3)
    await engine.work()
    # The end writes by it, and scripts may be wanted, when the files of the program are others already.
    print("opalmind_tui.tracking.saved" in sys.modules, set(made) == set(LIBRARIES))
    await engine.stop()

asyncio.run(main())
"""


def run(code: str, **environment: str) -> list[str]:
    """What a fresh interpreter prints, by lines."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


async def test_what_is_asked_before_it_is_there_waits(server: LocalServer) -> None:
    settings = load_settings({"REDIS_URL": server.url})
    late = LateEngine(lambda: Engine(settings, role="dashboard"))
    late.switch_count()
    late.leave_behind()
    asked = asyncio.create_task(late.take_snapshot(Wanted()))
    await asyncio.sleep(0)
    assert not asked.done()
    await late.start()
    try:
        assert (await asked).store.mode is Mode.REDIS
        await late.work()
        assert (await late.diagnose()).findings is not None
        assert late.lost == 0
    finally:
        await late.stop()


async def test_what_the_maker_raises_comes_from_the_start() -> None:
    def make() -> Engine:
        raise SettingsError("REDIS_URL", "x", "y")

    late = LateEngine(make)
    with pytest.raises(SettingsError):
        await late.start()
    await late.work()
    await late.stop()


def test_nothing_heavy_is_loaded_before_the_first_paint() -> None:
    assert run(BEFORE_THE_FIRST_PAINT) == [""]


def test_nothing_rare_is_loaded_before_the_first_figures(server: LocalServer) -> None:
    assert run(BEFORE_THE_FIRST_FIGURES, REDIS_URL=server.url) == ["", "True", "True True"]
