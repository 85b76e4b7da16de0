"""How every place and every window looks, as text, at each size, and at 80x24 in two themes: a golden file for each.

The table has all that `test_hostile_screens` knows, which fails for a place or a window without a case; so does a look
without its file. Make them anew with `pytest tests/tui/test_looks.py --snapshot-update`, and read the difference.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.pilot import Pilot

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.snapshot.commands import Outcome, Plan, Progress
from opalmind_tui.tui.dialogs import arming
from opalmind_tui.tui.dialogs import log as log_window
from opalmind_tui.tui.dialogs.plan import PlanDialog
from opalmind_tui.tui.themes import DARK, LIGHT
from tests.tui.engine import FakeDemo, FakeEngine, plain_plan
from tests.tui.support import armed, opened, replayed, screen_text, settled
from tests.tui.test_hostile_screens import PLACE_SCREENS, REPLAYED, SNAPSHOTS, WINDOWS, Screen

SIZES = ((60, 20), (120, 40), (200, 60), (80, 24))
"""The last one is looked at in both themes."""
THEMES = (DARK.name, LIGHT.name)
MANY = 1_234
Wait = Callable[[Pilot[Any]], Awaitable[None]]


class Unfinished(FakeEngine):
    """The connection is lost halfway through a plan."""

    async def run(self, plan: Plan, on_progress: Callable[[Progress], None] | None = None) -> Outcome:
        return Outcome("Redis is away", done=412, failed=822, error="Redis is away: connection reset", position=412)


class Endless(FakeEngine):
    """A plan that goes on and on."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.hold = asyncio.Event()


class Refusing(FakeEngine):
    """No plan can be made."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.plan_trouble = StoreUnavailable("refused", "Redis is away: connection refused", "Start it.")


def many(command: Any) -> Plan:
    """More than can be confirmed by a key."""
    ids = tuple(f"id{number}" for number in range(MANY))
    about = ("They are due at once, with attempts set to 0.",)
    return Plan(command, f"Retry {MANY:,} requests", MANY, (("inflight now", 7),), about, ids=ids, bytes=2_400_000)


CONFIRMED = ("tab", "enter")
PLANS: dict[str, tuple[Screen, type[FakeEngine], Callable[[Any], Plan]]] = {
    "plan: the count must be typed": (Screen(("r", "tab", "1", "2"), PlanDialog), FakeEngine, many),
    "plan: refused": (Screen(("r",), PlanDialog), Refusing, plain_plan),
    "plan: under way": (Screen(("r", *CONFIRMED), PlanDialog), Endless, plain_plan),
    "plan: unfinished": (Screen(("r", "tab", *"1234", "enter"), PlanDialog), Unfinished, many),
}
"""What becomes of a plan: keys, the engine, and how it plans."""
WITHOUT = {"save": "the name of its file is another each time; the window is that of the log"}
LOOKS = {**PLACE_SCREENS, **WINDOWS, **REPLAYED, **{name: case[0] for name, case in PLANS.items()}}


class Text(SingleFileSnapshotExtension):
    """A text file for each look."""

    _write_mode = WriteMode.TEXT
    _file_extension = "txt"


@pytest.fixture(autouse=True)
def _still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing depends on how fast it was, or on where."""
    monkeypatch.setattr(arming, "ARM_AFTER", 0.001)
    monkeypatch.chdir(tmp_path)
    path = Path("dashboard.log")
    path.write_text("2025-03-01T02:30:00Z INFO started\n2025-03-01T02:31:00Z WARNING Matomo answers 503\n")
    monkeypatch.setattr(log_window, "log_path", lambda: path)


@asynccontextmanager
async def shown(name: str) -> AsyncIterator[Pilot[Any]]:
    """The dashboard, before any key."""
    snapshot = SNAPSHOTS[LOOKS[name].state]()
    if name in REPLAYED:
        film = (snapshot, *(replace(snapshot, taken_at=snapshot.taken_at + number) for number in range(1, 9)))
        async with replayed(*film, size=SIZES[0]) as pilot:
            yield pilot
        return
    _, make, planning = PLANS.get(name, (None, FakeEngine, plain_plan))
    async with opened(snapshot, size=SIZES[0], engine=make(snapshot, planning), demo=FakeDemo()) as (pilot, _):
        yield pilot


def colours(pilot: Pilot[Any]) -> str:
    """A short sum over every cell's colours and attributes."""
    found = blake2b(digest_size=8)
    for strip in pilot.app.screen._compositor.render_strips():
        for text, style, _ in strip:
            seen = style and (style.color, style.bgcolor, style.bold, style.reverse, style.dim, style.underline)
            found.update(repr((text, seen)).encode("utf-8", "surrogatepass"))
    return found.hexdigest()


async def drawn(pilot: Pilot[Any]) -> None:
    """Wait until all was drawn; what is under way stays so."""
    for _ in range(4):
        await pilot.pause()


async def look(pilot: Pilot[Any], size: tuple[int, int], wait: Wait) -> str:
    """The screen at a size, and its colours."""
    await pilot.resize_terminal(*size)
    await wait(pilot)
    rows = [row.rstrip() for row in screen_text(pilot).split("\n")]
    sums = []
    for theme in THEMES if size == SIZES[-1] else THEMES[:1]:
        if pilot.app.theme != theme:
            pilot.app.theme = theme
            await wait(pilot)
        sums.append(f"{theme} {colours(pilot)}")
    return "\n".join([f"===== {size[0]}x{size[1]}  {'  '.join(sums)}", *rows, ""])


@pytest.mark.parametrize("name", [name for name in LOOKS if name not in WITHOUT])
async def test_look(name: str, snapshot: SnapshotAssertion) -> None:
    case = LOOKS[name]
    wait: Wait = settled
    async with shown(name) as pilot:
        for key in case.keys:
            if key == "enter" and name == "plan: under way":
                wait = drawn
            await pilot.press(key)
            await wait(pilot)
            await armed(pilot)
        assert isinstance(pilot.app.screen, case.kind), screen_text(pilot)
        texts = [await look(pilot, size, wait) for size in SIZES]
    assert "".join(texts) == snapshot(extension_class=Text)
