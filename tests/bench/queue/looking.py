"""What looking and acting cost in a small and in a very long queue."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

import redis.asyncio

from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.listing import Order, Tab
from opalmind_tui.storage.connection import async_client
from opalmind_tui.tracking.ids import endpoint_code, new_id
from opalmind_tui.tracking.queue import Adopted
from opalmind_tui.tracking.redis_queue import RedisQueue
from opalmind_tui.tracking.request import TrackingRequest
from tests.bench.core.run import Run
from tests.bench.core.servers import fresh
from tests.bench.queue.acting import act_on_all, measure_act

SMALL, MANY, LONG = 1_000, 100_000, 1_000_000
SMALLEST = 200
LOOKS = 200
PAGE = 50
PING = "PING"
IDLE_PING = 0.5
"""Milliseconds that a round trip takes at the most where nothing else runs."""
FILL = 1_000
"""Requests that one call of the filling adopts."""
UNIT = "ms"
ENDPOINT = "https://matomo.example/matomo.php"


def cell_of(looking: str) -> str:
    """A cell's name."""
    return f"{looking}, by length of the queue"


def listing(benchmark: Run) -> None:
    """Two queues of different length, looked at in turn; then everything in the long one is retried and purged."""
    asyncio.run(_listing(benchmark))


async def _listing(benchmark: Run) -> None:
    small, many = benchmark.count(SMALL, SMALLEST), benchmark.count(LONG if benchmark.long else MANY, 400)
    with fresh(benchmark.product) as short, fresh(benchmark.product) as long:
        benchmark.report.say(f"listing: filling queues of {small:,} and {many:,}")
        queues = {"short": queue_of(Settings(redis_url=short.url)), "long": queue_of(Settings(redis_url=long.url))}
        ids = {"short": await fill(queues["short"], small), "long": await fill(queues["long"], many)}
        await act_on_all("retry", queues["short"], short)
        measure_act("retry", benchmark, many, await act_on_all("retry", queues["long"], long))
        client = async_client(Settings(redis_url=long.url))
        for name, look in _looks(ids).items():
            await _compare(benchmark, cell_of(name), queues, look, client)
        await client.aclose()
        for act in ("purge", "restore", "hard purge"):
            measure_act(act, benchmark, many, await act_on_all(act, queues["long"], long))


def queue_of(own: Settings) -> RedisQueue:
    """The queue that these settings name, with room for any number."""
    return RedisQueue(
        async_client(own),
        queue_prefix=own.queue_prefix,
        idempotency_prefix=own.idempotency_prefix,
        idempotency_ttl=lambda: 86_400,
        max_length=10 * LONG,
    )


async def fill(queue: RedisQueue, count: int) -> list[str]:
    """Dead requests of 500 bytes, which a retry makes due. Returns some of their ids."""
    code, began, some = endpoint_code(ENDPOINT), time.time() - count, []
    for start in range(0, count, FILL):
        batch = []
        for number in range(start, min(start + FILL, count)):
            visitor = f"{number % 5_000:016x}"
            given = {"idsite": "1", "url": "https://example.org/".ljust(384, "x"), "cid": visitor}
            request = TrackingRequest("pageview", given, f"key-{number}", f"{number:016x}", visitor)
            batch.append(Adopted(new_id(code, visitor), request, ENDPOINT, began + number, attempts=9, dead=True))
        await queue.adopt(batch)
        some.append(batch[len(batch) // 2].id)
    return some


Look = Callable[[RedisQueue, str, int], Awaitable[Any]]


def _looks(ids: dict[str, list[str]]) -> dict[str, Look]:
    async def count(queue: RedisQueue, _: str, __: int) -> Any:
        return await queue.counts(ENDPOINT)

    async def page(queue: RedisQueue, _: str, number: int) -> Any:
        return await queue.window(Tab.PENDING, Order.NEXT_TRY, first=number % (SMALLEST - PAGE), rows=PAGE)

    async def rows(queue: RedisQueue, _: str, __: int) -> Any:
        return await queue.rows(limit=PAGE)

    async def find(queue: RedisQueue, name: str, number: int) -> Any:
        return await queue.find(ids[name][number % len(ids[name])])

    async def find_key(queue: RedisQueue, _: str, number: int) -> Any:
        return await queue.find(f"key-{number % SMALLEST}")

    return {"counts": count, "page of 50": page, "overview of 50": rows, "find an id": find, "find a key": find_key}


async def _compare(
    benchmark: Run, cell: str, queues: dict[str, RedisQueue], look: Look, client: redis.asyncio.Redis
) -> None:
    """The short queue, the long one, and a PING: what a round trip costs on this machine at this moment."""
    taken: dict[str, list[float]] = {name: [] for name in (*queues, PING)}

    async def once(name: str, doing: Awaitable[Any]) -> None:
        began = time.perf_counter()
        assert await doing
        taken[name].append((time.perf_counter() - began) * 1000)

    for number in range(benchmark.count(LOOKS)):
        for name, queue in queues.items():
            await once(name, look(queue, name, number))
        await once(PING, client.ping())
    ping = median(taken[PING])
    if ping > IDLE_PING:
        benchmark.report.note(f"{cell}: a PING took {ping:.1f} ms, so other work slows these figures down")
    for name, values in taken.items():
        for value in values:
            role = {"long": "ours", PING: "floor"}.get(name, "aside")
            benchmark.report.add(cell, name, value, UNIT, better="less", role=role)
