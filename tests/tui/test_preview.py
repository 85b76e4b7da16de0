"""What the dialog for times to live says of a time before anybody sets it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Static

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.text import cells
from opalmind_tui.tui.panels.preview import preview_lines
from tests.tui import fixtures
from tests.tui.engine import plain_preview
from tests.tui.support import opened, settled


def preview(pilot: Pilot[Any]) -> str:
    """The preview in view."""
    return str(pilot.app.screen.query_one("#preview", Static).render())


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys and wait for what follows."""
    await pilot.press(*keys)
    await settled(pilot)


async def test_it_follows_what_is_typed_and_chosen() -> None:
    async with opened(fixtures.healthy()) as (pilot, engine):
        await press(pilot, "t")
        assert "At 60 s: hit rate about 60 %" in preview(pilot)
        await press(pilot, "tab", "5", "m")
        assert "At 5 min: hit rate about 88 % ± 3 points" in preview(pilot)
        assert "today: 62 %" in preview(pilot)
        assert engine.previewed[-1] == ("", 300.0)
        await press(pilot, "shift+tab", "down")
        assert not pilot.app.screen.query_one("#preview").display, "sent keys have no hit rate"
        await press(pilot, "down")
        assert engine.previewed[-1] == ("getEvents", 300.0)
        assert "At 5 min" in preview(pilot)


async def test_what_is_usual_is_said_for_reports_and_for_sent_keys() -> None:
    async with opened(fixtures.healthy()) as (pilot, _):
        await press(pilot, "t")
        said = pilot.app.screen.query_one("#usual", Static)
        assert "30s 1m real-time; 2m 5m moderate; 10m 15m batch" in str(said.render())
        await press(pilot, "down")
        assert "1h 6h short retries; 1d a day; 2d 3d long outages" in str(said.render())


async def test_nothing_is_asked_for_half_a_number() -> None:
    async with opened(fixtures.healthy()) as (pilot, engine):
        await press(pilot, "t", "tab")
        before = len(engine.previewed)
        await press(pilot, "1", "2", "0", "0")
        assert engine.previewed[before:] == [("", 1200.0)]


async def test_trouble_is_said_in_its_place() -> None:
    async with opened(fixtures.healthy()) as (pilot, engine):
        engine.preview_trouble = StoreUnavailable("timeout", "Redis \x1b[31m does not answer", "Wait")
        await press(pilot, "t")
        assert "No preview: Redis" in preview(pilot)
        assert "\x1b" not in preview(pilot)


def test_entries_that_would_go_at_once_are_named() -> None:
    known = plain_preview()
    shorter = replace(known, proposed=replace(known.candidates[0], expiring=34))
    assert any("about 34 entries too old at once" in line for line in preview_lines(shorter))


def test_too_little_is_said_and_no_line_is_too_long() -> None:
    known = plain_preview()
    nothing = replace(known, proposed=known.candidates[-1])
    assert "not enough data" in preview_lines(nothing)[0]
    wide = replace(
        known,
        proposed=replace(known.candidates[0], requests_per_hour=9e6, memory=9e11, expiring=9_999_999),
        present=replace(known.present, requests_per_hour=9e6, memory=9e11),
    )
    for shown in (known, nothing, wide):
        assert all(cells(line) <= 66 for line in preview_lines(shown)), preview_lines(shown)
