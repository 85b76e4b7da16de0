"""Quitting while requests live only in memory."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual.events import Key

from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.tui.app import OpalmindApp
from opalmind_tui.tui.dialogs import arming
from opalmind_tui.tui.dialogs.leaving import LeavingDialog
from opalmind_tui.tui.frame import Frame
from tests.tui.fixtures import degraded, healthy
from tests.tui.support import NEVER, armed, opened, refreshed, screen_text, settled


@pytest.mark.parametrize("keys", [("q",), ("ctrl+q",), ("ctrl+c",), ("question_mark", "ctrl+q")], ids=str)
async def test_it_asks_with_the_focus_on_staying(keys: tuple[str, ...]) -> None:
    async with opened(degraded()) as (pilot, _):
        await pilot.press(*keys)
        await settled(pilot)
        assert isinstance(pilot.app.screen, LeavingDialog)
        shown = screen_text(pilot)
        assert "12 requests live only in this dashboard" in shown
        assert "Connection refused at db.internal:6379" in shown
        await pilot.press("enter")
        await settled(pilot)
        assert not isinstance(pilot.app.screen, LeavingDialog)
        assert pilot.app.return_code is None


async def test_it_looks_as_it_should_though_no_key_came_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hung-up terminal or a mouse may ask to leave before anything else brought the look of the windows."""

    async def nothing(self: OpalmindApp) -> None: ...

    monkeypatch.setattr(OpalmindApp, "_bring_operator", nothing)
    async with opened(degraded()) as (pilot, _):
        pilot.app.leave()
        await settled(pilot)
        window = pilot.app.screen.query_one(".window")
        assert (window.styles.border_top[0], window.size.width) == ("round", 68)


async def test_saving_needs_no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arming, "ARM_AFTER", NEVER)
    async with opened(degraded()) as (pilot, engine):
        await pilot.press("q", "tab", "enter")
        await pilot.pause()
        assert pilot.app.return_code == 0
        assert not engine.left_behind


async def test_keys_typed_ahead_never_lose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arming, "ARM_AFTER", NEVER)
    async with opened(degraded()) as (pilot, engine):
        await pilot.press("q", "tab", "tab", "enter")
        await settled(pilot)
        assert pilot.app.return_code is None
        await pilot.press("q")
        await pilot.click("#lose")
        await settled(pilot)
        assert pilot.app.return_code is None
        assert not engine.left_behind


async def test_it_loses_once_it_could_be_read_and_then_by_no_earlier_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arming, "ARM_AFTER", 0.001)
    async with opened(degraded()) as (pilot, engine):
        early = [Key("enter", None) for _ in range(2)]
        await pilot.press("q")
        await armed(pilot)
        await pilot.press("tab", "tab")
        for key in early:
            pilot.app.post_message(key)
        await settled(pilot)
        assert isinstance(pilot.app.screen, LeavingDialog)
        assert pilot.app.focused.id == "lose"
        await pilot.press("enter")
        await pilot.pause()
        assert pilot.app.return_code == 0
        assert engine.left_behind


async def test_what_happens_meanwhile_is_shown() -> None:
    async with opened(degraded()) as (pilot, engine):
        await pilot.press("q")
        await refreshed(pilot, engine, replace(degraded(), store=replace(degraded().store, only_here=1)))
        assert "1 request lives only in this dashboard" in screen_text(pilot)
        await refreshed(pilot, engine, healthy())
        assert "Every request is in Redis again" in screen_text(pilot)


def in_demo() -> Snapshot:
    return replace(degraded(), identity=replace(degraded().identity, demo="normal"))


@pytest.mark.parametrize("state", [healthy, in_demo], ids=["nothing at stake", "demo"])
async def test_otherwise_it_leaves_at_once(state: object) -> None:
    async with opened(state()) as (pilot, engine):  # type: ignore[operator]
        assert isinstance(pilot.app.screen, Frame)
        await pilot.press("q")
        await pilot.pause()
        assert pilot.app.return_code == 0
        assert not engine.left_behind


async def test_a_hostile_reason_stays_text() -> None:
    store = replace(degraded().store, reason="\x1b[35m[bold]x[/x] \u202e", hand_over="/home/\x1b]0;x\x07")
    async with opened(replace(degraded(), store=store)) as (pilot, _):
        await pilot.press("q")
        await settled(pilot)
        shown = screen_text(pilot)
        assert "␛[35m[bold]x[/x]" in shown
        assert "\x1b" not in shown
