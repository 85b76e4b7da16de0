"""Text from strangers stays text in every place and every window (I9). One table: whoever adds one adds its case."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from textual.events import Paste
from textual.pilot import Pilot
from textual.widgets import Input

from opalmind_tui.logs import file as log_file
from opalmind_tui.recording.replay import Replay
from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.tui import dialogs
from opalmind_tui.tui.app import OpalmindApp
from opalmind_tui.tui.dialogs.arming import ArmedDialog
from opalmind_tui.tui.dialogs.choice import ChoiceDialog
from opalmind_tui.tui.dialogs.control import ControlDialog
from opalmind_tui.tui.dialogs.detail import DetailDialog
from opalmind_tui.tui.dialogs.hand_over import HandOverDialog
from opalmind_tui.tui.dialogs.jump import JumpDialog
from opalmind_tui.tui.dialogs.later import LaterDialog
from opalmind_tui.tui.dialogs.leaving import LeavingDialog
from opalmind_tui.tui.dialogs.plan import PlanDialog
from opalmind_tui.tui.dialogs.reading import ReadingDialog
from opalmind_tui.tui.dialogs.ttl import TtlDialog
from opalmind_tui.tui.dialogs.window import Dialog
from opalmind_tui.tui.frame import Frame
from opalmind_tui.tui.places.table import PLACES
from opalmind_tui.tui.typed import pasted
from tests.tui.cases import press
from tests.tui.engine import FakeDemo
from tests.tui.fixtures import STATES
from tests.tui.history_fixtures import incident
from tests.tui.hostile import MARKUP, PAYLOADS, HostileEngine, poisoned
from tests.tui.support import NEVER, opened, recording, screen_text, settled
from tests.tui.test_hostile import is_harmless

SNAPSHOTS = {**STATES, "incident": incident}
STARTS = (0, len(PAYLOADS) // 2)
"""Each gives every field another payload."""
COMMANDS = ("\x1b[2J", "\u202egnp.exe", "\x9b31mC1", "[@click=app.quit]go[/]")
"""What is pasted: a command, a turn of the writing, one byte that commands, markup."""
SMALL, LARGE = (80, 24), (120, 40)


@dataclass(frozen=True, slots=True)
class Screen:
    """What must be pressed to come there.

    Args:
        keys: from the overview on.
        kind: the screen that is on top then.
        state: what the dashboard shows.
        foreign: whether anything there was written by strangers; else only what is pasted into its fields.
    """

    keys: tuple[str, ...]
    kind: type[Any] = Frame
    state: str = "healthy"
    foreign: bool = True


PLACE_SCREENS = {
    "overview": Screen(()),
    "queue": Screen(("2",)),
    "queue: filter": Screen(("2", "slash")),
    "queue: marked": Screen(("2", "x", "x")),
    "queue: groups": Screen(("2", "shift+tab")),
    "cache": Screen(("3",)),
    "cache: entries": Screen(("3", "enter")),
    "cache: value": Screen(("3", "enter", "enter")),
    "redis": Screen(("4",)),
    "redis: keys": Screen(("4", "tab")),
    "fleet": Screen(("5",)),
    "doctor": Screen(("6",)),
    "audit": Screen(("7",)),
    "history": Screen(("8",), state="incident"),
}
WINDOWS = {
    "detail": Screen(("enter",), DetailDialog),
    "reveal": Screen(("enter", "e"), ChoiceDialog, foreign=False),
    "plan": Screen(("r",), PlanDialog),
    "later": Screen(("2", "w"), LaterDialog, foreign=False),
    "hand-over": Screen(("H",), HandOverDialog),
    "save": Screen(("S",), ReadingDialog, foreign=False),
    "log": Screen(("O",), ReadingDialog),
    "help": Screen(("question_mark",), ReadingDialog, foreign=False),
    "ttl": Screen(("t",), TtlDialog),
    "control": Screen(("P",), ControlDialog, foreign=False),
    "choice": Screen(("c",), ChoiceDialog),
    "mood": Screen(("m",), ChoiceDialog, foreign=False),
    "leaving": Screen(("q",), LeavingDialog, "degraded"),
}
REPLAYED = {
    "replay": Screen(()),
    "replay: queue": Screen(("2",)),
    "replay: audit": Screen(("7",)),
    "replay: jump": Screen(("J",), JumpDialog, foreign=False),
}


def all_dialogs() -> set[type[Any]]:
    """Every window that there is."""
    for module in pkgutil.iter_modules(dialogs.__path__):
        importlib.import_module(f"{dialogs.__name__}.{module.name}")
    kinds = {*Dialog.__subclasses__(), *ArmedDialog.__subclasses__()} - {ArmedDialog}
    return {kind for kind in kinds if kind.__module__.startswith("opalmind_tui")}


def test_every_place_and_every_window_has_a_case() -> None:
    assert {name.partition(":")[0] for name in PLACE_SCREENS} == {entry.id for entry in PLACES}
    assert {case.kind for case in (*WINDOWS.values(), *REPLAYED.values())} - {Frame} == all_dialogs()


@pytest.fixture(autouse=True)
def _hostile_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log and files of our own: in the log, too, strangers have their say."""
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    path = log_file.log_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(PAYLOADS), "utf-8", "surrogatepass")


