"""Backpressure: limits that refuse with a reason. Refusing is not losing, and a full queue drains."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
import redis.asyncio

from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.connection import async_client
from opalmind_tui.tracking.queue import Acceptance, Fate
from tests.support.servers import Product, running
from tests.tracking.queue_harness import ENDPOINT, QUEUE_PREFIX, Bench, hit, redis_queue

MEGABYTE = 1024 * 1024
LARGE = "x" * 20_000


async def outcomes(bench: Bench, *numbers: int, payload: str = "") -> list[tuple[Acceptance, str]]:
    answers = await bench.queue.enqueue(ENDPOINT, [hit(number, payload=payload) for number in numbers])
    return [(answer.outcome, answer.reason) for answer in answers]


async def test_the_length_limit_is_named_with_its_number(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(max_length=2)
    first, second, third = await outcomes(bench, 1, 2, 3)
    assert first == second == (Acceptance.ACCEPTED, "")
    assert third[0] is Acceptance.FULL
    assert "2 requests, its limit" in third[1] or "2 requests in memory, its limit" in third[1]
    counts = await bench.counts()
    assert (counts.accepted, counts.refused, counts.refused_by) == (2, 1, third[1])
    assert counts.refused_at == pytest.approx(bench.now(), abs=5)
    # What is known is answered as ever.
    assert await outcomes(bench, 1) == [(Acceptance.DUPLICATE, "")]
    await bench.settle_all(await bench.claim(), Fate.DELIVERED)
    assert await outcomes(bench, 3) == [(Acceptance.ACCEPTED, "")]


async def test_no_length_limit(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(max_length=0)
    assert {outcome for outcome, _ in await outcomes(bench, *range(300))} == {Acceptance.ACCEPTED}


async def test_the_memory_limit_is_named_with_its_number(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(max_bytes=MEGABYTE)
    taken = 0
    while True:
        ((outcome, reason),) = await outcomes(bench, taken, payload=LARGE)
        if outcome is Acceptance.FULL:
            break
        taken += 1
    assert "take 1 MB" in reason
    assert 30 < taken < 60
    assert (await bench.counts()).refused_by == reason
    while (claim := await bench.claim()).requests:
        await bench.settle_all(claim, Fate.DELIVERED)
    assert await outcomes(bench, 1000) == [(Acceptance.ACCEPTED, "")]


@pytest.fixture
async def small(any_product: Product) -> AsyncIterator[tuple[Bench, redis.asyncio.Redis]]:
    """A server of its own that may be given a small memory."""
    with running(any_product) as server:
        client = async_client(Settings(redis_url=server.url))
        yield Bench("redis", redis_queue(client), client=client), client
        await client.aclose()


async def test_a_server_that_is_about_to_refuse_takes_no_more_and_drains(
    small: tuple[Bench, redis.asyncio.Redis],
) -> None:
    bench, client = small
    await bench.accept(*[hit(number) for number in range(20)])
    used = int((await client.info("memory"))["used_memory"])
    await client.config_set("maxmemory-policy", "noeviction")
    await client.config_set("maxmemory", int(used * 1.03))
    await client.hdel(QUEUE_PREFIX + "{q}:ledger", "server")
    ((outcome, reason),) = await outcomes(bench, 100)
    assert outcome is Acceptance.FULL
    assert reason.startswith("Redis is nearly full: over 95 % of its ")
    assert (await bench.counts()).refused_by == reason
    # Also where nothing at all may grow.
    await client.config_set("maxmemory", used // 2)
    delivered = 0
    while (claim := await bench.claim()).requests:
        assert await bench.queue.mark_posted(claim.token) is None
        delivered += (await bench.settle_all(claim, Fate.DELIVERED)).done
    assert delivered == 20
    await client.config_set("maxmemory", 0)
    await client.hdel(QUEUE_PREFIX + "{q}:ledger", "server")
    assert await outcomes(bench, 100) == [(Acceptance.ACCEPTED, "")]
    await bench.check()


async def test_the_server_is_asked_once_a_second_for_all(small: tuple[Bench, redis.asyncio.Redis]) -> None:
    bench, client = small
    await client.config_resetstat()
    for number in range(20):
        await bench.accept(hit(number))
    assert (await client.info("commandstats"))["cmdstat_info"]["calls"] <= 5


async def test_a_server_that_evicts_is_not_judged(small: tuple[Bench, redis.asyncio.Redis]) -> None:
    bench, client = small
    await bench.accept(*[hit(number) for number in range(100, 120)])
    await client.config_set("maxmemory-policy", "volatile-ttl")
    await client.hdel(QUEUE_PREFIX + "{q}:ledger", "server")
    used = int((await client.info("memory"))["used_memory"])
    await client.config_set("maxmemory", int(used * 1.045))
    ((outcome, _),) = await outcomes(bench, 1)
    assert outcome is Acceptance.ACCEPTED
    await client.config_set("maxmemory", 0)
