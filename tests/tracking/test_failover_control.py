"""What operators ask of delivery while Redis is away, and on the way back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from opalmind_tui.snapshot.model import Control, Mode
from opalmind_tui.tracking.ids import new_token
from opalmind_tui.tracking.queue import Claim
from tests.support.servers import RUNNABLE
from tests.tracking.test_failover_queue import MATOMO, World, a_world


@pytest.fixture(params=RUNNABLE, ids=lambda product: product.name)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with a_world(request.param) as made:
        yield made
        assert (await made.shared.counts(MATOMO)).ledger_difference == 0


async def claim(world: World) -> Claim:
    return await world.queue.claim(MATOMO, new_token(), limit=100, lease=30)


async def reconnect(world: World) -> None:
    """Redis is there again, and nothing has moved over yet."""
    await asyncio.to_thread(world.server.start)
    async with asyncio.timeout(10):
        while not await world.link.probe():  # noqa: ASYNC110 - a server has no event
            await asyncio.sleep(0.05)


def words(control: Control) -> tuple[str, float | None]:
    """Who paused, and the rate."""
    return control.paused.by if control.paused else "", control.rate.per_second if control.rate else None


@pytest.mark.parametrize("how", ["a claim", "a question", "the counts"])
async def test_memory_keeps_to_the_control_that_was_known_last(world: World, how: str) -> None:
    await world.shared.pause(MATOMO, by="kim", reason="upgrade")
    await world.shared.limit_rate(MATOMO, 5, by="bo", reason="gently")
    if how == "a claim":
        await claim(world)
    else:
        await (world.queue.control(MATOMO) if how == "a question" else world.queue.counts(MATOMO))
    await world.crash()
    await world.offer(*range(30))
    assert words((await world.queue.counts(MATOMO)).control) == ("kim", 5)
    held = await claim(world)
    assert held.requests == ()
    assert held.gate is not None
    assert held.gate.reason == "kim: upgrade"
    # The pause is ended here, and the rate that Redis had holds on.
    assert await world.queue.resume(MATOMO, by="kim")
    assert len((await claim(world)).requests) == 1
    await reconnect(world)
    await world.queue.move_over()
    assert words(await world.shared.control(MATOMO)) == ("", 5)


async def test_without_a_word_from_redis_memory_is_free(world: World) -> None:
    await world.crash()
    await world.offer(1, 2)
    assert words((await claim(world)).control) == ("", None)
    assert await world.queue.control(MATOMO) == Control()
    await reconnect(world)


async def test_what_was_asked_for_on_memory_moves_over(world: World) -> None:
    await world.crash()
    assert world.queue.mode is Mode.MEMORY
    gate = await world.queue.pause(MATOMO, by="kim", reason="upgrade")
    await world.queue.limit_rate(MATOMO, 7, by="bo", reason="gently")
    here = await world.queue.control(MATOMO)
    await world.offer(1)
    await reconnect(world)
    await world.queue.move_over()
    assert await world.shared.control(MATOMO) == here
    assert here.paused is not None
    assert here.paused.gate == gate
    # Once: what is changed on Redis now is not undone by a later outage.
    assert await world.shared.resume(MATOMO, by="bo")
    await world.shared.limit_rate(MATOMO, None, by="bo", reason="")
    assert len((await claim(world)).requests) == 1
    await world.crash()
    await world.offer(2)
    assert words(await world.queue.control(MATOMO)) == ("", None)
    await reconnect(world)
    await world.queue.move_over()
    assert words(await world.shared.control(MATOMO)) == ("", None)


async def test_it_holds_on_redis_before_anything_is_claimed_there(world: World) -> None:
    await world.offer(1)
    await world.crash()
    await world.queue.pause(MATOMO, by="kim", reason="upgrade")
    await reconnect(world)
    # The very first claim, before the way back was walked.
    assert (await claim(world)).requests == ()
    assert words(await world.shared.control(MATOMO)) == ("kim", None)


@pytest.mark.parametrize("wish", ["pause", "rate"])
async def test_something_newer_on_redis_wins(world: World, wish: str) -> None:
    await world.crash()
    await world.queue.pause(MATOMO, by="kim", reason="older")
    await world.queue.limit_rate(MATOMO, 7, by="kim", reason="older")
    await asyncio.to_thread(world.server.start)
    # Another process, before this one knows that Redis is back.
    if wish == "pause":
        await world.shared.pause(MATOMO, by="bo", reason="newer", seconds=600)
    else:
        await world.shared.limit_rate(MATOMO, 9, by="bo", reason="newer")
    async with asyncio.timeout(10):
        while not await world.link.probe():  # noqa: ASYNC110 - a server has no event
            await asyncio.sleep(0.05)
    await world.queue.move_over()
    wanted = ("bo", 7) if wish == "pause" else ("kim", 9)
    assert words(await world.shared.control(MATOMO)) == wanted
    assert words(await world.queue.control(MATOMO)) == wanted
    # Memory has taken up what won.
    await world.crash()
    assert words(await world.queue.control(MATOMO)) == wanted
    await reconnect(world)


async def test_a_newer_end_on_redis_wins_over_an_older_pause_here(world: World) -> None:
    await world.shared.pause(MATOMO, by="kim", reason="upgrade")
    await world.crash()
    await world.queue.pause(MATOMO, by="kim", reason="still")
    await reconnect(world)
    assert await world.shared.resume(MATOMO, by="bo")
    await world.queue.move_over()
    assert words(await world.shared.control(MATOMO)) == ("", None)


async def test_an_end_that_was_asked_for_on_memory_ends_the_pause_on_redis(world: World) -> None:
    await world.shared.pause(MATOMO, by="kim", reason="upgrade")
    await claim(world)
    await world.crash()
    assert await world.queue.resume(MATOMO, by="bo")
    await reconnect(world)
    await world.queue.move_over()
    assert words(await world.shared.control(MATOMO)) == ("", None)


async def test_a_move_that_fails_half_way_shares_it_later(world: World) -> None:
    await world.crash()
    await world.queue.pause(MATOMO, by="kim", reason="upgrade")
    await reconnect(world)
    await world.crash()
    assert words(await world.queue.control(MATOMO)) == ("kim", None)
    await reconnect(world)
    await world.queue.move_over()
    assert words(await world.shared.control(MATOMO)) == ("kim", None)
