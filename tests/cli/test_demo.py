"""The demo in a pseudo-terminal, from the first paint to the end, leaving nothing behind."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from opalmind_tui.cli.demo import DemoEngine
from tests.cli.program import command
from tests.drive_demo import delivered, drive


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 40)])
def test_the_demo_delivers_and_leaves_nothing(
    columns: int, lines: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "t"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    shown = drive(command("demo"), columns, lines)
    assert delivered(shown) > 0
    # The server's socket and data lie there while it runs.
    assert list(folder.iterdir()) == []


async def test_a_demo_whose_traffic_fails_leaves_nothing_either() -> None:
    ended = []

    async def fail() -> None:
        raise ZeroDivisionError

    async def end() -> None:
        ended.append("world")

    world: Any = SimpleNamespace(stop=end)
    engine = DemoEngine(world)
    engine._traffic = asyncio.create_task(fail())
    await asyncio.sleep(0)
    with pytest.raises(ZeroDivisionError):
        await engine.stop()
    assert ended == ["world"]
