"""Pictures of the overview and of every dialog. Make them anew with `pytest tests/tui --snapshot-update`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opalmind_tui.tui.dialogs import arming
from opalmind_tui.tui.themes import CONTRAST, DARK, DARK_16, LIGHT, THEMES
from tests.tui.engine import FakeDemo, FakeEngine
from tests.tui.fixtures import STATES
from tests.tui.history_fixtures import incident
from tests.tui.support import armed, dashboard, settled

SMALL, MIDDLE, LARGE = (80, 24), (120, 40), (200, 60)
Compare = Callable[..., bool]


def compare(
    snap_compare: Compare, state: str, size: tuple[int, int], *press: str, theme: str = DARK.name, demo: bool = False
) -> None:
    """Draw a state, press some keys, compare."""

    async def run_before(pilot: Any) -> None:
        await settled(pilot)
        for key in press:
            await pilot.press(key)
            await settled(pilot)
            await armed(pilot)

    app = dashboard(
        FakeEngine({**STATES, "incident": incident}[state]()), theme=theme, demo=FakeDemo() if demo else None
    )
    for themes in THEMES.values():
        for one in themes.values():
            app.register_theme(one)
    app.theme = theme
    assert snap_compare(app, terminal_size=size, run_before=run_before)


@pytest.fixture(autouse=True)
def _armed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture must not depend on how fast it was taken."""
    monkeypatch.setattr(arming, "ARM_AFTER", 0.001)


@pytest.mark.parametrize("size", [SMALL, MIDDLE], ids=["80x24", "120x40"])
@pytest.mark.parametrize("state", STATES)
def test_state(snap_compare: Compare, state: str, size: tuple[int, int]) -> None:
    compare(snap_compare, state, size)


@pytest.mark.parametrize("state", ["healthy", "backlog", "outage", "degraded"])
def test_large(snap_compare: Compare, state: str) -> None:
    compare(snap_compare, state, LARGE)


@pytest.mark.parametrize(
    ("state", "size"), [("healthy", SMALL), ("degraded", SMALL), ("outage", MIDDLE), ("backlog", LARGE)]
)
def test_light(snap_compare: Compare, state: str, size: tuple[int, int]) -> None:
    compare(snap_compare, state, size, theme=LIGHT.name)


@pytest.mark.parametrize("state", ["healthy", "degraded"])
def test_smallest(snap_compare: Compare, state: str) -> None:
    compare(snap_compare, state, (60, 20))


@pytest.mark.parametrize("size", [(59, 24), (80, 19), (20, 5)], ids=["59x24", "80x19", "20x5"])
def test_too_small(snap_compare: Compare, size: tuple[int, int]) -> None:
    compare(snap_compare, "healthy", size)


@pytest.mark.parametrize("tabs", [1, 2, 3], ids=["features", "health", "trends"])
def test_section_at_80x24(snap_compare: Compare, tabs: int) -> None:
    compare(snap_compare, "healthy", SMALL, *["tab"] * tabs)


DIALOGS = {
    "help": ("question_mark",),
    "plan-one": ("r",),
    "plan-all": ("D",),
    "detail": ("enter",),
    "pause": ("P", "5", "tab", *"Matomo is being upgraded"),
    "limit": ("L", "x", "enter"),
    "cache": ("c",),
    "later": ("2", "w"),
    "reveal": ("enter", "e"),
    "hand-over": ("H",),
    "ttl": ("t",),
    "ttl-error": ("t", "tab", "x", "tab", "space"),
}


@pytest.mark.parametrize("size", [SMALL, MIDDLE], ids=["80x24", "120x40"])
@pytest.mark.parametrize("dialog", DIALOGS)
def test_dialog(snap_compare: Compare, dialog: str, size: tuple[int, int]) -> None:
    compare(snap_compare, "healthy", size, *DIALOGS[dialog])


PLACES = {
    "queue": ("healthy", "2"),
    "marked": ("healthy", "2", "x", "down", "x"),
    "filter": ("healthy", "2", "slash", *"site:9"),
    "groups": ("healthy", "2", "shift+tab"),
    "fleet": ("healthy", "5"),
    "redis": ("healthy", "4"),
    "redis-keys": ("healthy", "4", "tab"),
    "doctor": ("healthy", "6"),
    "audit": ("healthy", "7"),
    "history": ("incident", "8", "tab"),
}


@pytest.mark.parametrize("size", [(60, 20), SMALL, MIDDLE], ids=["60x20", "80x24", "120x40"])
@pytest.mark.parametrize("place", PLACES)
def test_place(snap_compare: Compare, place: str, size: tuple[int, int]) -> None:
    state, *keys = PLACES[place]
    compare(snap_compare, state, size, *keys)


WHOLE = ["queue", "groups", "redis", "fleet", "doctor", "audit", "history"]
"""Every place, but the overview and the cache, which have pictures of their own."""


@pytest.mark.parametrize("place", WHOLE)
def test_place_large(snap_compare: Compare, place: str) -> None:
    state, *keys = PLACES[place]
    compare(snap_compare, state, LARGE, *keys)


@pytest.mark.parametrize("place", WHOLE)
def test_place_light(snap_compare: Compare, place: str) -> None:
    state, *keys = PLACES[place]
    compare(snap_compare, state, SMALL, *keys, theme=LIGHT.name)


@pytest.mark.parametrize("size", [SMALL, MIDDLE], ids=["80x24", "120x40"])
def test_leaving(snap_compare: Compare, size: tuple[int, int]) -> None:
    compare(snap_compare, "degraded", size, "q")


@pytest.mark.parametrize(
    ("theme", "state", "keys"),
    [(CONTRAST.name, "degraded", ""), (CONTRAST.name, "outage", "R"), (DARK_16.name, "outage", "")],
    ids=["contrast", "contrast-plan", "16-colours"],
)
def test_few_colours(snap_compare: Compare, theme: str, state: str, keys: str) -> None:
    compare(snap_compare, state, SMALL, *keys, theme=theme)


def test_dialog_light(snap_compare: Compare) -> None:
    compare(snap_compare, "healthy", SMALL, "R", theme=LIGHT.name)


def test_degraded_stays_in_view_under_a_dialog(snap_compare: Compare) -> None:
    compare(snap_compare, "degraded", SMALL, "t")


def test_mood(snap_compare: Compare) -> None:
    compare(snap_compare, "demo", SMALL, "m", demo=True)


def test_read_only_refuses(snap_compare: Compare) -> None:
    compare(snap_compare, "estimated", SMALL, "t")


def test_paused(snap_compare: Compare) -> None:
    compare(snap_compare, "healthy", SMALL, "space")
