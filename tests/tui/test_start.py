"""What the dashboard's start brings in which order."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from textual.css import stylesheet

from opalmind_tui.recording.recorder import Recorder
from opalmind_tui.settings.ui import Ui
from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.snapshot.wanted import NEWEST, Wanted
from opalmind_tui.tui import app as app_module
from opalmind_tui.tui.app import OpalmindApp
from opalmind_tui.tui.frame import Frame
from opalmind_tui.tui.remapping import Preferences
from opalmind_tui.tui.themes import THEMES, Colours
from tests.tui.engine import FakeEngine
from tests.tui.fixtures import healthy


class Silent(FakeEngine):
    """Its first answer never comes."""

    async def take_snapshot(self, wanted: Wanted = NEWEST) -> Snapshot:
        await asyncio.Event().wait()
        raise AssertionError


async def test_the_work_begins_behind_the_first_figures_and_once() -> None:
    order: list[str] = []

    async def started() -> None:
        order.append("started")

    async def seen() -> None:
        shown = app.frame.snapshot is not None
        order.append(f"seen, figures {shown}")

    app = OpalmindApp(FakeEngine(healthy()), interval=0.05, on_start=started, on_seen=seen)
    async with app.run_test() as pilot, asyncio.timeout(20):
        while len(order) < 2 or app.engine.rows[3:] == []:  # type: ignore[attr-defined]
            await pilot.pause(0.01)
    assert order == ["started", "seen, figures True"]


async def test_the_work_begins_also_where_no_figures_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "_SEEN_WITHIN", 0.05)
    begun = asyncio.Event()

    async def seen() -> None:
        begun.set()

    app = OpalmindApp(Silent(healthy()), on_seen=seen)
    async with app.run_test(), asyncio.timeout(20):
        await begun.wait()
        assert app.frame.snapshot is None


async def test_the_first_frame_is_made_for_the_terminal_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a size found out later changes would be styled, laid out and painted a second time."""
    frames: list[tuple[set[str], list[str | None]]] = []
    layout = Frame._refresh_layout

    def laid_out(self: Frame, *arguments: Any, **named: Any) -> None:
        layout(self, *arguments, **named)
        frames.append((set(self.classes), [part.id for part in self.place.children if part.display]))

    monkeypatch.setattr(Frame, "_refresh_layout", laid_out)
    for size, classes in (((160, 50), {"-full", "-tall", "-wide", "-huge"}), ((100, 30), {"-wide"})):
        frames.clear()
        async with OpalmindApp(Silent(healthy())).run_test(size=size) as pilot:
            await pilot.pause()
        assert frames[0] == frames[-1]
        assert classes == {name for name in frames[0][0] if name in ("-full", "-tall", "-wide", "-huge", "-small")}


async def test_a_size_is_arranged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual tells it several times at the start."""
    told: list[object] = []
    layout = Frame._refresh_layout

    def laid_out(self: Frame, *arguments: Any, **named: Any) -> None:
        # Without a size it is for what changed inside.
        told.extend(arguments)
        layout(self, *arguments, **named)

    monkeypatch.setattr(Frame, "_refresh_layout", laid_out)
    async with OpalmindApp(Silent(healthy())).run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert told == [(100, 30)]
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert told[1] == (120, 40)
        assert pilot.app.screen.size == (120, 40)


async def test_a_part_is_styled_once_before_it_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    styled: list[str | None] = []
    apply = stylesheet.Stylesheet.apply

    def noted(self: stylesheet.Stylesheet, node: Any, *arguments: Any, **named: Any) -> None:
        styled.append(node.id)
        apply(self, node, *arguments, **named)

    monkeypatch.setattr(stylesheet.Stylesheet, "apply", noted)
    async with OpalmindApp(Silent(healthy())).run_test(size=(120, 40)) as pilot:
        await pilot.pause()
    assert styled.count("queue") == styled.count("health") == styled.count("header") == 1


async def test_the_style_sheet_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    parse = stylesheet.parse

    def noted(scope: str, css: str, *arguments: Any, **named: Any) -> Any:
        parsed.append(css)
        return parse(scope, css, *arguments, **named)

    monkeypatch.setattr(stylesheet, "parse", noted)
    app = OpalmindApp(Silent(healthy()), preferences=Preferences(ui=Ui(theme="light")))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.theme == THEMES[Colours.MANY]["light"].name
        look, windows = (
            (Path(app_module.__file__).parent / name).read_text("utf-8") for name in ("look.tcss", "windows.tcss")
        )
        assert (parsed.count(look), parsed.count(windows)) == (1, 0)
        await pilot.press("question_mark", "escape", "question_mark")
        await pilot.pause()
        assert parsed.count(windows) == 1


async def test_a_snapshot_is_kept_once_it_is_on_the_screen() -> None:
    """What is kept first costs as much as a paint; every one is kept, in turn."""

    class Kept(Recorder):
        def take(self, snapshot: Snapshot) -> None:
            kept.append((snapshot.taken_at, app.frame.snapshot is snapshot))
            super().take(snapshot)

    kept: list[tuple[float, bool]] = []
    app = OpalmindApp(FakeEngine(healthy()), interval=0.05, recorder=Kept("1"))
    async with app.run_test() as pilot, asyncio.timeout(20):
        while len(kept) < 3:
            await pilot.pause(0.01)
    assert all(shown for _, shown in kept)
