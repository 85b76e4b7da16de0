"""Every action of the table, by its key. A new action without a test here fails the suite."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
from msgspec.structs import replace
from textual.command import CommandPalette
from textual.pilot import Pilot

from opalmind_tui.errors import OpalmindError
from opalmind_tui.logs.file import log_path
from opalmind_tui.recording.files import folder
from opalmind_tui.recording.opening import open_recording
from opalmind_tui.snapshot.audit import Undoable
from opalmind_tui.snapshot.commands import Act, Command, TtlTarget
from opalmind_tui.snapshot.model import Control, Pause, RateLimit, Snapshot
from opalmind_tui.tui.action import DETAIL
from opalmind_tui.tui.actions import ACTIONS, BY_ID, DOORS, FOOTER, READ_ONLY, exists, why_not
from opalmind_tui.tui.dialogs import arming
from opalmind_tui.tui.dialogs.choice import ChoiceDialog
from opalmind_tui.tui.dialogs.control import number_of
from opalmind_tui.tui.dialogs.plan import PlanDialog
from opalmind_tui.tui.dialogs.reading import ReadingDialog
from opalmind_tui.tui.dialogs.ttl import TtlDialog
from opalmind_tui.tui.frame import Frame
from opalmind_tui.tui.lines import Area
from opalmind_tui.tui.panels import keys
from opalmind_tui.tui.places.overview import Overview
from opalmind_tui.tui.situation import Situation
from opalmind_tui.tui.themes import CONTRAST, DARK, LIGHT
from tests.tui import request_cases
from tests.tui.cases import CASES, case, confirm, press
from tests.tui.engine import FINDINGS, FakeDemo, FakeEngine
from tests.tui.fixtures import NOW, ROWS, healthy, token
from tests.tui.support import opened, refreshed, screen_text, settled


@pytest.fixture(autouse=True)
def _armed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arming, "ARM_AFTER", 0.001)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()


def overview(pilot: Pilot[Any]) -> Overview:
    found = pilot.app.frame.place
    assert isinstance(found, Overview)
    return found


@case
async def overview_(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "1")
    assert pilot.app.frame.place.place == "overview"


@case
async def queue(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "2")
    assert pilot.app.frame.place.place == "queue"


@case
async def cache(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "3")
    assert pilot.app.frame.place.place == "cache"
    assert "all reports" in screen_text(pilot)


@case
async def open(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "3", "enter")
    assert pilot.app.frame.situation.entry in engine.entries
    await press(pilot, "enter")
    assert pilot.app.frame.situation.value_shown


@case
async def walk(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "3", "r")
    assert [view.again for view in engine.entry_views[-2:]] == [0, 1]
    await press(pilot, "enter", "r")
    assert engine.entry_views[-1].again == 2


@case
async def refetch(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "3", "f")
    assert "Open a report first" in screen_text(pilot)
    await press(pilot, "enter", "f")
    held = pilot.app.frame.situation.entry
    assert held is not None
    await confirm(pilot)
    assert [one.command for one in engine.ran] == [Command(Act.REFETCH, feature=held.feature, key=held.key)]


@case
async def back(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "2", "x", "escape")
    assert pilot.app.frame.place.place == "queue"
    await press(pilot, "escape")
    assert pilot.app.frame.place.place == "overview"


@case
async def audit(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "7")
    assert pilot.app.frame.place.place == "audit"
    assert engine.audits[-1].anchor == ""


@case
async def hand_over(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "H")
    assert "Matomo answers 503" in screen_text(pilot)


@case
async def undo(pilot: Pilot[Any], engine: FakeEngine) -> None:
    assert " Undo" not in screen_text(pilot)
    await refreshed(pilot, engine, replace(healthy(), undo=Undoable(NOW - 60, "kim", "Purge 2 requests")))
    assert " Undo" in screen_text(pilot)
    engine.plan_trouble = OpalmindError("Nothing of the last 15 minutes can be undone")
    await press(pilot, "u")
    assert "Nothing of the last 15 minutes can be undone" in screen_text(pilot)
    engine.plan_trouble = None
    await press(pilot, "escape", "u")
    assert "Undo: Purge 2 requests" in screen_text(pilot)
    await confirm(pilot)
    assert [one.command for one in engine.ran] == [Command(Act.UNDO)]


@case
async def purge_cache(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "c")
    assert isinstance(pilot.app.screen, ChoiceDialog)
    assert "127 entries" in screen_text(pilot)
    await press(pilot, "enter")
    await press(pilot, "escape")
    assert isinstance(pilot.app.screen, ChoiceDialog), "a cancelled plan goes back to the choice"
    await press(pilot, "down", "enter")
    await confirm(pilot)
    assert [one.command for one in engine.ran] == [Command(Act.PURGE_CACHE, feature="getEvents")]
    assert engine.planned[0] == Command(Act.PURGE_CACHE, feature="")


@case
async def ttl(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "t", "tab", "x")
    assert "Not a time" in screen_text(pilot)
    await press(pilot, "enter")
    assert isinstance(pilot.app.screen, TtlDialog), "a mistake keeps the dialog open"
    await press(pilot, "escape")
    assert isinstance(pilot.app.screen, Frame)
    assert engine.planned == []
    await press(pilot, "t")
    assert pilot.app.screen.query_one("#value").value == "x", "escape lost what was typed"
    await press(pilot, "tab", "backspace", "5", "m", "shift+tab", "down", "tab", "tab", "space", "shift+tab", "enter")
    assert isinstance(pilot.app.screen, PlanDialog)
    await press(pilot, "escape")
    assert isinstance(pilot.app.screen, TtlDialog), "a cancelled plan goes back to the values"
    await press(pilot, "tab", "enter")
    await confirm(pilot)
    wanted = Command(Act.SET_TTL, target=TtlTarget.IDEMPOTENCY, seconds=300.0, existing=True)
    assert [one.command for one in engine.ran] == [wanted]


@case
async def deliver(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "v")
    await confirm(pilot)
    assert [one.command for one in engine.ran] == [Command(Act.DELIVER, deliver=False)]


@case
async def ask_with_token(pilot: Pilot[Any], engine: FakeEngine) -> None:
    assert "T Token" not in screen_text(pilot)
    await refreshed(pilot, engine, token())
    assert "T Token" in screen_text(pilot)
    await press(pilot, "T")
    await confirm(pilot)
    assert [one.command for one in engine.ran] == [Command(Act.TEST_TOKEN)]


@case
async def hold(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "P", "x", "enter")
    assert "Not a number" in screen_text(pilot)
    await press(pilot, "backspace", "5", "tab", *"upgrade", "enter")
    assert "Pause delivery" in screen_text(pilot)
    await confirm(pilot)
    assert [one.command for one in engine.ran] == [Command(Act.PAUSE, seconds=300, reason="upgrade")]
    snapshot = healthy()
    assert snapshot.queue.value is not None
    paused = Control(paused=Pause("anna", "upgrade", snapshot.taken_at, math.inf))
    view = replace(snapshot.queue.value, control=paused)
    await refreshed(pilot, engine, replace(snapshot, queue=replace(snapshot.queue, value=view)))
    assert "anna: upgrade" in " ".join(screen_text(pilot).split())
    await press(pilot, "P")
    assert "Resume delivery" in screen_text(pilot)
    await confirm(pilot)
    assert engine.ran[-1].command == Command(Act.RESUME)


@case
async def limit(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "L", *"2.5", "tab", *"slow disk", "enter")
    await confirm(pilot)
    assert [one.command for one in engine.ran] == [Command(Act.LIMIT, per_second=2.5, reason="slow disk")]
    snapshot = healthy()
    assert snapshot.queue.value is not None
    limited = Control(rate=RateLimit("anna", "slow disk", snapshot.taken_at, 2.5))
    view = replace(snapshot.queue.value, control=limited)
    await refreshed(pilot, engine, replace(snapshot, queue=replace(snapshot.queue, value=view)))
    assert "at most 2.5/s" in screen_text(pilot)


@pytest.mark.parametrize("typed", ["0", "-1", "nan", "inf", "1e9", "five"])
def test_a_rate_that_is_none_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"Not a number|From above 0"):
        number_of(typed, 100_000)


@case
async def fleet(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "p")
    assert pilot.app.frame.place.place == "fleet"
    shown = screen_text(pilot)
    assert "web-1.internal:4711" in shown
    assert "312/2" in shown
    assert "others" in shown


@case
async def history(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "8", "tab")
    assert "▌1 H" in screen_text(pilot)
    assert "last 1 h" in screen_text(pilot)


@case
async def log(pilot: Pilot[Any], engine: FakeEngine) -> None:
    path = log_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("2026-01-01T00:00:00Z INFO The dashboard begins\n2026-01-01T00:00:09Z WARNING \x1b[2J[bold]b\n")
    await press(pilot, "O")
    assert isinstance(pilot.app.screen, ReadingDialog)
    shown = screen_text(pilot)
    assert "WARNING ␛[2J[bold]b" in shown
    assert shown.index("WARNING") < shown.index("The dashboard begins")
    await press(pilot, "escape")
    assert isinstance(pilot.app.screen, Frame)


@case
async def redis(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "4")
    assert pilot.app.frame.place.place == "redis"
    assert engine.closer[-1]


@case
async def count(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "4", "x")
    assert engine.switched == 1


@case
async def slower(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await pilot.press("minus")
    await settled(pilot)
    assert pilot.app.poller.change_pace(0) == 60.0


@case
async def faster(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await pilot.press("plus")
    await settled(pilot)
    assert pilot.app.poller.change_pace(0) == 30.0


@case
async def doctor(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "6")
    assert pilot.app.frame.place.place == "doctor"
    shown = screen_text(pilot)
    assert "failure  The eviction policy can delete the queue" in shown
    assert "deletes keys of the queue" in shown
    assert "\x1b" not in shown
    await press(pilot, "down")
    assert "They are kept." in screen_text(pilot)


@case
async def copy(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "6", "y")
    assert pilot.app.clipboard == FINDINGS[0].command
    assert f"Copied: {FINDINGS[0].command}" in screen_text(pilot)
    await press(pilot, "down", "y")
    assert "has no command" in screen_text(pilot)


@case
async def cure(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "6", "enter")
    assert "Nothing that this dashboard can do" in screen_text(pilot)
    assert engine.planned == []
    await press(pilot, "down", "enter")
    assert isinstance(pilot.app.screen, PlanDialog)
    assert engine.planned == [FINDINGS[1].action]
    await press(pilot, "escape")
    assert engine.diagnosed == 1
    await press(pilot, "enter")
    await confirm(pilot)
    # What was done may have been the cure: it is looked at again, and the cursor stays on its finding.
    assert engine.diagnosed == 2
    assert pilot.app.frame.situation.finding == FINDINGS[1]


@case
async def examine(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "6")
    engine.diagnosis = replace(engine.diagnosis, findings=())
    await press(pilot, "r")
    assert engine.diagnosed == 2
    assert "Nothing found in 48 checks" in screen_text(pilot)
    assert pilot.app.frame.situation.finding is None


@case
async def save(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await refreshed(pilot, engine, replace(engine.snapshot, taken_at=engine.snapshot.taken_at + 30, cause="Later."))
    await press(pilot, "S")
    assert isinstance(pilot.app.screen, ReadingDialog)
    shown = screen_text(pilot)
    assert "2 snapshots over 30 s" in shown
    assert "opalmind-tui replay" in shown
    (path,) = folder().iterdir()
    try:
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        found = open_recording(path)
    finally:
        path.unlink()
    assert [found.snapshot(number).cause for number in (0, 1)] == [healthy().cause, "Later."]
    assert found.audit == engine.trail


@case
async def mood(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "m", "4")
    assert pilot.app.demo.mood() == "broken"
    await press(pilot, "m", "down", "enter")
    assert pilot.app.demo.mood() == "outage"


@case
async def pause(pilot: Pilot[Any], engine: FakeEngine) -> None:
    before = len(engine.rows)
    await press(pilot, "space")
    assert "FROZEN" in screen_text(pilot)
    assert len(engine.rows) == before
    await press(pilot, "space")
    assert "FROZEN" not in screen_text(pilot)
    assert len(engine.rows) == before + 1


@case
async def next(pilot: Pilot[Any], engine: FakeEngine) -> None:
    for section in ("features", "health", "trends", "requests"):
        await press(pilot, "tab")
        assert pilot.app.focused.id == section


@case
async def previous(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "shift+tab")
    assert pilot.app.focused.id == "trends"


@case
async def up(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "down", "j", "up")
    assert overview(pilot).requests.cursor.index == 1
    await press(pilot, "k", "k")
    assert overview(pilot).requests.cursor.index == 0


@case
async def down(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "down", "j")
    assert overview(pilot).requests.cursor.index == 2


@case
async def page_down(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "pagedown")
    assert overview(pilot).requests.cursor.index == min(len(ROWS) - 1, overview(pilot).requests.page)


@case
async def page_up(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "end", "pageup")
    assert overview(pilot).requests.cursor.index == max(0, len(ROWS) - 1 - overview(pilot).requests.page)


@case
async def home(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "end", "g")
    assert overview(pilot).requests.cursor.index == 0


@case
async def end(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "G")
    assert overview(pilot).requests.cursor.index == len(ROWS) - 1


@case
async def theme(pilot: Pilot[Any], engine: FakeEngine) -> None:
    assert pilot.app.theme == DARK.name
    for wanted in (LIGHT, CONTRAST, DARK):
        await press(pilot, "l")
        assert pilot.app.theme == wanted.name


@case
async def zone(pilot: Pilot[Any], engine: FakeEngine) -> None:
    assert "02:31:07 UTC" in screen_text(pilot)
    await press(pilot, "z")
    assert "11:31:07 JST" in screen_text(pilot)
    await press(pilot, "z")
    assert "02:31:07 UTC" in screen_text(pilot)


@case
async def palette(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "ctrl+p")
    assert isinstance(pilot.app.screen, CommandPalette)
    offered = [command.title for command in pilot.app.get_system_commands(pilot.app.frame)]
    assert "Purge dead (D)" in offered
    assert "Mood (m)" in offered
    await press(pilot, *"retry dead", "enter")
    assert isinstance(pilot.app.screen, PlanDialog)
    assert engine.planned == [Command(Act.RETRY, all_dead=True)]


@case
async def suspend(pilot: Pilot[Any], engine: FakeEngine) -> None:
    asked: list[bool] = []
    pilot.app.operator.handlers["suspend"] = lambda: asked.append(True)
    await press(pilot, "ctrl+z")
    assert asked == [True]


@case
async def help(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await press(pilot, "question_mark")
    assert isinstance(pilot.app.screen, ReadingDialog)
    assert "Retry every dead request" in screen_text(pilot)
    await press(pilot, "G")
    assert "degraded" in screen_text(pilot)
    await press(pilot, "escape", "f1")
    assert isinstance(pilot.app.screen, ReadingDialog)


@case
async def quit(pilot: Pilot[Any], engine: FakeEngine) -> None:
    await pilot.press("q")
    await pilot.pause()
    assert pilot.app.return_code == 0
    assert not pilot.app.is_running or pilot.app._exit


def test_no_action_without_a_test() -> None:
    """Those of a replay are in `test_replay`."""
    assert set(request_cases.__all__) <= set(CASES)
    assert set(CASES) == {action.id for action in ACTIONS if action.only != "replay"}


@pytest.mark.parametrize("wanted", CASES)
async def test_action(wanted: str) -> None:
    async with opened(healthy(), demo=FakeDemo()) as (pilot, engine):
        await CASES[wanted](pilot, engine)


def test_every_action_has_a_handler_and_its_own_keys() -> None:
    from opalmind_tui.tui.app import OpalmindApp

    handlers = OpalmindApp(FakeEngine(healthy())).operator.handlers
    assert set(handlers) == set(BY_ID)
    for place in DOORS:
        for there in (Situation(place=place.id, demo=True), Situation(place=place.id, replay=True)):
            taken = [key for action in ACTIONS if exists(action, there) for key in action.keys]
            assert len(taken) == len(set(taken)), place.id


@pytest.mark.parametrize("size", [(120, 40), (200, 60)], ids=str)
async def test_the_footer_shows_every_action_on_data(size: tuple[int, int]) -> None:
    async with opened(healthy(), size=size, demo=FakeDemo()) as (pilot, _):
        shown = "\n".join(screen_text(pilot).splitlines()[-3:])
        for action in (*FOOTER, *DOORS):
            if not action.spare and exists(action, Situation(demo=True)) and action.in_footer(Situation()):
                assert f"{action.sign} {action.label}" in shown


async def test_a_small_terminal_has_the_first_keys_and_every_door() -> None:
    async with opened(healthy(), size=(80, 24)) as (pilot, _):
        signs, doors = screen_text(pilot).splitlines()[-2:]
        assert signs.split()[:6:2] == ["q", "?", "⏎"]
        assert all(f"{door.sign} {door.label}" in doors for door in DOORS)


def test_what_changes_anything_is_in_the_footer() -> None:
    assert {action.id for action in ACTIONS if action.changes} <= {action.id for action in FOOTER}


def read_only(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, identity=replace(snapshot.identity, read_only=True))


@pytest.mark.parametrize("wanted", [action.id for action in ACTIONS if action.changes])
async def test_read_only_refuses_politely(wanted: str) -> None:
    async with opened(read_only(healthy())) as (pilot, engine):
        where = BY_ID[wanted].places or ("overview",)
        await press(pilot, BY_ID[where[0]].keys[0], BY_ID[wanted].keys[0])
        if where[0] == DETAIL:
            assert READ_ONLY in screen_text(pilot)
            return
        assert isinstance(pilot.app.screen, Frame)
        assert READ_ONLY in screen_text(pilot)
        assert pilot.app.frame.check_action("act", (wanted,)) is None
        pilot.app.operator.do(wanted)
        await settled(pilot)
        assert isinstance(pilot.app.screen, Frame)
        assert engine.planned == []
        offered = [command.title for command in pilot.app.get_system_commands(pilot.app.frame)]
        assert not any(title.startswith(BY_ID[wanted].label + " (") for title in offered)


async def test_an_action_that_does_not_apply_says_why() -> None:
    async with opened(healthy()) as (pilot, engine):
        await press(pilot, *["down"] * 4, "d")
        assert "A request in flight cannot be purged" in screen_text(pilot)
        await press(pilot, "r")
        assert "Only dead and scheduled" in screen_text(pilot)
        await press(pilot, "tab", "r")
        assert "Press tab to go back" in screen_text(pilot)
        assert engine.planned == []


def test_moods_exist_in_the_demo_only() -> None:
    assert not exists(BY_ID["mood"], Situation())
    assert why_not(BY_ID["retry"], Situation()) == "No request is selected."


def keys_of(pilot: Pilot[Any]) -> dict[str, keys.Placed]:
    return {one.action.id: one for one in keys.place(pilot.app.frame.situation, Area(*pilot.app.size))}


async def test_a_click_on_a_key_and_on_a_row() -> None:
    async with opened(healthy()) as (pilot, _):
        await pilot.click("#requests", offset=(10, 3))
        await settled(pilot)
        assert overview(pilot).requests.cursor.index == 2
        await pilot.click("#keys", offset=(keys_of(pilot)["purge_cache"].start, 0))
        await settled(pilot)
        assert isinstance(pilot.app.screen, ChoiceDialog)
        await press(pilot, "escape")
        await pilot.click("#bar", offset=(14, 0))
        await settled(pilot)
        assert pilot.app.focused.id == "features"
