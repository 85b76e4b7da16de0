"""This project's cache: hits per second from Redis with an empty memory, and from the first level.

One argument, JSON: url, size (bytes of a report), hits, callers. Prints a JSON line: seconds in all,
and hits/s by name.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.memory_cache import MemoryCache
from opalmind_tui.reports.ttl import Ttls
from opalmind_tui.settings import Settings
from opalmind_tui.storage.connection import async_client
from tests.bench.cache.hitting import FIRST_LEVEL, REDIS
from tests.bench.cache.sample import FEATURE, key, report

KEYS = 200
MORE = 20
"""Times as many hits from the first level: it is that much faster."""


async def measure(url: str, size: int, hits: int, callers: int) -> dict[str, float]:
    """Hits per second."""
    settings = Settings(redis_url=url, cache_ttl_ms=600_000)
    client = async_client(settings, connect_timeout=2.0, timeout=2.0)
    rows, found = report(size), {}
    key_texts = [key(at) for at in range(KEYS)]

    async def load() -> Any:
        return rows

    for name, memory, level in ((REDIS, MemoryCache(max_entries=0), 0.0), (FIRST_LEVEL, None, 30.0)):
        cache = ReportCache(settings, Ttls(settings), client, first_level=level, memory=memory)
        for text in key_texts:
            await cache.fetch(FEATURE, text, load)
        each = hits // callers * (MORE if memory is None else 1)

        async def caller(at: int, cache: ReportCache = cache, each: int = each) -> None:
            for one in range(each):
                await cache.fetch(FEATURE, key_texts[(at * 7 + one) % KEYS], load)

        began = time.perf_counter()
        await asyncio.gather(*(caller(at) for at in range(callers)))
        found[name] = each * callers / (time.perf_counter() - began)
        assert (await cache.view()).errors == 0
        await cache.close()
    await client.aclose()
    return found


if __name__ == "__main__":
    TASK, BEGAN = json.loads(sys.argv[1]), time.perf_counter()
    FOUND = asyncio.run(measure(TASK["url"], TASK["size"], TASK["hits"], TASK["callers"]))
    print(json.dumps({"seconds": time.perf_counter() - BEGAN, "found": FOUND}))
