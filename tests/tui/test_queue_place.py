"""The Queue place: a window on a list of any length, tabs, filter, marks and groups."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from opalmind_tui.snapshot.commands import Act, Command, Outcome
from opalmind_tui.snapshot.filters import NO_FILTER, parse_filter
from opalmind_tui.snapshot.listing import Listing, ListView, Tab
from opalmind_tui.snapshot.wanted import Wanted
from opalmind_tui.tui.dialogs import arming
from opalmind_tui.tui.places.queue import QueuePlace
from opalmind_tui.tui.places.queue.tabs import GROUPS, TABS, places
from opalmind_tui.tui.places.queue.window import MOST_ROWS, Window
from tests.tui.cases import confirm
from tests.tui.engine import FakeEngine
from tests.tui.fixtures import ROWS, healthy
from tests.tui.listings import listing, many
from tests.tui.support import opened, refreshed, screen_text, settled

PAGE = 10


@pytest.fixture(autouse=True)
def _armed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arming, "ARM_AFTER", 0.001)


def asked(window: Window, rows: tuple[Any, ...]) -> Listing:
    """What the engine answers to a window's question."""
    part = window.part(PAGE)
    return listing(rows, ListView(Tab.DEAD, NO_FILTER, None, part.anchor, part.above, part.first, part.rows))


def followed(rows: tuple[Any, ...]) -> Window:
    window = Window()
    window.follow(asked(window, rows), PAGE)
    return window


