"""A recording in the dashboard: its keys, what it shows of each place, and that nothing can be done in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from opalmind_tui.recording import replay
from opalmind_tui.snapshot.model import Reading, Snapshot
from opalmind_tui.tui.actions import ACTIONS, BY_ID, RECORDED, exists
from opalmind_tui.tui.dialogs.jump import JumpDialog
from opalmind_tui.tui.frame import Frame
from tests.tui.fixtures import NOW, ROWS, healthy, outage
from tests.tui.listings import listing
from tests.tui.support import replayed, screen_text, settled
from tests.tui.test_actions import press

Case = Callable[[Pilot[Any]], Awaitable[None]]
CASES: dict[str, Case] = {}


def case(function: Case) -> Case:
    CASES[function.__name__] = function
    return function


def film(number: int = 120, make: Callable[[], Snapshot] = healthy) -> list[Snapshot]:
    """So many seconds."""
    return [replace(make(), taken_at=NOW + second, cause=f"Second {second}.") for second in range(number)]


def at(pilot: Pilot[Any]) -> int:
    """The number of the snapshot in view, as the screen says."""
    shown = screen_text(pilot)
    return int(shown.split("Second ")[1].split(".")[0])


@case
async def play(pilot: Pilot[Any]) -> None:
    await press(pilot, "space")
    playback = pilot.app.replaying.playback
    assert "PLAYS 1x" in screen_text(pilot)
    assert playback.advance(5.5)
    pilot.app.replaying._show()
    await settled(pilot)
    assert at(pilot) >= 5
    await press(pilot, "space")
    assert "REPLAY 1x" in screen_text(pilot)


@case
async def step_on(pilot: Pilot[Any]) -> None:
    await press(pilot, *["full_stop"] * 3)
    assert at(pilot) == 3
    assert "REPLAY 1x 00:03/01:59" in screen_text(pilot)


@case
async def step_back(pilot: Pilot[Any]) -> None:
    await press(pilot, "full_stop", "full_stop", "comma")
    assert at(pilot) == 1
    await press(pilot, "comma", "comma")
    assert at(pilot) == 0


@case
async def quicker(pilot: Pilot[Any]) -> None:
    await press(pilot, "plus", "plus")
    assert "REPLAY 5x" in screen_text(pilot)


@case
async def calmer(pilot: Pilot[Any]) -> None:
    await press(pilot, *["minus"] * 9)
    assert "REPLAY 0.25x" in screen_text(pilot)


@case
async def jump(pilot: Pilot[Any]) -> None:
    await press(pilot, "J", *"sometime", "enter")
    assert isinstance(pilot.app.screen, JumpDialog)
    assert "✗ accepted are" in screen_text(pilot)
    await press(pilot, "escape", "J", *"02:31:30", "enter")
    assert isinstance(pilot.app.screen, Frame)
    assert at(pilot) == 23


@pytest.mark.parametrize("wanted", [action.id for action in ACTIONS if action.only == "replay"])
async def test_key(wanted: str) -> None:
    async with replayed(*film()) as pilot:
        await CASES[wanted](pilot)


VISITED = {"overview", "queue"}
REFUSED = [
    action.id
    for action in ACTIONS
    if (action.changes or action.live) and not action.demo_only and (not action.places or VISITED & {*action.places})
]


async def test_everything_else_says_why_it_cannot_be_taken() -> None:
    async with replayed(*film(3, outage), size=(120, 40)) as pilot:
        for wanted in REFUSED:
            action = BY_ID[wanted]
            await press(pilot, "2" if action.places and "overview" not in action.places else "1", action.keys[0])
            assert exists(action, pilot.app.frame.situation), wanted
            assert RECORDED in screen_text(pilot), wanted
            assert isinstance(pilot.app.screen, Frame), wanted
            pilot.app.frame.say(type(pilot.app.frame._lasting)())
            pilot.app.operator.do(wanted)
            await settled(pilot)
            assert isinstance(pilot.app.screen, Frame), wanted
        keys = screen_text(pilot).splitlines()[-3:-1]
        assert "Retry" not in " ".join(keys)
        assert "spc Play" in " ".join(keys)


async def test_looking_goes_on_as_ever() -> None:
    async with replayed(*film(3)) as pilot:
        await press(pilot, "enter")
        assert not isinstance(pilot.app.screen, Frame)
        assert "Not recorded" in screen_text(pilot)
        assert ROWS[0].id in screen_text(pilot)
        await press(pilot, "escape", "question_mark")
        assert "Play the recording" in screen_text(pilot) or "not now: This is a recording" in screen_text(pilot)
        await press(pilot, "escape", "5")
        assert "web-1.internal" in screen_text(pilot)


async def test_the_queue_shows_the_list_that_was_recorded_or_says_that_none_was() -> None:
    from opalmind_tui.snapshot.listing import ListView, Tab

    first, second, third = film(3)
    seen = listing(ROWS, ListView(Tab.FAILED, first=1, rows=2))
    second = replace(second, listing=Reading(replace(seen, total=900, matched=900, kept=900), NOW))
    third = replace(third, requests=Reading(None, NOW, "gone"))
    async with replayed(first, second, third) as pilot:
        await press(pilot, "2")
        assert "order-8812" in screen_text(pilot) or "Goal 7" in screen_text(pilot), "the overview's rows serve"
        await press(pilot, "full_stop")
        assert "1–2 of 2" in screen_text(pilot)
        await press(pilot, "full_stop")
        assert "Not recorded" in screen_text(pilot)
        await press(pilot, "shift+tab")
        assert replay.NO_GROUPS[:12] in screen_text(pilot)


async def test_quitting_asks_nothing_even_where_requests_lived_only_in_memory() -> None:
    snapshot = healthy()
    async with replayed(replace(snapshot, store=replace(snapshot.store, only_here=7))) as pilot:
        await pilot.press("q")
        await pilot.pause()
        assert pilot.app.return_code == 0


async def test_a_replay_is_not_recorded_again() -> None:
    async with replayed(*film(3)) as pilot:
        await press(pilot, "full_stop")
        assert pilot.app.recorder.tape.frames == 0