@asynccontextmanager
async def shown(case: Screen, engine: HostileEngine, *, replay: bool) -> AsyncIterator[Pilot[Any]]:
    """A dashboard on strangers' texts, live or from a recording."""
    if not replay:
        async with opened(engine.snapshot, size=LARGE, engine=engine, demo=FakeDemo()) as (pilot, _):
            yield pilot
        return
    kept = Replay(recording(*(poisoned(SNAPSHOTS[case.state](), start) for start in STARTS)))
    async with OpalmindApp(kept, interval=NEVER, playback=kept.playback).run_test(size=LARGE) as pilot:
        await settled(pilot)
        yield pilot


def check(pilot: Pilot[Any]) -> str:
    """What is on the screen; nothing in it commands a terminal."""
    text = screen_text(pilot)
    assert is_harmless(text.replace("\n", "")), ascii(text)
    return text


async def paste(pilot: Pilot[Any]) -> None:
    """What an operator pastes into a field may come from a stranger, too."""
    for field in pilot.app.screen.query(Input):
        field.focus()
        for payload in COMMANDS:
            field.value = ""
            pilot.app.post_message(Paste(payload))
            await pilot.pause()
            check(pilot)


def test_what_is_pasted_commands_nothing() -> None:
    for payload in PAYLOADS:
        assert is_harmless(pasted(payload).replace("\n", "")), ascii(payload)
    assert pasted("a\tb  Grüße 日本\nc") == "a b  Grüße 日本\nc"


ALL = {**PLACE_SCREENS, **WINDOWS, **REPLAYED}


@pytest.mark.parametrize("name", ALL)
async def test_screen(name: str) -> None:
    case, replay = ALL[name], name in REPLAYED
    base: Snapshot = SNAPSHOTS[case.state]()
    engine = HostileEngine(base)
    seen = ""
    async with shown(case, engine, replay=replay) as pilot:
        for number, start in enumerate(STARTS if case.foreign else STARTS[:1]):
            engine.start = start
            await pilot.resize_terminal(*LARGE)
            if number == 0 or case.kind is not Frame:
                await press(pilot, *case.keys)
            elif replay:
                await press(pilot, "full_stop")
            else:
                pilot.app.poller.look()
                await settled(pilot)
            assert isinstance(pilot.app.screen, case.kind), screen_text(pilot)
            seen += check(pilot)
            await pilot.resize_terminal(*SMALL)
            seen += check(pilot)
            if number == 0:
                await paste(pilot)
            while not isinstance(pilot.app.screen, Frame):
                await press(pilot, "escape")
            if case.kind is not Frame:
                await press(pilot, "1")
    assert any(payload in seen for payload in MARKUP) or not case.foreign, "no payload came into view"
