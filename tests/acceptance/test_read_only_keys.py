"""Read-only with the whole dashboard over a real server: nothing is written, whatever is pressed or asked for.

Every key of the table, every entry of the palette, and every handler behind them, past the dashboard's own refusal and
through its windows, so that the engine alone stands before the store. What the store holds is compared byte by byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Button

from opalmind_tui.engine.engine import Engine
from opalmind_tui.errors import ReadOnly, StoreUnavailable
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.commands import Act, Command, Outcome, Plan, Progress
from opalmind_tui.tui.action import ANYWHERE, DETAIL
from opalmind_tui.tui.actions import ACTIONS, BY_ID, DOORS, READ_ONLY, exists
from opalmind_tui.tui.app import OpalmindApp
from opalmind_tui.tui.dialogs import arming
from opalmind_tui.tui.dialogs.control import ControlDialog
from opalmind_tui.tui.dialogs.detail import DetailDialog
from opalmind_tui.tui.dialogs.later import LaterDialog
from opalmind_tui.tui.dialogs.plan import PlanDialog
from opalmind_tui.tui.dialogs.ttl import TtlDialog
from tests.acceptance.test_read_only import scene
from tests.engine.conftest import until
from tests.support.servers import Product, running
from tests.tui.support import screen_text

pytestmark = pytest.mark.slow
LEAVES = "quit"
"""The action that ends the dashboard: its key is pressed last."""


class Watched(Engine):
    """An engine that remembers which acts it was asked to carry out."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, role="dashboard", deliver=True)
        self.asked: list[Act] = []
        self.refused: list[Act] = []
        self.unanswered = 0

    async def plan(self, command: Command, on_progress: Callable[[Progress], None] | None = None) -> Plan:
        try:
            return await super().plan(command, on_progress)
        except StoreUnavailable:
            self.unanswered += 1
            raise

    async def run(self, plan: Plan, on_progress: Callable[[Progress], None] | None = None) -> Outcome:
        act = Act.UNDO if plan.undoes else plan.command.act
        self.asked.append(act)
        try:
            return await super().run(plan, on_progress)
        except ReadOnly:
            self.refused.append(act)
            raise


def dump(admin: redis.Redis) -> dict[bytes, bytes | None]:
    """All that the store holds, the audit among it."""
    held = {key: admin.dump(key) for key in admin.scan_iter(count=1_000)}
    assert b"opalmind:stats:audit" in held
    return held


@asynccontextmanager
async def opened(product: Product) -> AsyncIterator[tuple[Pilot[Any], Watched]]:
    """The dashboard, read-only, once its first figures are there; in the store nothing ends by itself.

    After it was left the store holds what it held before it was started.
    """
    with running(product) as server:
        async with scene(server) as (settings, _, _, admin):
            for key in admin.scan_iter():
                admin.persist(key)
            before = dump(admin)
            engine = Watched(settings)
            app = OpalmindApp(engine, interval=1.0, on_start=engine.start, on_stop=engine.stop)
            async with app.run_test(size=(80, 24), notifications=True) as pilot:
                await seen(pilot, lambda: app.frame.snapshot is not None and app.frame.snapshot.queue.value is not None)
                yield pilot, engine
                await at(pilot, "overview")
                await pilot.press(*BY_ID[LEAVES].keys[:1])
                await until(lambda: asyncio.sleep(0, app.return_code == 0))
            await engine.stop()
            assert dump(admin) == before


async def seen(pilot: Pilot[Any], holds: Callable[[], bool]) -> None:
    """Wait until something holds."""

    async def now() -> bool:
        await pilot.pause()
        return holds()

    try:
        await until(now)
    except TimeoutError:
        raise AssertionError(screen_text(pilot)) from None


