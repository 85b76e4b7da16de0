"""A live list under keys that change things: the cursor stands on a request, plans act on what was shown."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from opalmind_tui.errors import OpalmindError
from opalmind_tui.snapshot.commands import Act, Command, Plan
from opalmind_tui.snapshot.model import Reading, RequestRow, Snapshot
from opalmind_tui.tui.cursor import ListCursor
from opalmind_tui.tui.dialogs import arming
from opalmind_tui.tui.dialogs.plan import PlanDialog
from opalmind_tui.tui.frame import Frame
from tests.tui.engine import FakeEngine
from tests.tui.fixtures import NOW, ROWS, healthy, waiting_rows
from tests.tui.support import NEVER, opened, refreshed, screen_text, settled
from tests.tui.test_actions import confirm, press


def with_rows(*rows: RequestRow) -> Snapshot:
    return replace(healthy(), requests=Reading(rows, NOW))


# -- the cursor itself -------------------------------------------------------------------------------------------


def test_the_cursor_follows_its_request() -> None:
    cursor = ListCursor()
    cursor.follow("abcdef", 3)
    cursor.move(2, 3)
    assert (cursor.index, cursor.id, cursor.offset) == (2, "c", 0)
    cursor.follow("xyabcdef", 3)
    assert (cursor.index, cursor.id) == (4, "c")
    assert cursor.offset <= 4 < cursor.offset + 3
    cursor.follow("cdef", 3)
    assert (cursor.index, cursor.id, cursor.offset) == (0, "c", 0)


def test_the_cursor_is_lost_with_its_request_and_takes_hold_again() -> None:
    cursor = ListCursor()
    cursor.follow("abc", 5)
    cursor.move(1, 5)
    cursor.follow("ac", 5)
    assert (cursor.index, cursor.id, cursor.lost) == (1, None, True)
    cursor.follow("acd", 5)
    assert cursor.id is None, "nothing slips under a lost cursor"
    cursor.move(1, 5)
    assert (cursor.index, cursor.id, cursor.lost) == (1, "c", False)


def test_a_lost_cursor_goes_back_to_its_request_until_it_is_moved() -> None:
    cursor = ListCursor()
    cursor.follow("abcd", 5)
    cursor.move(2, 5)
    cursor.follow("abd", 5)
    cursor.follow("xyabcd", 5)
    assert (cursor.index, cursor.id, cursor.lost) == (4, "c", False)
    cursor.follow("", 5)
    cursor.follow("abc", 5)
    assert (cursor.index, cursor.id, cursor.lost) == (2, "c", False), "also where the list was empty for a moment"
    cursor.follow("ab", 5)
    cursor.move(-1, 5)
    cursor.follow("abc", 5)
    assert (cursor.index, cursor.id, cursor.lost) == (1, "b", False)


def test_the_cursor_of_an_empty_list() -> None:
    cursor = ListCursor()
    cursor.follow("", 5)
    cursor.move(1, 5)
    assert (cursor.id, cursor.lost) == (None, False)
    cursor.follow("ab", 5)
    assert cursor.id == "a"


def test_the_view_stays_within_the_list() -> None:
    cursor = ListCursor()
    cursor.follow("abcdefghij", 4)
    cursor.move(9, 4)
    assert cursor.offset == 6
    cursor.follow("abcdefghij", 8)
    assert cursor.offset == 2
    cursor.follow("j", 4)
    assert (cursor.index, cursor.offset) == (0, 0)


# -- on the screen -----------------------------------------------------------------------------------------------


async def test_the_cursor_stays_on_the_request_across_refreshes() -> None:
    async with opened(with_rows(*ROWS)) as (pilot, engine):
        await press(pilot, "down")
        await refreshed(pilot, engine, with_rows(*waiting_rows(3), *ROWS))
        marked = [line for line in screen_text(pilot).splitlines() if "▸" in line]
        assert len(marked) == 1
        assert "Video: play, Über uns" in marked[0]
        await press(pilot, "r")
        assert engine.planned == [Command(Act.RETRY, ids=(ROWS[1].id,))]


async def test_a_key_does_not_act_on_the_request_that_slipped_under_the_cursor() -> None:
    async with opened(with_rows(*ROWS)) as (pilot, engine):
        await press(pilot, "down")
        await refreshed(pilot, engine, with_rows(ROWS[0], *ROWS[2:]))
        await press(pilot, "d")
        assert "has left the list" in screen_text(pilot)
        assert engine.planned == []
        await press(pilot, "down", "d")
        assert engine.planned == [Command(Act.PURGE, ids=(ROWS[2].id,))]


async def test_a_plan_acts_on_what_was_captured_when_rows_leave_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arming, "ARM_AFTER", 0.001)
    async with opened(with_rows(*ROWS)) as (pilot, engine):
        await press(pilot, "d")
        await refreshed(pilot, engine, with_rows(*ROWS[1:]))
        await confirm(pilot)
        assert [one.ids for one in engine.ran] == [(ROWS[0].id,)]


async def test_rows_are_asked_for_as_far_as_they_can_be_seen() -> None:
    async with opened(with_rows(*waiting_rows(300))) as (pilot, engine):
        page = pilot.app.frame.place.requests.page
        assert engine.rows[-1] <= 2 * (page + 2)
        await press(pilot, "end")
        pilot.app.poller.look()
        await settled(pilot)
        assert 300 < engine.rows[-1] <= 500


async def test_who_moves_on_gets_some_pages_of_rows_at_a_time() -> None:
    """For each other number the whole list is read, and an arrow that is held makes thirty steps a second."""
    async with opened(with_rows(*waiting_rows(300))) as (pilot, _):
        requests = pilot.app.frame.place.requests
        wanted = []
        for _ in range(60):
            await press(pilot, "down")
            wanted.append(requests.wanted)
            assert wanted[-1] >= requests.cursor.offset + 2 * requests.page
        assert len(set(wanted)) <= 60 // (4 * requests.page) + 2


async def test_equal_content_is_not_painted_again() -> None:
    async with opened(healthy()) as (pilot, engine):
        painted: list[object] = []
        pilot.app._display = lambda screen, renderable: painted.append(renderable)
        await refreshed(pilot, engine, healthy())
        assert painted == []
        await refreshed(pilot, engine, replace(healthy(), taken_at=NOW + 0.001, cause="Something else."))
        assert painted != []


# -- typed ahead -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ahead", [("enter",), ("y",), ("y", "enter"), ("tab", "enter"), ("right", "enter"), ("space",)]
)
async def test_what_was_typed_ahead_cannot_confirm(ahead: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arming, "ARM_AFTER", NEVER)
    async with opened(healthy()) as (pilot, engine):
        await pilot.press("D", *ahead)
        await settled(pilot)
        assert engine.ran == []


async def test_cancel_has_the_focus() -> None:
    async with opened(healthy()) as (pilot, engine):
        await press(pilot, "D")
        assert pilot.app.screen.focused.id == "cancel"
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, Frame)
        assert engine.ran == []


# -- plans that fail, run long, or are stopped -------------------------------------------------------------------


async def test_a_plan_that_cannot_be_made_says_why() -> None:
    engine = FakeEngine(healthy())
    engine.plan_trouble = OpalmindError("Redis refused: wrong password")
    async with opened(engine.snapshot, engine=engine) as (pilot, _):
        await press(pilot, "R")
        assert "Redis refused: wrong password" in screen_text(pilot)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, Frame)


async def test_an_unexpected_error_does_not_end_the_dashboard() -> None:
    engine = FakeEngine(healthy())
    engine.plan_trouble = ZeroDivisionError("oops")
    async with opened(engine.snapshot, engine=engine) as (pilot, _):
        await press(pilot, "R")
        assert "oops" in screen_text(pilot)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, Frame)


async def test_a_running_plan_shows_progress_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arming, "ARM_AFTER", 0.001)
    engine = FakeEngine(healthy())
    engine.hold = asyncio.Event()
    async with opened(engine.snapshot, engine=engine) as (pilot, _):
        await press(pilot, "R")
        while pilot.app.screen.query_one("#confirm").disabled:
            await pilot.pause(0.01)
        await pilot.press("tab", "enter")
        while "1 of 3" not in screen_text(pilot):
            await pilot.pause(0.01)
        assert isinstance(pilot.app.screen, PlanDialog)
        await pilot.press("escape")
        await settled(pilot)
        assert isinstance(pilot.app.screen, Frame)
        assert "Stopped after 1 of 3" in screen_text(pilot)


async def test_nothing_to_do_cannot_be_confirmed() -> None:
    engine = FakeEngine(healthy(), lambda command: Plan(command, "Retry 0 requests", 0))
    async with opened(engine.snapshot, engine=engine) as (pilot, _):
        await press(pilot, "R")
        assert "There is nothing to do." in screen_text(pilot)
        assert not pilot.app.screen.query_one("#confirm").display


# -- the refresh -------------------------------------------------------------------------------------------------


async def test_a_failed_look_becomes_the_status_line_and_the_next_one_clears_it() -> None:
    async with opened(healthy()) as (pilot, engine):
        engine.trouble = RuntimeError("engine on fire")
        pilot.app.poller.look()
        await settled(pilot)
        assert "engine on fire" in screen_text(pilot)
        assert "delivered 12,041" in screen_text(pilot), "the last figures stay"
        engine.trouble = None
        pilot.app.poller.look()
        await settled(pilot)
        assert "engine on fire" not in screen_text(pilot)


async def test_the_next_look_is_armed_when_the_last_has_finished() -> None:
    engine = FakeEngine(healthy())
    async with opened(engine.snapshot, engine=engine) as (pilot, _):
        poller = pilot.app.poller
        poller._interval = 0.0
        seen = len(engine.rows)
        poller.look()
        while len(engine.rows) < seen + 3:
            await pilot.pause(0.01)
        poller.toggle()
        await settled(pilot)
        stopped = len(engine.rows)
        await pilot.pause(0.3)
        assert len(engine.rows) == stopped


async def test_an_engine_that_does_not_answer_is_named() -> None:
    engine = FakeEngine(healthy())
    async with opened(engine.snapshot, engine=engine) as (pilot, _):
        poller = pilot.app.poller
        poller._interval, poller._looking, poller._began = 1.0, True, asyncio.get_running_loop().time() - 60
        poller.watch()
        await pilot.pause()
        assert "No answer from the engine for 60 s" in screen_text(pilot)


async def test_resizing_keeps_everything_in_place() -> None:
    async with opened(healthy()) as (pilot, _):
        for size in ((120, 40), (59, 19), (200, 60), (60, 20), (80, 24)):
            await pilot.resize_terminal(*size)
            await settled(pilot)
        assert "REQUESTS" in screen_text(pilot)
        assert len(screen_text(pilot).splitlines()) == 24
        await pilot.resize_terminal(59, 19)
        await settled(pilot)
        assert "at least 60x20" in screen_text(pilot)


async def test_the_overview_asks_for_more_before_the_cursor_comes_to_the_end_of_what_was_read() -> None:
    async with opened(healthy()) as (pilot, engine):
        looks = len(engine.rows)
        await pilot.press("G")
        await settled(pilot)
        assert len(engine.rows) == looks + 1
