"""What `cache stats` and the cache panel ask: time and commands beside few and very many entries."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis.asyncio
from redis.asyncio.client import Pipeline

from opalmind_tui.observe.census import Census
from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.ttl import Ttls
from opalmind_tui.settings import Settings
from opalmind_tui.storage.connection import async_client
from tests.bench.core.run import Run
from tests.bench.core.servers import fresh

SMALL, MANY, LONG = 100, 100_000, 1_000_000
LOOKS = 200
CELL, TIME, COMMANDS, PING = "statistics, by number of entries", "ms", "commands", "PING"
IDLE_PING = 0.5
"""Milliseconds that a round trip takes at the most where nothing else runs."""
TOGETHER = 20_000
"""Entries that one script of the filling makes."""
_FILL = """
for at = tonumber(ARGV[2]), tonumber(ARGV[3]) do
  redis.call('SET', ARGV[1] .. '{"feature":"popularUrls","input":{"siteId":' .. at .. '}}', 'x', 'EX', 3600)
end
"""


def stats(benchmark: Run) -> None:
    """One server that fills up, looked at in between. A scale under 1 makes the numbers smaller."""
    asyncio.run(_stats(benchmark))


def counts(benchmark: Run) -> tuple[int, ...]:
    """The numbers of entries."""
    return tuple(benchmark.count(number) for number in (SMALL, MANY, LONG))


async def _stats(benchmark: Run) -> None:
    with fresh(benchmark.product) as server:
        settings, have = Settings(redis_url=server.url), 0
        client = async_client(settings, timeout=60.0)
        for number, target in zip(counts(benchmark), (SMALL, MANY, LONG), strict=True):
            benchmark.report.say(f"{CELL}: {number:,}")
            for start in range(have, number, TOGETHER):
                await client.eval(_FILL, 0, settings.cache_prefix, start, min(number, start + TOGETHER) - 1)
            have = max(have, number)
            await _look(benchmark, settings, client, name_of(target))
        await client.aclose()


def name_of(number: int) -> str:
    """Of a measurement, whatever the scale."""
    return f"{number:,}"


async def _look(benchmark: Run, settings: Settings, client: redis.asyncio.Redis, name: str) -> None:
    """What `Look.cache_view` does: a sample of the keys, then the counts of all processes."""
    cache, census = ReportCache(settings, Ttls(settings), client), Census(settings)
    for number in range(benchmark.count(LOOKS)):
        began = time.perf_counter()
        with _commands() as sent:
            found = await census.glance(client)
            cache.observe_entries(dict(found.features), found.cache, exact=found.exact)
            view = await cache.view()
        took = (time.perf_counter() - began) * 1000
        assert view.entries
        if number:  # The first one loads the scripts.
            benchmark.report.add(
                CELL, name, took, TIME, better="less", role="ours" if name == name_of(LONG) else "aside"
            )
            benchmark.report.add(CELL, name, sent[0], COMMANDS, better="less", role="aside")
        began = time.perf_counter()
        await client.ping()
        benchmark.report.add(CELL, PING, (time.perf_counter() - began) * 1000, TIME, better="less", role="floor")
    await cache.close()
    ping = benchmark.report.median(CELL, PING, TIME)
    if ping is not None and ping > IDLE_PING:
        benchmark.report.note(f"{CELL}: a PING took {ping:.1f} ms, so other work slows these figures down")


@contextmanager
def _commands() -> Iterator[list[int]]:
    """Counts what is sent; what a script does inside the server is one command."""
    sent = [0]
    single, many = redis.asyncio.Redis.execute_command, Pipeline.execute

    async def execute_command(self: Any, *arguments: Any, **options: Any) -> Any:
        sent[0] += 1
        return await single(self, *arguments, **options)

    async def execute(self: Any, *arguments: Any, **options: Any) -> Any:
        sent[0] += len(self.command_stack)
        return await many(self, *arguments, **options)

    redis.asyncio.Redis.execute_command, Pipeline.execute = execute_command, execute
    try:
        yield sent
    finally:
        redis.asyncio.Redis.execute_command, Pipeline.execute = single, many
