"""What the dashboard's start brings in which order."""

from __future__ import annotations

import asyncio

import pytest

from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.snapshot.wanted import NEWEST, Wanted
from opalmind_tui.tui import app as app_module
from opalmind_tui.tui.app import OpalmindApp
from tests.tui.engine import FakeEngine
from tests.tui.fixtures import healthy


class Silent(FakeEngine):
    """Its first answer never comes."""

    async def take_snapshot(self, wanted: Wanted = NEWEST) -> Snapshot:
        await asyncio.Event().wait()
        raise AssertionError


async def test_the_work_begins_behind_the_first_figures_and_once() -> None:
    order: list[str] = []

    async def started() -> None:
        order.append("started")

    async def seen() -> None:
        shown = app.frame.snapshot is not None
        order.append(f"seen, figures {shown}")

    app = OpalmindApp(FakeEngine(healthy()), interval=0.05, on_start=started, on_seen=seen)
    async with app.run_test() as pilot, asyncio.timeout(20):
        while len(order) < 2 or app.engine.rows[3:] == []:  # type: ignore[attr-defined]
            await pilot.pause(0.01)
    assert order == ["started", "seen, figures True"]


async def test_the_work_begins_also_where_no_figures_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "_SEEN_WITHIN", 0.05)
    begun = asyncio.Event()

    async def seen() -> None:
        begun.set()

    app = OpalmindApp(Silent(healthy()), on_seen=seen)
    async with app.run_test(), asyncio.timeout(20):
        await begun.wait()
        assert app.frame.snapshot is None
