"""Dialogs as they are used: fast fingers, news while they are open, and what is too long for the status line."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual.events import Key

from opalmind_tui.snapshot.model import Reading, Snapshot
from opalmind_tui.tui.actions import DOORS, FOOTER, exists
from opalmind_tui.tui.help import help_text
from opalmind_tui.tui.lines import Area
from opalmind_tui.tui.panels import keys, queue
from opalmind_tui.tui.situation import Situation
from tests.tui.fixtures import NOW, healthy, outage
from tests.tui.support import opened, screen_text, settled, words
from tests.tui.test_actions import press


@pytest.mark.parametrize(("opens", "first", "second"), [("P", "number", "reason"), ("L", "number", "reason")])
async def test_what_is_typed_right_after_tab_goes_to_the_next_field(opens: str, first: str, second: str) -> None:
    async with opened(healthy()) as (pilot, _):
        await press(pilot, opens)
        for key in ("5", "tab", "w", "h", "y", "shift+tab", "0"):
            pilot.app.post_message(Key(key, key if len(key) == 1 else None))
        await settled(pilot)
        field = pilot.app.screen.query_one
        assert (field(f"#{first}").value, field(f"#{second}").value) == ("0", "why"), (
            "a field that is come back to is written anew"
        )


@pytest.mark.parametrize("width", [53, 60, 73])
def test_a_reading_page_fits_its_window(width: int) -> None:
    page = help_text(Situation(), width).partition("Words")[0]
    assert max(map(len, page.splitlines())) <= width


def nothing_dead() -> Snapshot:
    view = healthy().queue.value
    assert view is not None
    return replace(healthy(), queue=Reading(replace(view, dead=0), NOW))


async def test_a_refusal_is_said_once() -> None:
    for size in ((120, 40), (60, 20)):
        async with opened(nothing_dead(), size=size) as (pilot, _):
            await press(pilot, "R")
            assert screen_text(pilot).count("No request is dead.") == 1


async def test_what_lasts_comes_back_after_what_passes() -> None:
    async with opened(nothing_dead(), size=(120, 40)) as (pilot, _):
        await press(pilot, "space", "R")
        assert "Frozen" not in screen_text(pilot)
        pilot.app.frame._said._callback()
        await pilot.pause()
        assert "Frozen" in screen_text(pilot)


@pytest.mark.parametrize("demo", [False, True])
@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_footer_has_every_key_that_matters(width: int, demo: bool) -> None:
    now = Situation(demo=demo, dead=1)
    placed = {one.action.id for one in keys.place(now, Area(width, 40))}
    wanted = {one.id for one in FOOTER if not one.spare and exists(one, now) and one.in_footer(now)}
    assert wanted <= placed


@pytest.mark.parametrize("width", [60, 80])
def test_a_low_terminal_has_one_row_of_keys_and_all_doors(width: int) -> None:
    placed = keys.place(Situation(dead=1), Area(width, 24))
    assert {door.id for door in DOORS} <= {one.action.id for one in placed}
    assert placed[-1].row == 1
    assert all(one.end <= width for one in placed)


@pytest.mark.parametrize("width", [22, 30, 39])
def test_why_the_queue_is_closed_is_not_cut(width: int) -> None:
    shown = words(queue.render(outage(), Area(width, 10)).body)
    assert "breaker" in shown
    assert "…" not in shown
