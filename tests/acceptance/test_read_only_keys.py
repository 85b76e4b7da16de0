"""Read-only with the whole dashboard over a real server: nothing is written, whatever is pressed or asked for.

Every handler that changes anything is called past the dashboard's own refusal and taken through its windows, so that
the engine alone stands before the store. What the store holds is compared byte by byte.
"""

from __future__ import annotations

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
from opalmind_tui.errors import ReadOnly
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.commands import Act, Outcome, Plan, Progress
from opalmind_tui.tui.action import DETAIL
from opalmind_tui.tui.actions import ACTIONS, DOORS, exists
from opalmind_tui.tui.app import OpalmindApp
from opalmind_tui.tui.dialogs import plan as plan_dialog
from opalmind_tui.tui.dialogs.control import ControlDialog
from opalmind_tui.tui.dialogs.later import LaterDialog
from opalmind_tui.tui.dialogs.plan import PlanDialog
from opalmind_tui.tui.dialogs.ttl import TtlDialog
from tests.acceptance.test_read_only import scene
from tests.engine.conftest import until
from tests.support.servers import Product, running
from tests.tui.support import screen_text

pytestmark = pytest.mark.slow


class Watched(Engine):
    """An engine that remembers which acts it was asked to carry out."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, role="dashboard", deliver=True)
        self.asked: list[Act] = []
        self.refused: list[Act] = []

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
async def opened(product: Product) -> AsyncIterator[tuple[Pilot[Any], Watched, redis.Redis]]:
    """The dashboard, read-only, once its first figures are there; in the store nothing ends by itself."""
    with running(product) as server:
        async with scene(server) as (settings, _, _, admin):
            for key in admin.scan_iter():
                admin.persist(key)
            engine = Watched(settings)
            app = OpalmindApp(engine, interval=1.0, on_start=engine.start, on_stop=engine.stop)
            async with app.run_test(size=(80, 24), notifications=True) as pilot:
                await seen(pilot, lambda: app.frame.snapshot is not None and app.frame.snapshot.queue.value is not None)
                yield pilot, engine, admin
            await engine.stop()


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


OF_OTHER_TIMES = {Act.ACKNOWLEDGE, Act.RELEASE, Act.RESUME}
"""Acts of which there is nothing to do in this scene."""
PLACES = (*(door.id for door in DOORS), DETAIL)


async def test_past_every_refusal_of_the_dashboard_the_engine_refuses(
    any_product: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_dialog, "ARM_AFTER", 0.001)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    async with opened(any_product) as (pilot, engine, admin):
        before, app = dump(admin), pilot.app
        for place in PLACES:
            await at(pilot, place)
            under = len(app.screen_stack)
            acting = [one for one in ACTIONS if one.changes and exists(one, app.operator.situation)]
            if place == "cache":
                await pressed(pilot, "enter")
                await seen(pilot, lambda: app.frame.situation.entry is not None)
            # What is everywhere is asked for once, what acts on requests in each list that has some.
            for tab in ("failed", "pending", "trash") if place == "queue" else ("",):
                while tab and app.frame.situation.tab != tab:
                    await pressed(pilot, "tab")
                if tab:
                    await seen(pilot, lambda: app.frame.situation.selected is not None)
                for action in acting:
                    if action.places or place == "overview":
                        app.operator.handlers[action.id]()
                        await pilot.pause()
                        await through(pilot, under)
        assert dump(admin) == before
        assert engine.refused == engine.asked
        assert set(engine.asked) == set(Act) - OF_OTHER_TIMES