async def pressed(pilot: Pilot[Any], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await pilot.pause()


async def closed(pilot: Pilot[Any], under: int = 1) -> None:
    """Close all windows but so many."""
    app = pilot.app
    while len(app.screen_stack) > under:
        app.screen.dismiss(None) if not isinstance(app.screen, CommandPalette) else await pilot.press("escape")
        await pilot.pause()


async def at(pilot: Pilot[Any], place: str) -> None:
    """Go to a place; to the window of a request from the queue's first list."""
    app = pilot.app
    await closed(pilot)
    if app.focused is not None and app.focused.id == "box":
        await pressed(pilot, "escape")
    if app.poller.paused:
        app.operator.do("pause")
    while app.frame.place.clear():
        await pilot.pause()
    app.operator.do("queue" if place == DETAIL else place)
    await seen(pilot, lambda: app.frame.place.place == ("queue" if place == DETAIL else place))
    if place in ("queue", DETAIL):
        while app.frame.situation.tab != "failed":
            await pressed(pilot, "tab")
        await seen(pilot, lambda: app.frame.situation.selected is not None)
    if place == DETAIL:
        while not isinstance(app.screen, DetailDialog):
            await pressed(pilot, "enter")
    if place == "cache":
        while app.frame.situation.entry is None:
            await pressed(pilot, "enter")


async def confirmed(pilot: Pilot[Any], window: PlanDialog) -> None:
    """Confirm a plan as soon as that can be, and wait for what comes of it."""
    confirm, cancel = window.query_one("#confirm", Button), window.query_one("#cancel", Button)

    def told() -> bool:
        return str(cancel.label) == "Close"

    await seen(pilot, lambda: told() or (bool(confirm.display) and not confirm.disabled))
    if not told():
        confirm.press()
        await seen(pilot, lambda: pilot.app.screen is not window or told())


async def through(pilot: Pilot[Any], under: int) -> None:
    """Answer every window as somebody does who wants it done."""
    app = pilot.app
    for _ in range(6):
        window = app.screen
        if len(app.screen_stack) <= under:
            return
        if isinstance(window, PlanDialog):
            await confirmed(pilot, window)
            break
        if isinstance(window, ControlDialog):
            await pressed(pilot, "5", "enter")
        elif isinstance(window, LaterDialog):
            await pressed(pilot, "5", "m", "enter")
        elif isinstance(window, TtlDialog):
            await pressed(pilot, "tab", "9", "m", "enter")
        elif under > 1:
            await pressed(pilot, "down", "enter")  # yes, reveal it
        else:
            await pressed(pilot, "enter")
    await closed(pilot, under)


async def carried_out(pilot: Pilot[Any], engine: Watched, action: str, under: int) -> None:
    """Let an action's handler do all that it does; anew where the server, on a busy machine, did not answer in time."""
    operator, unanswered = pilot.app.operator, -1
    while unanswered != engine.unanswered:
        unanswered = engine.unanswered
        if operator.situation.place in ANYWHERE:
            await seen(pilot, lambda: operator.situation.selected is not None)
        operator.handlers[action]()
        await pilot.pause()
        await through(pilot, under)


def files_in(folder: Path) -> set[str]:
    """The folders that have files."""
    return {path.parent.name for path in folder.rglob("*") if path.is_file()}


def entry_of(action: str, place: str = "") -> str:
    """The title of an action in the palette."""
    return f"{BY_ID[action].label_in(place)} ({BY_ID[action].sign})"


MOVES = {"find", "back", *(door.id for door in DOORS)}
"""After these another place, or a field, has the keys."""
UNLISTED = {entry_of(one.id) for one in ACTIONS if one.group == "Move" or one.id == "palette" or one.places}
OF_OTHER_TIMES = {Act.ACKNOWLEDGE, Act.RELEASE, Act.RESUME}
"""Acts of which there is nothing to do in this scene."""
PLACES = (*(door.id for door in DOORS), DETAIL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where files of ours go; plans can be confirmed at once."""
    monkeypatch.setattr(arming, "ARM_AFTER", 0.001)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


async def every_place(pilot: Pilot[Any]) -> AsyncIterator[tuple[str, int]]:
    """Go to each place in turn: its name, and how many screens lie one upon the other there."""
    for place in PLACES:
        await at(pilot, place)
        yield place, len(pilot.app.screen_stack)


async def test_no_key_and_no_entry_of_the_palette_writes(
    any_product: Product, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(any_product) as (pilot, engine):
        app = pilot.app
        refused: list[str] = []
        monkeypatch.setattr(app.operator, "refuse", refused.append)
        keys: set[str] = set()
        ran = {entry_of(LEAVES)}
        async for place, under in every_place(pilot):
            for action in ACTIONS:
                if action.id == LEAVES or not exists(action, app.operator.situation):
                    continue
                # Each key once; where it changes anything, or is of few places, one of its keys in each of them.
                unpressed = [key for key in action.keys if key not in keys]
                for key in unpressed or action.keys[: action.changes or bool(action.places)]:
                    refused.clear()
                    await pressed(pilot, key)
                    keys.add(key)
                    if action.changes:
                        await seen(pilot, lambda: bool(refused))
                        assert refused == [READ_ONLY], (place, action.id, key)
                        assert len(app.screen_stack) == under
                    elif len(app.screen_stack) > under or action.id in MOVES:
                        await at(pilot, place)
            offered = {entry.title: entry.callback for entry in app.get_system_commands(app.screen)}
            assert not offered.keys() & {entry_of(one.id, place) for one in ACTIONS if one.changes}
            for title in [title for title in offered if title not in ran]:
                offered[title]()
                await pressed(pilot, "tab")
                if len(app.screen_stack) > under:
                    await pressed(pilot, "enter")
                await at(pilot, place)
            ran |= offered.keys()
            assert engine.asked == []
        assert ran >= {entry_of(one.id) for one in ACTIONS if not (one.changes or one.only or one.demo_only)} - UNLISTED
        live = {key for one in ACTIONS if one.only != "replay" and not one.demo_only for key in one.keys}
        assert live - keys == set(next(one.keys for one in ACTIONS if one.id == LEAVES)), "every key was pressed"
    assert files_in(folder) <= {"recordings"}, "no file but the recording that was asked for"


async def test_past_every_refusal_of_the_dashboard_the_engine_refuses(any_product: Product, folder: Path) -> None:
    async with opened(any_product) as (pilot, engine):
        app = pilot.app
        async for place, under in every_place(pilot):
            acting = [one for one in ACTIONS if one.changes and exists(one, app.operator.situation)]
            # What is everywhere is asked for once, what acts on requests in each list that has some.
            for tab in ("failed", "pending", "trash") if place == "queue" else ("",):
                while tab and app.frame.situation.tab != tab:
                    await pressed(pilot, "tab")
                for action in acting:
                    if action.places or place == "overview":
                        await carried_out(pilot, engine, action.id, under)
        assert engine.refused == engine.asked
        assert set(engine.asked) == set(Act) - OF_OTHER_TIMES
