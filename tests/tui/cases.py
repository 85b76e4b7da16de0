"""What a test of an action is: a function that presses its keys and looks at what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from textual.pilot import Pilot

from opalmind_tui.tui.dialogs.plan import PlanDialog
from tests.tui.engine import FakeEngine
from tests.tui.support import screen_text, settled

Case = Callable[[Pilot[Any], FakeEngine], Awaitable[None]]
CASES: dict[str, Case] = {}
"""By the action's id."""


def case(function: Case) -> Case:
    """The test of the action that the function is named after."""
    CASES[{"ask_with_token": "test_token", "overview_": "overview"}.get(function.__name__, function.__name__)] = (
        function
    )
    return function


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys, one after the other."""
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


async def confirm(pilot: Pilot[Any]) -> None:
    """Press the button that confirms, as a person does."""
    assert isinstance(pilot.app.screen, PlanDialog)
    while pilot.app.screen.query_one("#confirm").disabled:
        await pilot.pause(0.01)
    await press(pilot, "tab", "enter")
    assert not isinstance(pilot.app.screen, PlanDialog), screen_text(pilot)
