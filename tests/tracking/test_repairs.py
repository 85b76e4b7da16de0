"""A round of repairs goes over the whole queue in turns of a few steps, and rests when it is through."""

from __future__ import annotations

import asyncio

import pytest

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.tracking import dispatcher as dispatcher_module
from opalmind_tui.tracking.dispatcher import RECONCILE_EVERY, RECONCILE_PAUSE, RECONCILE_STEPS, Dispatcher
from opalmind_tui.tracking.queue import Repairs

TURNS = 3
LAST = RECONCILE_STEPS * TURNS + 2


class Steps:
    """A queue of so many steps that notes from where each is taken; it fails once, in the middle of a turn."""

    def __init__(self) -> None:
        self.noted: list[str] = []
        self.fails = True

    async def reconcile(self, cursor: str = "") -> Repairs:
        number = int(cursor or 0)
        if number == RECONCILE_STEPS + 1 and self.fails:
            self.fails = False
            self.noted.append("fails")
            raise StoreUnavailable("away", "Redis is away", "Wait")
        self.noted.append(str(number))
        return Repairs(cursor=str(number + 1) if number + 1 < LAST else "")


async def test_a_round_goes_on_where_it_was_and_then_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Steps()
    over = asyncio.Event()

    def rest(low: float, high: float) -> float:
        """How long the loop rests is noted instead of waited for."""
        assert low < 1 < high
        return 1.0

    async def sleep(seconds: float) -> None:
        queue.noted.append({RECONCILE_EVERY: "rests", RECONCILE_PAUSE: "pauses"}[seconds])
        if queue.noted.count("rests") > 1:
            over.set()
            await asyncio.Event().wait()

    dispatcher = Dispatcher(
        queue, "https://m.example/matomo.php", "", poster=None, extend=None, uniform=rest,  # type: ignore[arg-type]
    )  # fmt: skip
    monkeypatch.setattr(dispatcher_module.asyncio, "sleep", sleep)
    task = asyncio.create_task(dispatcher._reconcile())
    async with asyncio.timeout(20):
        await over.wait()
    task.cancel()
    steps = list(map(str, range(LAST)))
    cut = RECONCILE_STEPS + 1
    assert queue.noted == [
        "rests", *steps[:RECONCILE_STEPS],
        "pauses", *steps[RECONCILE_STEPS:cut], "fails",
        "pauses", *steps[cut : cut + RECONCILE_STEPS],
        "pauses", *steps[cut + RECONCILE_STEPS : cut + 2 * RECONCILE_STEPS],
        "pauses", *steps[cut + 2 * RECONCILE_STEPS :],
        "rests",
    ]  # fmt: skip
    assert dispatcher.stats().store_error
