"""Chaos: real producers, real workers, a network, a server and a Matomo that all fail at random, and nothing is lost.

`pytest -m chaos --minutes 30 --seed 7` runs longer. A failure names the seed that repeats its course of events.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable

import pytest

from opalmind_tui.errors import StoreUnavailable
from tests.acceptance.chaos import Chaos
from tests.acceptance.support import a_field
from tests.acceptance.upsets import CALM, Upsets
from tests.support.proxy import proxied
from tests.support.servers import Product

pytestmark = [pytest.mark.slow, pytest.mark.chaos]

WORKERS = 3
TRACKERS = 2
MEDDLE_EVERY = (0.5, 2.0)


async def test_chaos(any_product: Product, request: pytest.FixtureRequest) -> None:
    minutes: float = request.config.getoption("--minutes")
    # In CI the same course of events each time; at a developer's desk another one.
    seed: int = request.config.getoption("--seed") or (5 if os.environ.get("CI") else random.randrange(1 << 30))
    async with (
        a_field(any_product, persistent=True, extra=("--appendfsync", "always")) as field,
        proxied(field.server.port, delay=0.3) as proxy,
    ):
        field.module = "tests.acceptance.hasty"
        field.env["REDIS_URL"] = proxy.url
        upsets = Upsets(field, proxy, random.Random(seed))
        chaos = Chaos(field, upsets, seed)
        try:
            await field.matomo.behave(CALM)
            for _ in range(WORKERS):
                await field.worker()
            for _ in range(TRACKERS):
                await chaos.tracker()
            await storm(chaos, time.monotonic() + minutes * 60)
            try:
                counts = await chaos.settle(120)
            except TimeoutError:
                counts = await chaos.counts()
                pytest.fail(f"seed {seed}: it does not come to rest: {upsets.told}; {counts}")
            wrong = chaos.verdict(counts)
            wrong += [f"the token is stored in {key}" for key in await chaos.secrets()]
            assert not wrong, f"seed {seed}: {wrong}; {upsets.told}; {counts}"
            assert len(chaos.accepted) > 100, "the storm let nobody work: this proves nothing"
        finally:
            await chaos.close()


async def storm(chaos: Chaos, ends: float) -> None:
    """Producers, trouble and an operator side by side until the time is over."""

    async def again(act: Callable[[], Awaitable[None]]) -> None:
        while time.monotonic() < ends:
            await act()

    async def meddle() -> None:
        act = chaos.chance.choice(
            (chaos.retry_some, chaos.purge_some, chaos.purge_and_restore, chaos.pause_a_while, chaos.slow_a_while,
             chaos.kill_tracker)
        )  # fmt: skip
        await asyncio.sleep(chaos.chance.uniform(*MEDDLE_EVERY))
        try:
            await act()
        except StoreUnavailable:
            # An operator meets the same trouble as everybody.
            return

    async with asyncio.TaskGroup() as tasks:
        for act in (chaos.produce, chaos.produce, chaos.upsets.next, meddle):
            tasks.create_task(again(act))
