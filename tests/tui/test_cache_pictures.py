"""Pictures of the Cache place: the table, the entries of a report, a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opalmind_tui.tui.themes import DARK, LIGHT
from tests.tui.engine import FakeEngine
from tests.tui.entry_fixtures import cached
from tests.tui.fixtures import healthy
from tests.tui.support import dashboard, settled

VIEWS = {
    "table": ("3", "down", "down"),
    "entries": ("3", "enter"),
    "value": ("3", "enter", "down", "down", "enter", "down", "down", "down"),
}


def compare(snap_compare: Callable[..., bool], view: str, size: tuple[int, int], theme: str = DARK.name) -> None:
    async def run_before(pilot: Any) -> None:
        await settled(pilot)
        for key in VIEWS[view]:
            await pilot.press(key)
            await settled(pilot)

    app = dashboard(FakeEngine(cached(healthy())), theme=theme)
    assert snap_compare(app, terminal_size=size, run_before=run_before)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
@pytest.mark.parametrize("view", VIEWS)
def test_view(snap_compare: Callable[..., bool], view: str, size: tuple[int, int]) -> None:
    compare(snap_compare, view, size)


@pytest.mark.parametrize("size", [(60, 20), (200, 60)], ids=["60x20", "200x60"])
def test_table(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    compare(snap_compare, "table", size)


def test_light(snap_compare: Callable[..., bool]) -> None:
    compare(snap_compare, "table", (80, 24), LIGHT.name)
