"""Every action on requests, by its key."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from textual.pilot import Pilot

from opalmind_tui.snapshot.commands import Act, Command
from opalmind_tui.snapshot.filters import parse_filter
from opalmind_tui.snapshot.listing import Tab
from opalmind_tui.snapshot.model import State
from opalmind_tui.tui.dialogs.detail import DetailDialog
from opalmind_tui.tui.dialogs.later import LaterDialog
from opalmind_tui.tui.dialogs.plan import PlanDialog
from opalmind_tui.tui.frame import Frame
from tests.tui.cases import case, confirm, press
from tests.tui.details import ADDRESS, PART, USER
from tests.tui.details import detail as detail_of
from tests.tui.engine import FakeEngine
from tests.tui.fixtures import ROWS, healthy
from tests.tui.support import refreshed, screen_text


@case
async def find(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "2", "slash", *"goal", "enter")
    assert str(engine.views[-1].filter) == "goal"


@case
async def mark(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "2", "x")
    assert pilot.app.frame.situation.marked == (ROWS[0].id,)


@case
async def sort(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "2")
    before = engine.views[-1].sorted_by
    await press(pilot, "o")
    assert engine.views[-1].sorted_by is not before


@case
async def retry(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "down", "r")
    assert "Retry 1 request" in screen_text(pilot)
    assert "Video: play, Über uns" in screen_text(pilot)
    assert engine.ran == []
    await confirm(pilot)
    assert [one.command for one in engine.ran] == [Command(Act.RETRY, ids=(ROWS[1].id,))]
    assert "Retry 1 request: done" in screen_text(pilot)


@case
async def retry_all(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "R")
    assert "Retry 3 requests" in screen_text(pilot)
    assert "2 not eligible: inflight now" in screen_text(pilot)
    await confirm(pilot)
    assert [one.command for one in engine.ran] == [Command(Act.RETRY, all_dead=True)]


@case
async def restore(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "2", "b")
    assert "Only what is in the trash" in screen_text(pilot)
    engine.listed = tuple(replace(row, state=State.TRASH) for row in ROWS[:3])
    await press(pilot, "shift+tab", "shift+tab", "down", "b")
    await confirm(pilot)
    assert [one.command for one in engine.ran] == [Command(Act.RESTORE, ids=(ROWS[1].id,))]


@case
async def purge(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "d")
    assert "This cannot be undone." in screen_text(pilot)
    await confirm(pilot)
    assert [one.command for one in engine.ran] == [Command(Act.PURGE, ids=(ROWS[0].id,))]


@case
async def purge_all(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "D")
    await confirm(pilot)
    assert [one.command for one in engine.ran] == [Command(Act.PURGE, all_dead=True)]


@case
async def mark_all(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "2", "slash", *"site:9", "enter", "X")
    assert "are marked" in screen_text(pilot)
    await press(pilot, "w", *"90s", "enter")
    assert engine.planned == [Command(Act.RETRY, tab=Tab.FAILED, filter=parse_filter("site:9"), seconds=90)]
    await press(pilot, "escape", "escape", "escape")
    assert not pilot.app.frame.situation.all_marked


@case
async def detail(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "down", "enter")
    assert isinstance(pilot.app.screen, DetailDialog)
    shown = screen_text(pilot)
    assert ROWS[1].id in shown
    assert "Video: play, Über uns" in shown
    assert "address of the page" in shown
    await press(pilot, "d")
    assert engine.planned == [Command(Act.PURGE, ids=(ROWS[1].id,))]
    await confirm(pilot)
    assert isinstance(pilot.app.screen, DetailDialog)
    assert "Purge 1 request: done" in screen_text(pilot)
    await press(pilot, "escape")
    assert isinstance(pilot.app.screen, Frame)


@case
async def later(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "w", *"soon", "enter")
    assert "Write 90s" in screen_text(pilot)
    assert isinstance(pilot.app.screen, LaterDialog)
    await press(pilot, *["backspace"] * 4, *"10m")
    assert "in 10 min" in screen_text(pilot)
    await press(pilot, "enter")
    assert isinstance(pilot.app.screen, PlanDialog)
    await press(pilot, "escape")
    assert isinstance(pilot.app.screen, LaterDialog), "a cancelled plan goes back to the time"
    await press(pilot, *"1h", "enter")
    await confirm(pilot)
    assert [one.command for one in engine.ran] == [Command(Act.RETRY, ids=(ROWS[0].id,), seconds=3600)]


@case
async def kill(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "K")
    assert "Only pending and scheduled" in screen_text(pilot)
    await press(pilot, "end", "K")
    await confirm(pilot)
    assert [one.command for one in engine.ran] == [Command(Act.KILL, ids=(ROWS[-1].id,))]


@case
async def release(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "F")
    assert "Only requests in flight have a lease" in screen_text(pilot)
    await press(pilot, *["down"] * 4, "F")
    await confirm(pilot)
    assert [one.command for one in engine.ran] == [Command(Act.RELEASE, ids=(ROWS[4].id,))]


@case
async def curl(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "y")
    command = pilot.app.clipboard
    assert command.startswith("curl --request POST https://matomo.example.org ")
    assert "token_auth=•••" in command
    assert USER not in command
    assert "Copied as a curl command" in screen_text(pilot)


@case
async def reveal(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "enter", "e")
    assert "the audit notes that you looked" in screen_text(pilot)
    await press(pilot, "enter", "end")
    assert not any(reveal for _, reveal, _ in engine.read)
    await press(pilot, "home", "e", "down", "enter", "y")
    assert [one for one in engine.read if one[1]] == [(ROWS[0].id, True, 0)]
    assert USER in pilot.app.clipboard
    assert "token_auth=•••" in pilot.app.clipboard
    await refreshed(pilot, engine, healthy())
    await press(pilot, "end")
    assert ADDRESS in screen_text(pilot), "a look hides it again"
    assert len([one for one in engine.read if one[1]]) == 1, "a look is no second reveal"
    await press(pilot, "e")
    assert "revealed already" in screen_text(pilot)


def _long(engine: FakeEngine) -> None:
    engine.detail_of = lambda row, reveal, start: detail_of(row, reveal, start, more="x" * 3 * PART + "END")


@case
async def more(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "enter", "n")
    assert "All of it is loaded." in screen_text(pilot)
    await press(pilot, "escape")
    _long(engine)
    await press(pilot, "enter", "n")
    window = pilot.app.screen
    assert isinstance(window, DetailDialog)
    assert len(window.detail.body) == 2 * PART
    await refreshed(pilot, engine, healthy())
    assert len(window.detail.body) == 2 * PART, "a look takes nothing back"


@case
async def whole(pilot: Pilot[Any], engine: FakeEngine) -> None:
    _long(engine)
    await press(pilot, "enter", "N", "end")
    assert "xEND" in screen_text(pilot)
    assert [start for _, _, start in engine.read] == [0, PART, 2 * PART, 3 * PART]


__all__ = [
    "curl",
    "detail",
    "find",
    "kill",
    "later",
    "mark",
    "mark_all",
    "more",
    "purge",
    "purge_all",
    "release",
    "restore",
    "retry",
    "retry_all",
    "reveal",
    "sort",
    "whole",
]
