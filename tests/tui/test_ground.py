"""Widgets that go out as they are look as Textual would have painted them, in every place and every window."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from rich.style import Style
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widget import Widget

from opalmind_tui.tui.card import Card
from opalmind_tui.tui.drawn import remembered
from opalmind_tui.tui.ground import Grounded
from opalmind_tui.tui.line_view import LineView
from opalmind_tui.tui.lines import Area, Line, Span
from opalmind_tui.tui.themes import LIGHT
from tests.tui.cases import press
from tests.tui.engine import FakeDemo, FakeEngine
from tests.tui.fixtures import STATES, healthy
from tests.tui.history_fixtures import incident
from tests.tui.support import dashboard, opened, refreshed, settled
from tests.tui.test_hostile_screens import PLACE_SCREENS, SMALL, WINDOWS

SCREENS = {**PLACE_SCREENS, **WINDOWS}
SNAPSHOTS = {**STATES, "incident": incident}


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a window saves is for nobody else."""
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))


def cells_of(strips: list[Strip]) -> list[list[tuple[Any, ...]]]:
    """What each cell of the terminal gets; a blank has only a ground."""
    return [
        list(chain.from_iterable(_look(text, style or Style.null()) for text, style, _ in strip)) for strip in strips
    ]


def _look(text: str, style: Style) -> list[tuple[Any, ...]]:
    return [
        (char, style.bgcolor, bool(style.reverse), *((style.color, bool(style.bold)) if char.strip() else ()))
        for char in text
    ]


def difference(own: list[Strip], others: list[Strip]) -> object:
    """The first cell that differs; None where none does."""
    mine, theirs = cells_of(own), cells_of(others)
    if [*map(len, mine)] != [*map(len, theirs)]:
        return "sizes"
    pairs = zip(chain.from_iterable(mine), chain.from_iterable(theirs), strict=True)
    return next(((number, *pair) for number, pair in enumerate(pairs) if pair[0] != pair[1]), None)


def check(pilot: Pilot[Any], monkeypatch: pytest.MonkeyPatch) -> int:
    """All of them that are in view look as they should; how many there are."""
    checked = 0
    for screen in pilot.app.screen_stack:
        for widget in (screen, *screen.query("*")):
            if not isinstance(widget, Grounded) or not widget.region:
                continue
            whole = widget.region.reset_offset
            own = widget.render_lines(whole)
            with monkeypatch.context() as patched:
                if isinstance(widget, LineView):
                    patched.setattr(widget, "render_line", widget._strip)
                widget._styles_cache.clear()
                textuals = Widget.render_lines(widget, whole)
            assert difference(own, textuals) is None, widget
            checked += 1
    return checked


@pytest.mark.parametrize("name", SCREENS)
async def test_screen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = SCREENS[name]
    async with opened(SNAPSHOTS[case.state](), size=(120, 40), demo=FakeDemo()) as (pilot, _):
        await press(pilot, *case.keys)
        assert isinstance(pilot.app.screen, case.kind)
        assert check(pilot, monkeypatch) >= 4
        await pilot.resize_terminal(*SMALL)
        assert check(pilot, monkeypatch) >= 4


@pytest.mark.parametrize("colours", ["light", "none"])
async def test_another_look(colours: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if colours == "none":
        monkeypatch.setenv("NO_COLOR", "1")
    app = dashboard(FakeEngine(healthy()))
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        if colours == "light":
            queue = app.screen.query_one("#queue", Card)
            before = _colours(app.frame, 1), _colours(queue, 1), _colours(queue, 3)
            app.theme = LIGHT.name
            await settled(pilot)
            after = _colours(app.frame, 1), _colours(queue, 1), _colours(queue, 3)
            assert all(now != former for now, former in zip(after, before, strict=True))
        assert check(pilot, monkeypatch) >= 10


def _colours(widget: Widget, which: int) -> set[Any]:
    """All that it is painted with: 1 the grounds, 3 the text."""
    seen = chain.from_iterable(cells_of(widget.render_lines(widget.region.reset_offset)))
    return {colour for cell in seen for colour in cell[which : which + 1]}


async def test_a_part_is_the_same_part_of_the_whole() -> None:
    async with opened(healthy(), size=(120, 40)) as (pilot, _):
        card = pilot.app.screen.query_one("#queue", Card)
        whole = card.region.reset_offset
        part = whole.shrink((1, 3, 2, 5))
        rows = cells_of(card.render_lines(whole))[part.y : part.bottom]
        assert cells_of(card.render_lines(part)) == [row[part.x : part.right] for row in rows]
        wide = pilot.app.frame.render_lines(part)
        assert [strip.cell_length for strip in wide] == [part.width] * part.height


async def test_a_card_that_shows_the_same_is_not_framed_again() -> None:
    async with opened(healthy(), size=(120, 40)) as (pilot, engine):
        health = pilot.app.screen.query_one("#health", Card)
        before = health._lines
        await refreshed(pilot, engine, engine.snapshot)
        assert health._lines is before
        await pilot.resize_terminal(130, 40)
        await settled(pilot)
        assert health._lines is not before


async def test_a_card_is_framed_again_for_focus_scroll_and_height() -> None:
    async with opened(healthy(), size=(120, 40)) as (pilot, _):
        health = pilot.app.screen.query_one("#health", Card)
        health.focus()
        await pilot.pause()
        assert health._lines[0][0].text == "▌"
        health.move(1)
        scrolled = health._lines
        assert "↑" in "".join(span.text for span in scrolled[0])
        pilot.app.screen.query_one("#features", Card).focus()
        await pilot.pause()
        assert health._lines[0][0].text == " "
        assert len(health.draw(Area(44, 6))) == 6
        assert len(health.draw(Area(44, 5))) == 5


def test_what_is_remembered_is_drawn_for_something_else_only() -> None:
    drawn: list[tuple[Area, str]] = []

    @remembered
    def draw(area: Area, text: str) -> list[Line]:
        drawn.append((area, text))
        return [(Span(text),)]

    small, large = Area(10, 1), Area(20, 1)
    answers = [draw(small, "a"), draw(Area(10, 1), "a"), draw(large, "a"), draw(large, "b"), draw(small, "a")]
    assert drawn == [(small, "a"), (large, "a"), (large, "b"), (small, "a")]
    assert answers[0] is answers[1]
    assert [answer[0][0].text for answer in answers] == ["a", "a", "a", "b", "a"]
