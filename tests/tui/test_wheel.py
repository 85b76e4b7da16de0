"""The wheel moves what arrows move."""

from __future__ import annotations

import pytest
from textual.events import MouseScrollDown, MouseScrollUp

from opalmind_tui.tui.card import Card
from opalmind_tui.tui.moved_view import MovedView
from opalmind_tui.tui.request_list import RequestList
from opalmind_tui.tui.stack import Stack
from tests.tui.engine import FakeEngine
from tests.tui.fixtures import healthy
from tests.tui.support import dashboard, settled


def turned(kind: type[MouseScrollDown | MouseScrollUp], view: MovedView) -> MouseScrollDown | MouseScrollUp:
    step = 1 if kind is MouseScrollDown else -1
    return kind(view, 1, 1, 0, step, 0, shift=False, meta=False, ctrl=False, screen_x=1, screen_y=1)


@pytest.mark.parametrize(
    ("keys", "selector"), [(("1",), RequestList), (("4",), Stack), (("1", "tab"), Card)], ids=["list", "stack", "card"]
)
async def test_the_wheel_goes_down_and_up_by_one(keys: tuple[str, ...], selector: type[MovedView]) -> None:
    app = dashboard(FakeEngine(healthy()))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)
        moved: list[int] = []
        view = next(one for one in app.frame.place.query(selector) if one.can_focus)
        move = view.move
        view.move = lambda steps: (moved.append(steps), move(steps))[1]  # type: ignore[method-assign]
        for kind in (MouseScrollDown, MouseScrollUp):
            view.post_message(turned(kind, view))
            await settled(pilot)
        assert moved == [1, -1]
