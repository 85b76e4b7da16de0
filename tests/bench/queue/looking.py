"""What looking and acting cost in a small and in a very long queue."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import redis.asyncio

from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.model import State
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tracking.ids import endpoint_code, new_id
from opalmind_tui.tracking.queue import Adopted
from opalmind_tui.tracking.redis_queue import RedisQueue
from opalmind_tui.tracking.request import TrackingRequest
from tests.bench.core.run import Run
from tests.bench.core.servers import fresh

SMALL, MANY, LONG = 1_000, 100_000, 1_000_000
LOOKS = 200
PAGE = 50
PING = "PING"
FILL = 1_000
"""Requests that one call of the filling adopts."""
UNIT, PER_SECOND = "ms", "requests/s"
ACTS_CELL = "acting on all"
LONGEST_CELL = "longest single command of"
ENDPOINT = "https://matomo.example/matomo.php"
MOST_MS = 5
SLOW_FROM = 1_000
"""Microseconds from which the server notes a command."""


def cell_of(looking: str) -> str:
    """A cell's name."""
    return f"{looking}, by length of the queue"


def listing(benchmark: Run) -> None:
    """Two queues of different length, looked at in turn; then everything in the long one is retried and purged."""
    asyncio.run(_listing(benchmark))


async def _listing(benchmark: Run) -> None:
    small, many = benchmark.count(SMALL, 200), benchmark.count(LONG if benchmark.long else MANY, 400)
    with fresh(benchmark.product) as short, fresh(benchmark.product) as long:
        benchmark.report.say(f"listing: filling queues of {small:,} and {many:,}")
        queues = {"short": _queue(short), "long": _queue(long)}
        ids = {"short": await _fill(queues["short"], small), "long": await _fill(queues["long"], many)}
        await _act("retry", benchmark, queues["short"], short, small, noted=False)
        await _act("retry", benchmark, queues["long"], long, many)
        client = async_client(Settings(redis_url=long.url))
        for name, look in _looks(ids).items():
            await _compare(benchmark, cell_of(name), queues, look, client)
        await client.aclose()
        await _act("purge", benchmark, queues["long"], long, many)


def _queue(server: LocalServer) -> RedisQueue:
    own = Settings(redis_url=server.url)
    return RedisQueue(
        async_client(own),
        queue_prefix=own.queue_prefix,
        idempotency_prefix=own.idempotency_prefix,
        idempotency_ttl=lambda: 86_400,
        max_length=10 * LONG,
    )


async def _fill(queue: RedisQueue, count: int) -> list[str]:
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

    async def page(queue: RedisQueue, _: str, __: int) -> Any:
        found, _after = await queue.ids(State.PENDING, limit=PAGE)
        return await queue.rows_of(found)

    async def rows(queue: RedisQueue, _: str, __: int) -> Any:
        return await queue.rows(limit=PAGE)

    async def find(queue: RedisQueue, name: str, number: int) -> Any:
        return await queue.rows_of([ids[name][number % len(ids[name])]])

    return {"counts": count, "page of 50": page, "overview of 50": rows, "find one": find}


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
    for name, values in taken.items():
        for value in values:
            role = {"long": "ours", PING: "floor"}.get(name, "aside")
            benchmark.report.add(cell, name, value, UNIT, better="less", role=role)


async def _act(
    act: str, benchmark: Run, queue: RedisQueue, server: LocalServer, count: int, *, noted: bool = True
) -> None:
    """Retry all dead or purge all pending ones, page by page, while the server notes what takes long."""
    state = State.DEAD if act == "retry" else State.PENDING
    client = redis.asyncio.Redis.from_url(server.url)
    await client.config_set("slowlog-log-slower-than", SLOW_FROM)
    await client.config_set("slowlog-max-len", 1_000_000)
    await client.slowlog_reset()
    before = await _work_of(client)
    done, began = 0, time.monotonic()
    while True:
        page, _ = await queue.ids(state, limit=500)
        if not page:
            break
        done += (await (queue.retry(page) if act == "retry" else queue.purge(page))).done
    seconds = time.monotonic() - began
    assert done == count, (act, done, count)
    scripts, cpu = (now - then for now, then in zip(await _work_of(client), before, strict=True))
    slow = [entry["duration"] / 1000 for entry in await client.slowlog_get(1_000_000)]
    await client.aclose()
    if noted:
        report = benchmark.report
        report.add(ACTS_CELL, f"{act} {count:,}", count / seconds, PER_SECOND)
        cell = f"{LONGEST_CELL} {act} all"
        report.add(cell, "the longest, by the server's clock", max(slow, default=0.0), UNIT, better="less", role="ours")
        report.add(cell, "the mean, of processor time", cpu / scripts * 1000, UNIT, better="less")
        over = sum(took > MOST_MS for took in slow) / scripts
        report.add(f"{act} all, scripts over {MOST_MS} ms", "opalmind", 100 * over, "%", better="less", role="ours")


async def _work_of(client: redis.asyncio.Redis) -> tuple[float, float]:
    """Scripts that the server has run so far, and the seconds of processor time that it took."""
    info = await client.info("everything")
    return info.get("cmdstat_evalsha", {"calls": 0})["calls"], info["used_cpu_user"] + info["used_cpu_sys"]