def test_a_window_is_three_pages_and_the_cursor_holds_a_request() -> None:
    window = followed(many(1_000_000 // 1_000))
    assert window.id == "id-0000000"
    assert window.length == 1_000
    assert window.row(2 * PAGE) is not None
    assert window.row(3 * PAGE) is None


def test_the_cursor_stays_on_its_request_while_others_come_above_it() -> None:
    rows = many(100)
    window = followed(rows)
    window.move(40, PAGE)
    window.follow(asked(window, rows), PAGE)
    held, line = window.id, window.at - window.top
    assert held == "id-0000040"
    newer = tuple(replace(ROWS[0], id=f"new-{at}") for at in range(7)) + rows
    window.follow(asked(window, newer), PAGE)
    assert (window.id, window.at, window.at - window.top) == (held, 47, line)


def test_a_request_that_left_takes_nothing_with_it() -> None:
    rows = many(100)
    window = followed(rows)
    window.move(3, PAGE)
    window.follow(asked(window, rows), PAGE)
    window.follow(asked(window, rows[:3] + rows[4:]), PAGE)
    assert window.lost
    assert window.selected is None
    window.move(1, PAGE)
    assert window.at == 3
    assert window.id == "id-0000004"


def test_a_lost_cursor_stays_beside_its_neighbour_and_goes_back_to_a_request_that_comes_back() -> None:
    rows, newer = many(100), tuple(replace(ROWS[0], id=f"new-{at}") for at in range(7))
    window = followed(rows)
    window.move(40, PAGE)
    window.follow(asked(window, rows), PAGE)
    line = window.at - window.top
    without = newer + rows[:40] + rows[41:]
    window.follow(asked(window, without), PAGE)
    neighbour = window.row(window.at)
    assert window.lost
    assert neighbour is not None
    assert (neighbour.id, window.at - window.top) == ("id-0000041", line), "what is in view does not move"
    # Its neighbours go, too: those above are the nearest.
    window.follow(asked(window, without[:47]), PAGE)
    assert (window.lost, window.at) == (True, 46)
    # Far from where it was, as a request that has failed once more.
    window.follow(asked(window, (rows[40], *without)), PAGE)
    assert (window.id, window.at, window.lost) == ("id-0000040", 0, False)
    assert window.selected == rows[40]


def test_a_moved_cursor_has_forgotten_what_it_lost() -> None:
    rows = many(100)
    window = followed(rows)
    window.follow(asked(window, rows[1:]), PAGE)
    window.move(1, PAGE)
    window.follow(asked(window, rows), PAGE)
    assert (window.id, window.at) == ("id-0000001", 1)


def test_a_jump_asks_for_what_is_there_and_holds_it_when_it_comes() -> None:
    rows = many(10_000)
    window = followed(rows)
    window.move(1_000_000, PAGE)
    assert window.at == 9_999
    assert window.selected is None
    assert not window.has(PAGE)
    window.follow(asked(window, rows), PAGE)
    assert window.id == "id-0009999"
    assert window.has(PAGE)
    assert not window.short(PAGE)


def test_scrolling_asks_before_the_end_of_what_is_at_hand() -> None:
    rows = many(200)
    window = followed(rows)
    window.move(PAGE, PAGE)
    assert not window.short(PAGE)
    window.move(PAGE + 5, PAGE)
    assert window.has(PAGE)
    assert window.short(PAGE)


def test_a_list_that_gets_empty_holds_nothing() -> None:
    window = followed(many(5))
    window.follow(asked(window, ()), PAGE)
    assert (window.at, window.id, window.lost, window.length) == (0, None, False, 0)
    window.follow(asked(window, many(2)), PAGE)
    assert window.id == "id-0000000"


def test_a_list_that_was_empty_for_a_moment_gives_the_request_back() -> None:
    window = followed(many(5))
    window.move(3, PAGE)
    window.follow(asked(window, ()), PAGE)
    assert window.selected is None
    window.follow(asked(window, many(5)), PAGE)
    assert (window.id, window.at) == ("id-0000003", 3)


def test_no_more_than_the_most_rows_are_asked_for() -> None:
    assert followed(many(5)).part(1_000).rows == MOST_ROWS


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_every_tab_has_its_place(width: int) -> None:
    found = places(width)
    assert [tab for tab, *_ in found] == list(TABS)
    assert found[-1][3] <= width
    assert all(before[3] <= after[2] for before, after in pairwise(found))


# -- in the app ------------------------------------------------------------------------------------------------------


def place_of(pilot: Pilot[Any]) -> QueuePlace:
    found = pilot.app.frame.place
    assert isinstance(found, QueuePlace)
    return found


async def press(pilot: Pilot[Any], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


async def test_a_million_is_shown_a_page_at_a_time() -> None:
    async with opened(healthy()) as (pilot, engine):
        engine.listed = many(100_000)
        await press(pilot, "2")
        assert "of 100,000" in screen_text(pilot)
        await press(pilot, "end")
        assert "id-0099999" in str(place_of(pilot).list.window.selected)
        assert "Goal 99999" in screen_text(pilot)
        assert max(view.rows for view in engine.views) <= MOST_ROWS
        await press(pilot, "g")
        assert place_of(pilot).list.window.id == "id-0000000"


async def test_tabs_go_round_and_ask_for_their_list() -> None:
    async with opened(healthy()) as (pilot, engine):
        await press(pilot, "2", "tab")
        assert engine.views[-1].tab is Tab.PENDING
        assert "▌PENDING" in screen_text(pilot)
        await press(pilot, "shift+tab", "shift+tab")
        assert place_of(pilot)._tab == GROUPS
        assert "unknown site" in screen_text(pilot)
        await press(pilot, "tab")
        assert engine.views[-1].tab is Tab.FAILED


async def test_a_filter_is_typed_applied_and_taken_back() -> None:
    async with opened(healthy(), size=(120, 40)) as (pilot, engine):
        await press(pilot, "2", "slash", *"site:9 -Goal", "enter")
        assert engine.views[-1].filter == parse_filter("site:9 -Goal")
        shown = screen_text(pilot)
        assert "example.org/old/page" in shown
        assert "revenue" not in shown
        assert "1 of 4 match" in shown
        await press(pilot, "escape")
        assert engine.views[-1].filter == NO_FILTER
        assert "revenue" in screen_text(pilot)
        assert pilot.app.frame.place is place_of(pilot)
        await press(pilot, "escape")
        assert pilot.app.frame.place.place == "overview"


async def test_a_filter_that_means_nothing_names_the_word_and_changes_nothing() -> None:
    async with opened(healthy(), size=(120, 40)) as (pilot, engine):
        await press(pilot, "2")
        before = len(engine.views)
        await press(pilot, "slash", *"site:", "enter")
        assert "site:: a value is missing" in screen_text(pilot)
        assert len(engine.views) == before
        await press(pilot, "escape")
        assert place_of(pilot).filter == NO_FILTER
        assert pilot.app.focused is place_of(pilot).list


async def test_keys_typed_into_the_box_do_nothing_else() -> None:
    async with opened(healthy()) as (pilot, engine):
        await press(pilot, "2", "slash", *"rdRDq1x", "enter")
        assert engine.planned == []
        assert str(place_of(pilot).filter) == "rdRDq1x"


async def test_a_filter_is_taken_also_where_the_list_is_empty() -> None:
    engine = FakeEngine(healthy())
    engine.listed = ()
    async with opened(healthy(), engine=engine) as (pilot, _):
        await press(pilot, "2", "slash", *"site:9", "enter")
        assert str(place_of(pilot).filter) == "site:9"
        assert "No request is selected" not in screen_text(pilot)


async def test_marks_hold_the_list_and_keys_act_on_them() -> None:
    async with opened(healthy()) as (pilot, engine):
        await press(pilot, "2", "x", "down", "x")
        assert list(place_of(pilot).list.marked) == [ROWS[0].id, ROWS[2].id]
        assert "2 marked: the list stands still" in screen_text(pilot)
        engine.listed = ()
        await refreshed(pilot, engine, healthy())
        assert "revenue" in screen_text(pilot)
        await press(pilot, "r")
        assert engine.planned == [Command(Act.RETRY, ids=(ROWS[0].id, ROWS[2].id))]
        await press(pilot, "escape", "escape")
        assert not place_of(pilot).list.marked
        await refreshed(pilot, engine, healthy())
        assert "Nothing in the queue has failed." in screen_text(pilot)


@pytest.mark.parametrize("stopped", [False, True])
async def test_marks_go_when_all_that_was_marked_is_dealt_with(stopped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arming, "ARM_AFTER", 0.001)
    async with opened(healthy()) as (pilot, engine):
        if stopped:
            monkeypatch.setattr(
                engine, "run", lambda *_: _ended(Outcome("1 due again, stopped", done=1, cancelled=True))
            )
        await press(pilot, "2", "x", "down", "x", "r")
        engine.listed = ()
        await confirm(pilot)
        assert bool(place_of(pilot).list.marked) is stopped
        assert ("the list stands still" in screen_text(pilot)) is stopped
        assert ("Nothing in the queue has failed." in screen_text(pilot)) is not stopped


async def _ended(outcome: Outcome) -> Outcome:
    return outcome


async def test_a_group_opens_as_a_filter() -> None:
    async with opened(healthy()) as (pilot, engine):
        await press(pilot, "2", "shift+tab", "down", "enter")
        assert str(engine.views[-1].filter) == "group:b2"
        assert engine.views[-1].tab is Tab.FAILED


async def test_a_list_that_cannot_be_read_says_why() -> None:
    async with opened(healthy()) as (pilot, engine):
        engine.listing_trouble = "Redis does not answer"
        await press(pilot, "2")
        assert "Redis does not answer" in screen_text(pilot)


async def test_a_window_of_the_former_list_is_not_shown() -> None:
    async with opened(healthy()) as (pilot, engine):
        await press(pilot, "2")
        place, late = place_of(pilot), replace(healthy(), listing=None)
        taken = await engine.take_snapshot(Wanted(view=place.view))
        await press(pilot, "tab")
        shown = screen_text(pilot)
        place.show(replace(late, listing=taken.listing))
        await pilot.pause()
        assert place.list.window.length == 2, shown


async def test_narrow_terminals_lose_nothing_that_matters() -> None:
    async with opened(healthy(), size=(60, 20)) as (pilot, _):
        await press(pilot, "2")
        shown = screen_text(pilot)
        assert "▌FAIL" in shown
        assert "grps" in shown
        assert "400" in shown
