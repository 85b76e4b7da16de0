"""What a look-up costs beside a Redis that stands still."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Any

from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.ttl import Ttls
from opalmind_tui.settings import Settings
from opalmind_tui.storage.connection import CACHE_TIMEOUT, async_client
from opalmind_tui.storage.local_server import LocalServer
from tests.bench.cache.sample import FEATURE, key, report
from tests.bench.core.run import Run
from tests.bench.core.servers import fresh

CELL, UNIT = "Redis silent (SIGSTOP)", "ms"
FIRST, THEN = "first look-up", "slowest of the next hundred"


def silent(benchmark: Run) -> None:
    """Ours, once a round, with a Matomo that answers at once."""
    for number in range(1, benchmark.rounds + 1):
        benchmark.report.say(f"{CELL}: round {number} of {benchmark.rounds}")
        with fresh(benchmark.product) as server:
            for name, value in zip((FIRST, THEN), asyncio.run(_times(server)), strict=True):
                benchmark.report.add(CELL, name, value, UNIT, better="less", role="ours" if name == FIRST else "aside")


async def _times(server: LocalServer) -> tuple[float, float]:
    settings = Settings(redis_url=server.url)
    client = async_client(settings, connect_timeout=CACHE_TIMEOUT, timeout=CACHE_TIMEOUT)
    cache = ReportCache(settings, Ttls(settings), client)
    rows, times = report(2_000), []

    async def load() -> Any:
        return rows

    await cache.fetch(FEATURE, key(0), load)
    server.send(signal.SIGSTOP)
    for number in range(101):
        began = time.perf_counter()
        await cache.fetch(FEATURE, key(number + 1), load)
        times.append((time.perf_counter() - began) * 1000)
    server.send(signal.SIGCONT)
    await cache.close()
    await client.aclose()
    return times[0], max(times[1:])
