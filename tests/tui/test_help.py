"""The help begins with the part that has the focus and its keys, wherever it is asked for; then comes all the rest."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from opalmind_tui.tui.action import DETAIL
from opalmind_tui.tui.actions import ACTIONS, DOORS, exists, why_not
from opalmind_tui.tui.dialogs.reading import ReadingDialog
from opalmind_tui.tui.help import WORDS, belongs, help_text, help_title
from opalmind_tui.tui.parts import PARTS, Part
from opalmind_tui.tui.situation import Situation
from tests.tui.cases import press
from tests.tui.fixtures import healthy
from tests.tui.support import opened, refreshed, screen_text

WAYS: tuple[tuple[str, ...], ...] = (
    (), ("tab",), ("tab",), ("tab",), ("2",), ("shift+tab",), ("tab", "slash"), ("escape", "3"), ("enter",), ("enter",),
    ("4",), ("tab",), ("tab",), ("tab",), ("5",), ("tab",), ("6",), ("tab",), ("7",), ("8",), ("1", "tab", "enter"),
)  # fmt: skip
"""The keys that lead from part to part, in the order of the table."""


def body(pilot: Pilot[Any]) -> list[str]:
    return str(pilot.app.screen.query_one("#body").content).splitlines()


async def test_it_begins_with_the_part_that_has_the_focus() -> None:
    assert len(WAYS) == len(PARTS)
    async with opened(healthy()) as (pilot, _):
        for way, part in zip(WAYS, PARTS, strict=True):
            await press(pilot, *way)
            await pilot.press("f1")
            await pilot.pause()
            assert isinstance(pilot.app.screen, ReadingDialog), part
            assert f"Help: {part.name} " in screen_text(pilot)
            assert " ".join(body(pilot)).startswith(part.about)
            under = pilot.app.screen_stack[-2]
            await pilot.press("escape")
            await pilot.pause()
            assert pilot.app.screen is under
            assert pilot.app.focused is not None
            assert pilot.app.focused.id == part.id, "it has the focus again"


@pytest.mark.parametrize("size", [(60, 20), (80, 24)])
async def test_how_to_close_it_is_in_view(size: tuple[int, int]) -> None:
    async with opened(healthy(), size=size) as (pilot, _):
        await press(pilot, "f1")
        assert "arrows: scroll   esc: close" in screen_text(pilot)


async def test_it_stands_still_while_it_is_read() -> None:
    async with opened(healthy()) as (pilot, engine):
        await press(pilot, "2", "f1")
        before = body(pilot)
        engine.listed = ()
        await refreshed(pilot, engine, healthy())
        assert pilot.app.frame.situation.selected is None
        assert body(pilot) == before


@pytest.mark.parametrize("part", PARTS, ids=lambda part: f"{part.place}-{part.id}")
@pytest.mark.parametrize("width", [53, 74])
def test_its_keys_come_first_and_every_key_is_there_once(part: Part, width: int) -> None:
    now = Situation(place=part.place, part=part.id)
    keys, words = help_text(now, width).split(WORDS)
    assert words == ""
    shown = [row[:10].strip() for row in keys.splitlines() if row.startswith("  ") and row[2] != " "]
    there = [action for action in ACTIONS if exists(action, now)]
    own = [action.sign for action in there if belongs(action, part)]
    first = [sign for sign in shown if sign in {action.sign for action in there}]
    assert sorted(first[: len(own)]) == sorted(own)
    assert sorted(first) == sorted(action.sign for action in there)
    assert max(map(len, keys.splitlines())) <= width
    # What can be done stands before what cannot.
    by_sign = {action.sign: bool(why_not(action, now)) for action in there if belongs(action, part)}
    assert [by_sign[sign] for sign in first[: len(own)]] == sorted(by_sign.values())


def test_every_place_has_parts_and_what_they_name_exists() -> None:
    assert {part.place for part in PARTS} == {door.id for door in DOORS} | {DETAIL}
    assert {name for part in PARTS for name in part.also} <= {action.id for action in ACTIONS}


def test_a_place_without_a_focus_shows_its_first_part() -> None:
    assert help_title(Situation(part="nothing of ours")) == "Help: Overview, requests"
