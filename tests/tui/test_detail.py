"""The window with all that is known of one request, and what keys are aimed at."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.snapshot.commands import Act, Command
from opalmind_tui.snapshot.filters import parse_filter
from opalmind_tui.snapshot.listing import Tab
from opalmind_tui.snapshot.model import Reading, RequestRow, State
from opalmind_tui.text import cells
from opalmind_tui.tui.dialogs import arming
from opalmind_tui.tui.dialogs.detail import AWAY, LEFT
from opalmind_tui.tui.operating.aiming import aim, aim_at_all
from opalmind_tui.tui.panels import detail as drawing
from opalmind_tui.tui.situation import GROUPS, Situation
from tests.tui.cases import confirm, press
from tests.tui.details import PART, detail
from tests.tui.fixtures import NOW, ROWS, STATES, healthy
from tests.tui.hostile import PAYLOADS, Poison
from tests.tui.listings import GROUPS as FAILURES
from tests.tui.support import opened, refreshed, screen_text, words
from tests.tui.test_hostile import is_harmless


@pytest.fixture(autouse=True)
def _armed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arming, "ARM_AFTER", 0.001)


async def test_a_purge_for_good_is_another_plan() -> None:
    async with opened(healthy()) as (pilot, engine):
        await press(pilot, "D")
        assert "Purge 3 requests for good" not in screen_text(pilot)
        await press(pilot, "shift+tab")
        assert pilot.app.focused.id == "hard"
        await press(pilot, "space")
        assert "Purge 3 requests for good" in screen_text(pilot)
        await press(pilot, "tab")
        await confirm(pilot)
        assert [one.command for one in engine.ran] == [Command(Act.PURGE, all_dead=True, hard=True)]


async def test_it_follows_its_request_and_says_when_it_has_left() -> None:
    async with opened(healthy()) as (pilot, engine):
        await press(pilot, "enter")
        tried = replace(ROWS[0], attempts=9)
        engine.listed = ()
        await refreshed(pilot, engine, replace(healthy(), requests=Reading((ROWS[1], tried), NOW)))
        assert "tried      9 times" in screen_text(pilot)
        await refreshed(pilot, engine, replace(healthy(), requests=Reading((ROWS[1],), NOW)))
        shown = screen_text(pilot)
        assert LEFT in shown
        assert ROWS[0].id in shown
        assert ROWS[1].id not in shown
        await press(pilot, "r")
        assert engine.planned == [], "what has left is not acted on"
        assert "has left the list" in screen_text(pilot)


async def test_what_was_said_stays_when_it_is_delivered_meanwhile() -> None:
    async with opened(healthy()) as (pilot, engine):
        await press(pilot, "enter")
        engine.detail_of = lambda row, reveal, start: replace(
            detail(replace(row, state=State.DELIVERED, left_at=NOW)), params=(), attempts=(), body="", body_size=0
        )
        await refreshed(pilot, engine, healthy())
        shown = screen_text(pilot)
        assert "✓ delivered" in shown
        assert "address of the page" in shown


@pytest.mark.parametrize(("state", "said"), [("degraded", AWAY), ("healthy", LEFT)])
async def test_a_store_that_is_away_is_no_request_that_left(state: str, said: str) -> None:
    snapshot = STATES[state]()
    async with opened(replace(snapshot, requests=Reading(ROWS, NOW))) as (pilot, engine):
        await press(pilot, "enter")
        engine.listed = ()
        await refreshed(pilot, engine, replace(snapshot, requests=Reading((), NOW)))
        assert said in screen_text(pilot)


async def test_a_read_that_fails_says_why_and_keeps_what_is_known() -> None:
    async with opened(healthy()) as (pilot, engine):
        engine.detail_trouble = StoreUnavailable("timeout", "Redis does not answer", "Wait")
        await press(pilot, "enter")
        shown = screen_text(pilot)
        assert "Redis does not answer" in shown
        assert ROWS[0].id in shown
        engine.detail_trouble = None
        await refreshed(pilot, engine, healthy())
        assert "does not answer" not in screen_text(pilot)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 60)], ids=str)
async def test_its_keys_are_in_view_at_every_size(size: tuple[int, int]) -> None:
    async with opened(healthy(), size=size) as (pilot, _):
        await press(pilot, "enter")
        shown = screen_text(pilot)
        assert all(label in shown for label in ("e Reveal", "r Retry", "d Purge", "y Copy", "esc: close"))
        await press(pilot, "end")
        assert '"own": "nobody knows"' in screen_text(pilot)


@pytest.mark.parametrize("width", [40, 54, 72, 116])
def test_every_line_fits_and_is_harmless(width: int) -> None:
    for start in range(0, len(PAYLOADS), 9):
        poison = Poison(start)
        row = poison(replace(ROWS[0], unknown=2, recovered=1))
        for line in drawing.render(poison(detail(row)), NOW, width):
            text = words([line])
            assert is_harmless(text), ascii(text)
            assert cells(text) <= width, ascii(text)


def test_the_largest_request_is_drawn_once() -> None:
    whole = replace(detail(ROWS[0]), body="x " * 4 * PART, body_size=8 * PART)
    drawing._body.cache_clear()
    for attempts in range(3):
        drawing.render(replace(whole, row=replace(ROWS[0], attempts=attempts)), NOW, 72)
    assert drawing._body.cache_info().misses == 1


# -- what keys are aimed at ------------------------------------------------------------------------------------------


def queue(tab: str, **more: object) -> Situation:
    return replace(Situation(place="queue", tab=tab), **more)  # type: ignore[arg-type]


IN_TRASH: RequestRow = replace(ROWS[0], state=State.TRASH)
FILTER = parse_filter("site:9 group:old")


@pytest.mark.parametrize(
    ("now", "act", "wanted"),
    [
        (queue("dead", selected=ROWS[0]), Act.RETRY, Command(Act.RETRY, ids=(ROWS[0].id,))),
        (queue("dead", selected=ROWS[0], marked=("a", "b")), Act.RETRY, Command(Act.RETRY, ids=("a", "b"))),
        (queue("trash", selected=IN_TRASH), Act.PURGE, Command(Act.PURGE, ids=(IN_TRASH.id,), hard=True)),
        (queue("trash", marked=("a",)), Act.PURGE, Command(Act.PURGE, ids=("a",), hard=True)),
        (queue("trash", marked=("a",)), Act.RESTORE, Command(Act.RESTORE, ids=("a",))),
        (queue("dead", all_marked=True, filter=FILTER), Act.KILL, Command(Act.KILL, tab=Tab.DEAD, filter=FILTER)),
        (queue(GROUPS, group=FAILURES[1], filter=FILTER), Act.RETRY,
         Command(Act.RETRY, tab=Tab.FAILED, filter=parse_filter("site:9 group:b2"))),
        (Situation(selected=ROWS[0]), Act.PURGE, Command(Act.PURGE, ids=(ROWS[0].id,))),
    ],
)  # fmt: skip
def test_marks_come_before_a_group_and_that_before_a_row(now: Situation, act: Act, wanted: Command) -> None:
    aimed = aim(act, now)
    assert aimed is not None
    assert aimed.command == wanted


def test_all_is_what_is_in_view() -> None:
    assert aim_at_all(Act.RETRY, Situation()).command == Command(Act.RETRY, all_dead=True)
    listed = queue("rejected", filter=FILTER)
    assert aim_at_all(Act.PURGE, listed).command == Command(Act.PURGE, tab=Tab.REJECTED, filter=FILTER, hard=True)
    assert aim_at_all(Act.RETRY, queue(GROUPS, filter=FILTER)).command.tab is Tab.FAILED


async def test_the_trash_has_its_own_keys() -> None:
    rows = tuple(replace(row, state=State.TRASH) for row in ROWS[:3])
    async with opened(healthy()) as (pilot, engine):
        engine.listed = rows
        await press(pilot, "2", "shift+tab", "shift+tab")
        assert engine.views[-1].tab is Tab.TRASH
        await press(pilot, "r")
        assert "Only dead and scheduled" in screen_text(pilot)
        await press(pilot, "x", "down", "b")
        await confirm(pilot)
        assert engine.ran[-1].command == Command(Act.RESTORE, ids=(rows[0].id,))
        await press(pilot, "d")
        assert "for good" in screen_text(pilot)
        await confirm(pilot)
        assert engine.ran[-1].command.hard


async def test_a_group_and_a_whole_list_are_acted_on() -> None:
    async with opened(healthy()) as (pilot, engine):
        await press(pilot, "2", "shift+tab", "down", "r")
        assert engine.planned[-1] == Command(Act.RETRY, tab=Tab.FAILED, filter=parse_filter("group:b2"))
        assert "503 Service Unavailable" in screen_text(pilot)
        await press(pilot, "escape", "tab", "tab", "tab", "tab", "tab", "D")
        assert engine.planned[-1] == Command(Act.PURGE, tab=Tab.DEAD)
        await press(pilot, "escape", "shift+tab", "R")
        assert "Only dead and scheduled" in screen_text(pilot)
