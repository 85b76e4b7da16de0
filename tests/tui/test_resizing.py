"""A terminal that changes its size: what is in view suits it at once, also where no snapshot comes any more."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from opalmind_tui.tui.bars import KeyBar
from opalmind_tui.tui.frame import Frame
from opalmind_tui.tui.line_view import LineView
from tests.tui.engine import FakeEngine
from tests.tui.entry_fixtures import ENTRIES, cached
from tests.tui.fixtures import backlog, healthy
from tests.tui.support import dashboard, opened, screen_text, settled
from tests.tui.trail import long_trail

TALL, LOW = (120, 50), (120, 24)


async def as_if_drawn_now(pilot: Pilot[Any]) -> str:
    for view in pilot.app.screen.query(LineView):
        view.redraw()
    await settled(pilot)
    return screen_text(pilot)


def engine_of(place: str) -> FakeEngine:
    engine = FakeEngine(cached(healthy()) if place == "3" else backlog())
    engine.trail = long_trail(200)
    engine.entries = tuple(replace(ENTRIES[0], key=f"{ENTRIES[0].key}{number}") for number in range(200))
    return engine


@pytest.mark.parametrize("place", ["1", "2", "3", "7"])
async def test_a_list_keeps_its_cursor_in_view(place: str) -> None:
    engine = engine_of(place)
    async with opened(engine.snapshot, engine=engine, size=TALL) as (pilot, _):
        await pilot.press(place, *(["enter"] if place == "3" else []))
        await settled(pilot)
        await pilot.press(*["down"] * 38)
        for size in (LOW, TALL, LOW):
            await settled(pilot)
            await pilot.resize_terminal(*size)
            await settled(pilot)
            shown = screen_text(pilot)
            assert "▸" in shown
            assert shown == await as_if_drawn_now(pilot)
            await pilot.press("end")


async def test_a_terminal_that_is_too_small_shows_nothing_but_that() -> None:
    async with opened(healthy(), size=(120, 40)) as (pilot, _):
        await pilot.press("2", "1")
        await settled(pilot)
        await pilot.resize_terminal(40, 12)
        await settled(pilot)
        assert "needs at least" in screen_text(pilot)
        assert "QUEUE" not in screen_text(pilot)
        await pilot.resize_terminal(120, 40)
        await settled(pilot)
        assert "needs at least" not in screen_text(pilot)
        assert "QUEUE" in screen_text(pilot)


async def test_the_first_paint_has_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual paints a size before it tells it."""
    first: list[list[Any]] = []
    layout = Frame._refresh_layout

    def laid_out(self: Frame, *arguments: Any, **named: Any) -> None:
        layout(self, *arguments, **named)
        first.append(self.query_one(KeyBar)._lines)

    monkeypatch.setattr(Frame, "_refresh_layout", laid_out)
    async with dashboard(FakeEngine(healthy())).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
    assert first[0]
