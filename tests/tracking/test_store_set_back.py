"""A Redis that restarts a second in the past: what it has forgotten is noticed, counted, and not sent again
where anybody knows better."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from msgspec.structs import replace

from opalmind_tui.tracking.queue import Fate, Settled, Settlement
from opalmind_tui.tracking.redis_queue import RedisQueue
from tests.tracking.queue_harness import QUEUE_PREFIX, RECORD_PREFIX, TAG, Bench, hit, record_of


class Past:
    """All data of a server, as they were."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._dumps: dict[bytes, bytes] = {}

    async def remember(self) -> Past:
        self._dumps = {key: await self._client.dump(key) for key in await self._client.keys("*")}
        return self

    async def come_back(self) -> None:
        """As a server that restarts with an older file."""
        await self._client.flushdb()
        for key, dump in self._dumps.items():
            await self._client.restore(key, 0, dump)


def another_process(bench: Bench) -> RedisQueue:
    return RedisQueue(
        bench.client, queue_prefix=QUEUE_PREFIX, idempotency_prefix=RECORD_PREFIX, idempotency_ttl=lambda: 86_400
    )


async def deliver(bench: Bench, number: int) -> Settled:
    return await bench.settle_all(await bench.claim(number), Fate.DELIVERED)


async def test_what_the_store_forgot_is_counted_once(redis_bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    await redis_bench.accept(*[hit(at) for at in range(10)])
    await deliver(redis_bench, 2)
    past = await Past(redis_bench.client).remember()
    await deliver(redis_bench, 3)
    await past.come_back()
    assert (await redis_bench.counts()).pending == 8
    with caplog.at_level(logging.WARNING):
        assert (await deliver(redis_bench, 1)).forgotten == 3
    assert "3 requests were settled" in caplog.text
    assert (await deliver(redis_bench, 1)).forgotten == 0
    counts = await redis_bench.counts()
    assert (counts.unknown, counts.ledger_difference) == (3, 0)


async def test_other_processes_and_lost_answers_raise_no_alarm(redis_bench: Bench) -> None:
    other = another_process(redis_bench)
    ids = await redis_bench.accept(*[hit(at) for at in range(12)])
    claims = [await redis_bench.claim(2) for _ in range(3)]
    assert sum(len(claim.requests) for claim in claims) <= len(ids)
    # Two at once, whose answers may come in any order; then the same again, as where an answer was lost.
    for _ in range(2):
        found = await asyncio.gather(*(redis_bench.settle_all(claim, Fate.DELIVERED) for claim in claims))
        assert [each.forgotten for each in found] == [0, 0, 0]
    while (claim := await redis_bench.claim(3)).requests:
        settled = await other.settle(claim.token, [Settlement(one.id, Fate.DELIVERED) for one in claim.requests])
        assert settled.forgotten == 0
    assert (await redis_bench.counts()).unknown == 0


async def test_an_emptied_store_has_nothing_left_to_send_twice(redis_bench: Bench) -> None:
    await redis_bench.accept(*[hit(at) for at in range(4)])
    await deliver(redis_bench, 2)
    await redis_bench.client.flushdb()
    await redis_bench.accept(*[hit(at) for at in range(4)])
    assert await deliver(redis_bench, 2) == Settled(2)
    assert (await redis_bench.counts()).unknown == 0


async def test_counts_of_processes_that_are_gone_are_removed(redis_bench: Bench) -> None:
    await redis_bench.accept(hit(1))
    await deliver(redis_bench, 1)
    key = TAG + "settled"
    await redis_bench.client.hset(key, "gone", "5 1000000")
    await redis_bench.client.hset(key, "odd", "x")
    cursor = ""
    while cursor := (await redis_bench.queue.reconcile(cursor)).cursor:
        pass
    assert await redis_bench.client.hlen(key) == 1


@pytest.mark.parametrize("tried", [False, True])
async def test_what_was_delivered_and_waits_again_is_not_sent_again(bench: Bench, tried: bool) -> None:
    ids = await bench.accept(*[hit(at, visitor="one") for at in range(3)])
    if tried:
        await bench.settle_all(await bench.claim(), Fate.RETRY, delay=0.0, error="503")
    claim = await bench.claim()
    # Nobody knows of the claim any more.
    await bench.queue.release(claim.token)
    first, second, third = [Settlement(one, Fate.DELIVERED, record=record_of("key-0")) for one in ids]
    assert await bench.queue.settle(claim.token, [first]) == Settled(0, 1, 0)
    assert await bench.queue.settle("", [second]) == Settled(0, 0, 1)
    retried = replace(second, fate=Fate.RETRY, record=None)
    assert await bench.queue.settle(claim.token, [retried]) == Settled(0, 0, 1)
    # Another process has them now.
    assert len((await bench.claim()).requests) == 2
    assert await bench.queue.settle(claim.token, [second, third]) == Settled(0, 0, 2)
    counts = await bench.counts()
    assert (counts.delivered, counts.late, counts.inflight, counts.ledger_difference) == (1, 1, 2, 0)
