"""Classes of the processes that deliver, with a dispatcher, a server and a Matomo that are real."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tracking import dispatcher
from opalmind_tui.tracking.bulk_size import BulkSize
from opalmind_tui.tracking.ids import new_token
from tests.support.servers import Product, running
from tests.tracking.conftest import client_of
from tests.tracking.delivery import delivering, page
from tests.tracking.queue_harness import Bench, redis_queue


@pytest.fixture
def quick_reaper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "REAP_EVERY", 0.05)


@pytest.mark.usefixtures("quick_reaper")
async def test_class_33_what_a_lost_process_held_is_recovered_though_nothing_new_comes(redis_bench: Bench) -> None:
    async with delivering(redis_bench, start=False) as parts:
        await redis_bench.accept(*[page(number) for number in range(30)], endpoint=parts.endpoint)
        # Another process claims and is gone; the one that is there sends the rest. Then nobody says or does anything.
        lost = await redis_bench.queue.claim(parts.endpoint, new_token(), limit=7, lease=0.5)
        assert len(lost.requests) == 7
        await parts.dispatcher.start()
        await parts.until(lambda: len(parts.stored()) == 30)
        await parts.empty()
        assert (await parts.counts()).recovered == 7


async def test_class_25_senders_go_on_when_redis_is_back_without_a_restart(any_product: Product) -> None:
    with running(any_product, persistent=True, extra=("--appendfsync", "always")) as server:
        client = client_of(server)
        bench = Bench("redis", redis_queue(client), client=client)
        async with delivering(bench) as parts:
            await parts.accept(*[page(number) for number in range(5)])
            await parts.until(lambda: len(parts.stored()) == 5)
            for round_ in range(2):
                await asyncio.to_thread(server.kill)
                noted = parts.dispatcher.stats().store_error_at
                await parts.until(lambda noted=noted: parts.dispatcher.stats().store_error_at > noted)
                await asyncio.to_thread(server.start)
                await bench.accept(*[page(10 * round_ + at) for at in range(10, 15)], endpoint=parts.endpoint)
                await parts.until(lambda round_=round_: len(parts.stored()) == 10 + 5 * round_)
            await parts.empty()
            await bench.check()
        await client.aclose()


async def test_class_36_each_sender_has_a_client_of_its_own(redis_bench: Bench) -> None:
    """Fifty callers on one client are slower than one; so each sender posts by itself, one bulk at a time."""
    made: list[Any] = []
    most: Counter[int] = Counter()
    active: Counter[int] = Counter()

    class Watched:
        def __init__(self, client: Any) -> None:
            self.client, self.number = client, len(made)
            made.append(client)

        async def post_bulk(self, hits: Any, *, with_token: bool) -> Any:
            active[self.number] += 1
            most[self.number] = max(most[self.number], active[self.number])
            try:
                return await self.client.post_bulk(hits, with_token=with_token)
            finally:
                active[self.number] -= 1

        async def close(self) -> None:
            await self.client.close()

    async with delivering(redis_bench, poster=Watched, senders=5, max_bulk=3) as parts:
        await parts.accept(*[page(number) for number in range(100)])
        await parts.until(lambda: len(parts.stored()) == 100)
    assert len({id(client._client) for client in made}) == len(made) == 5
    assert set(most.values()) == {1}


async def test_class_06_at_most_one_bulk_waits_for_the_one_that_is_posted(server: LocalServer) -> None:
    """A sender claims what one bulk may hold: the one that it posts, and the one that it posts next."""
    client = client_of(server)
    bench = Bench("redis", redis_queue(client), client=client)
    asked: list[int] = []
    held: list[int] = []

    class Noted:
        def __getattr__(self, name: str) -> Any:
            return getattr(bench.queue, name)

        async def claim(self, endpoint: str, token: str, *, limit: int, **more: Any) -> Any:
            asked.append(limit)
            claim = await bench.queue.claim(endpoint, token, limit=limit, **more)
            held.append((await bench.counts(endpoint)).inflight)
            return claim

    async with delivering(bench, queue=Noted(), senders=2, max_bulk=10) as parts:
        await parts.accept(*[page(number) for number in range(200)])
        await parts.until(lambda: len(parts.stored()) == 200)
    assert max(asked) <= BulkSize(10).now <= 10
    assert max(held) <= 2 * 2 * 10
    await client.aclose()
