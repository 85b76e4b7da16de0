"""The exact count of all keys beside a bare loop of SCAN with the same COUNT: time, and memory of the process."""

from __future__ import annotations

import asyncio
import time
import tracemalloc

from redis.asyncio import Redis

from opalmind_tui.observe.full_count import PAGE, FullCount
from opalmind_tui.settings import Settings
from opalmind_tui.storage.connection import async_client
from tests.bench.census.keys import MANY, filled
from tests.bench.core.run import Run

CELL, UNIT = f"every key counted, SCAN COUNT {PAGE}", "s"
OURS, BARE = "opalmind", "a bare loop of SCAN"
MEMORY, SIZE = "memory of a count, at its peak", "kB"


def exact(benchmark: Run) -> None:
    """Bare, ours, bare, ours; then ours at a tenth of the keys and at all of them, with its memory watched."""
    number = benchmark.count(MANY, 2_000)
    with filled(benchmark, number) as (_, settings, _):
        asyncio.run(_timed(benchmark, settings, number))
        asyncio.run(_watched(benchmark, settings, "all keys"))
    with filled(benchmark, number // 10) as (_, settings, _):
        asyncio.run(_watched(benchmark, settings, "a tenth of them"))


async def _timed(benchmark: Run, settings: Settings, number: int) -> None:
    for turn in range(1, benchmark.rounds + 1):
        benchmark.report.say(f"{CELL}: round {turn} of {benchmark.rounds}")
        client = async_client(settings, pool=1, no_touch=True)
        await client.ping()
        began = time.perf_counter()
        assert await _bare(client) >= number
        bare = time.perf_counter() - began
        began = time.perf_counter()
        found = await FullCount(settings).run(client)
        ours = time.perf_counter() - began
        assert found.total >= number
        benchmark.report.add(CELL, BARE, bare, UNIT, better="less", role="floor")
        benchmark.report.add(CELL, OURS, ours, UNIT, better="less", role="ours")
        await client.aclose()


async def _bare(client: Redis) -> int:
    cursor, seen = 0, 0
    while True:
        cursor, names = await client.scan(cursor, count=PAGE)
        seen += len(names)
        if not cursor:
            return seen


async def _watched(benchmark: Run, settings: Settings, name: str) -> None:
    client = async_client(settings, pool=1, no_touch=True)
    await client.ping()
    tracemalloc.start()
    await FullCount(settings).run(client)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    benchmark.report.add(MEMORY, name, peak / 1000, SIZE, better="less", role="aside")
    await client.aclose()
