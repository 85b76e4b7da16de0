"""Text from strangers stays text: on every panel, in every dialog, in notifications (I9)."""

from __future__ import annotations

from collections.abc import Iterator
from unicodedata import category

import pytest
from msgspec.structs import replace

from opalmind_tui.errors import OpalmindError
from opalmind_tui.snapshot.model import Mode, Reading, Snapshot
from opalmind_tui.text import cells
from opalmind_tui.tui.dialogs import arming
from opalmind_tui.tui.lines import Area, Line
from opalmind_tui.tui.panels import cache, features, header, health, queue, requests, server, trends
from opalmind_tui.tui.sheet import frame
from tests.tui.engine import FakeEngine
from tests.tui.fixtures import STATES, healthy
from tests.tui.hostile import MARKUP, PAYLOADS, poisoned, poisoned_plan
from tests.tui.support import opened, screen_text, settled
from tests.tui.test_actions import confirm, press

PANELS = (queue, cache, server, features, health, trends)
SIZES = ((20, 10), (24, 10), (30, 10), (39, 12), (66, 13), (80, 8))


def is_harmless(text: str) -> bool:
    return all(category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for char in text)


def every_line(snapshot: Snapshot) -> Iterator[tuple[Line, int]]:
    """Every line that the overview can draw of a snapshot, with the cells that it must fill."""
    for width, height in SIZES:
        area = Area(width, height)
        for panel in PANELS:
            yield from ((line, width) for line in frame(panel.render(snapshot, area), area))
    for width in (60, 80, 120, 200):
        yield from ((line, width) for line in header.render(snapshot, width))
        for row in snapshot.requests.value or ():
            yield requests.request_line(row, snapshot.taken_at, width, sites={row.site: row.label}), width


@pytest.mark.parametrize("state", ["healthy", "outage", "degraded", "error"])
@pytest.mark.parametrize("start", range(0, len(PAYLOADS), 9))
def test_lines_are_harmless_and_as_wide_as_they_say(state: str, start: int) -> None:
    for line, width in every_line(poisoned(STATES[state](), start)):
        text = "".join(span.text for span in line)
        assert is_harmless(text), ascii(text)
        assert cells(text) == width, ascii(text)


@pytest.mark.parametrize("state", STATES)
def test_lines_of_honest_states_are_as_wide_as_they_say(state: str) -> None:
    for line, width in every_line(STATES[state]()):
        assert cells("".join(span.text for span in line)) == width


async def test_markup_is_shown_as_it_is() -> None:
    rows = tuple(replace(row, label=text) for row, text in zip(healthy().requests.value or (), MARKUP, strict=False))
    async with opened(replace(healthy(), requests=Reading(rows, healthy().taken_at)), size=(200, 60)) as (pilot, _):
        shown = screen_text(pilot)
        for text in MARKUP[: len(rows)]:
            assert text in shown


KEYS = ("enter", "r", "R", "D", "c", "t", "question_mark", "v", "ctrl+p")


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=str)
async def test_every_dialog(size: tuple[int, int]) -> None:
    engine = FakeEngine(poisoned(healthy()), poisoned_plan)
    async with opened(engine.snapshot, size=size, engine=engine) as (pilot, _):
        for number, key in enumerate(KEYS):
            engine.snapshot = poisoned(healthy(), number * 7)
            pilot.app.poller.look()
            await press(pilot, key)
            assert is_harmless(screen_text(pilot).replace("\n", "")), ascii(screen_text(pilot))
            await press(pilot, "escape")
        for _ in range(3):
            await press(pilot, "tab")
            assert is_harmless(screen_text(pilot).replace("\n", ""))


async def test_notifications() -> None:
    async with opened(healthy()) as (pilot, _):
        for payload in PAYLOADS:
            pilot.app.operator.refuse(payload)
            await pilot.pause()
            assert is_harmless(screen_text(pilot).replace("\n", "")), ascii(payload)


@pytest.mark.parametrize(
    "payload", ["[/nope]", "[@click=app.quit]go[/]", "\x1b[35m\x1b]0;t\x1b\\", "\ud800\x9b\x00"], ids=ascii
)
async def test_outcomes_and_errors(payload: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arming, "ARM_AFTER", 0.001)
    engine = FakeEngine(healthy(), poisoned_plan)
    async with opened(engine.snapshot, engine=engine) as (pilot, _):
        await press(pilot, "R")
        engine.outcome = payload
        await confirm(pilot)
        assert is_harmless(screen_text(pilot).replace("\n", ""))
        engine.plan_trouble = OpalmindError(payload)
        await press(pilot, "R")
        assert is_harmless(screen_text(pilot).replace("\n", ""))
        engine.trouble = RuntimeError(payload)
        pilot.app.poller.look()
        await press(pilot, "escape")
        await settled(pilot)
        assert is_harmless(screen_text(pilot).replace("\n", ""))


async def test_memory_mode() -> None:
    snapshot = poisoned(STATES["degraded"]())
    assert snapshot.store.mode is Mode.MEMORY
    async with opened(snapshot) as (pilot, _):
        assert is_harmless(screen_text(pilot).replace("\n", ""))
        assert "DEGRADED" in screen_text(pilot)
