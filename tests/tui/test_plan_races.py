"""A plan under fast fingers: what is typed ahead, what leaves meanwhile, what must be typed, what goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Button, Checkbox

from opalmind_tui.snapshot.commands import Act, Command, Outcome, Plan, Progress
from opalmind_tui.snapshot.model import Reading
from opalmind_tui.tui.dialogs import arming, plan
from opalmind_tui.tui.dialogs.plan import PlanDialog
from opalmind_tui.tui.frame import Frame
from tests.tui.cases import confirm, press
from tests.tui.engine import FakeEngine, plain_plan
from tests.tui.fixtures import NOW, ROWS, healthy
from tests.tui.support import opened, refreshed, screen_text, settled


@pytest.fixture
def _armed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arming, "ARM_AFTER", 0.001)


async def armed(pilot: Pilot[Any]) -> None:
    assert isinstance(pilot.app.screen, PlanDialog)
    while pilot.app.screen._armed_at > 1e300:
        await pilot.pause(0.01)


async def test_keys_typed_ahead_never_confirm() -> None:
    async with opened(healthy()) as (pilot, engine):
        for key in ("R", "tab", "enter", "tab", "enter"):
            pilot.app.post_message(Key(key, key if len(key) == 1 else None))
        await settled(pilot)
        assert engine.ran == []


@pytest.mark.usefixtures("_armed_at_once")
async def test_a_key_pressed_before_it_could_be_read_but_handled_after_does_not_confirm() -> None:
    async with opened(healthy()) as (pilot, engine):
        early = [Key("enter", None) for _ in range(2)]
        await press(pilot, "R")
        await armed(pilot)
        await press(pilot, "tab")
        for key in early:
            pilot.app.post_message(key)
        await settled(pilot)
        assert engine.ran == []
        assert isinstance(pilot.app.screen, PlanDialog)
        await press(pilot, "enter")
        assert len(engine.ran) == 1


async def test_the_time_of_a_former_plan_does_not_arm_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arming, "ARM_AFTER", 0.2)
    async with opened(healthy()) as (pilot, engine):
        await press(pilot, "d")
        window = pilot.app.screen
        assert isinstance(window, PlanDialog)
        monkeypatch.setattr(arming, "ARM_AFTER", 3600.0)
        window.query_one("#hard", Checkbox).toggle()
        await settled(pilot)
        assert [one.hard for one in engine.planned] == [False, True]
        await pilot.pause(0.4)
        assert window.query_one("#confirm", Button).disabled


@pytest.mark.usefixtures("_armed_at_once")
async def test_a_plan_acts_on_what_was_under_the_cursor_whatever_comes_there() -> None:
    async with opened(healthy()) as (pilot, engine):
        await press(pilot, "r")
        await refreshed(pilot, engine, replace(healthy(), requests=Reading(ROWS[1:], NOW)))
        await confirm(pilot)
        assert [one.command.ids for one in engine.ran] == [(ROWS[0].id,)]
        await press(pilot, "r")
        assert isinstance(pilot.app.screen, Frame), "what has left is not acted on, nor what slipped under the cursor"
        assert len(engine.planned) == 1


async def test_a_look_through_a_long_list_says_how_far_it_is_and_ends_with_the_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plan, "LOOK_SHOWN_EVERY", 0.0)
    go_on, ended = asyncio.Event(), asyncio.Event()

    async def look(on_progress: Callable[[Progress], None]) -> None:
        try:
            on_progress(Progress(120_000, 500_000))
            await go_on.wait()
        finally:
            ended.set()

    engine = FakeEngine(healthy())
    engine.look = look
    async with opened(engine.snapshot, engine=engine) as (pilot, _):
        await pilot.press("R")
        async with asyncio.timeout(20):
            while "looked at 120,000 of 500,000" not in screen_text(pilot):
                await pilot.pause(0.01)
        await pilot.press("escape")
        await asyncio.wait_for(ended.wait(), 20)
        await settled(pilot)
        assert isinstance(pilot.app.screen, Frame)
        go_on.set()
        await press(pilot, "R")
        assert "looked at" not in screen_text(pilot)
        assert len(engine.planned) == 2
        assert engine.ran == []


def many(command: Command) -> Plan:
    return replace(plain_plan(command), eligible=1_234)


@pytest.mark.usefixtures("_armed_at_once")
async def test_above_a_limit_the_count_must_be_typed() -> None:
    engine = FakeEngine(healthy(), many)
    async with opened(engine.snapshot, engine=engine) as (pilot, _):
        await press(pilot, "R")
        await armed(pilot)
        assert "Type 1234 to confirm" in screen_text(pilot)
        assert pilot.app.focused.id == "cancel"
        await press(pilot, "tab", *"1243", "enter")
        assert engine.ran == []
        assert pilot.app.screen.query_one("#confirm").disabled
        await press(pilot, *["backspace"] * 2, *"34", "enter")
        assert [one.command for one in engine.ran] == [Command(Act.RETRY, all_dead=True)]


@pytest.mark.usefixtures("_armed_at_once")
@pytest.mark.parametrize(("type_above", "typed"), [(1_233, True), (1_234, False)])
async def test_that_limit_is_a_setting(type_above: int, typed: bool) -> None:
    engine = FakeEngine(healthy(), many)
    async with opened(engine.snapshot, engine=engine) as (pilot, _):
        pilot.app.type_above = type_above
        await press(pilot, "R")
        await armed(pilot)
        assert ("Type 1234 to confirm" in screen_text(pilot)) is typed
        assert pilot.app.screen.query_one("#confirm").disabled is typed


async def test_it_says_how_much_it_is_and_how_long_it_takes() -> None:
    engine = FakeEngine(healthy(), lambda command: replace(plain_plan(command), bytes=52_100, seconds=1_260.0))
    async with opened(engine.snapshot, engine=engine) as (pilot, _):
        await press(pilot, "R")
        assert "They hold 52,100 bytes." in screen_text(pilot)
        assert "within about 21 min." in screen_text(pilot)


class Breaking(FakeEngine):
    """Loses its store after the first of two requests, once."""

    async def run(self, plan: Plan, on_progress: Callable[[Progress], None] | None = None) -> Outcome:
        self.ran.append(plan)
        await asyncio.sleep(0)
        if len(self.ran) == 1:
            return Outcome("1 due again, stopped", 1, 0, 1, "Redis does not answer", position=1)
        return Outcome("1 due again", 1, position=2)


@pytest.mark.usefixtures("_armed_at_once")
async def test_what_a_lost_connection_stopped_goes_on_from_there() -> None:
    engine = Breaking(healthy())
    async with opened(engine.snapshot, engine=engine) as (pilot, _):
        await press(pilot, "2", "x", "x", "r")
        await armed(pilot)
        await press(pilot, "tab", "enter")
        assert "1 done, 0 skipped, 1 left" in screen_text(pilot)
        assert pilot.app.focused.id == "cancel"
        await armed(pilot)
        await press(pilot, "tab", "enter")
        assert [one.position for one in engine.ran] == [0, 1]
        assert "2 in all" in screen_text(pilot)


@pytest.mark.usefixtures("_armed_at_once")
async def test_what_was_typed_while_it_ran_does_not_go_on_with_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Breaking(healthy())
    async with opened(engine.snapshot, engine=engine) as (pilot, _):
        await press(pilot, "2", "x", "x", "r")
        await armed(pilot)
        monkeypatch.setattr(arming, "ARM_AFTER", 3600.0)
        await press(pilot, "tab", "enter")
        assert "1 done, 0 skipped, 1 left" in screen_text(pilot)
        await press(pilot, "tab", "enter")
        assert len(engine.ran) == 1
