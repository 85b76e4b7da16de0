"""This project's cache: hits from Redis (each parsed and tested), first-level hits, statistics, a silent Redis."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Any

from redis.asyncio import Redis

from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.memory_cache import MemoryCache
from opalmind_tui.reports.ttl import Ttls
from opalmind_tui.settings import Settings
from opalmind_tui.storage.connection import CACHE_TIMEOUT, async_client
from opalmind_tui.storage.local_server import LocalServer

KEYS = 200
FEATURE = "popularUrls"


def report(size: int) -> list[dict[str, Any]]:
    """The rows that peers get, too."""
    row = {
        "nb_hits": 123, "nb_visits": 45, "nb_uniq_visitors": 40, "sum_time_spent": 1234, "avg_time_on_page": 27.5,
        "bounce_rate": "37%",
    }  # fmt: skip
    return [{"label": f"/products/category/page-{number:03}", **row} for number in range(1 + size // 170)]


def key(number: int) -> str:
    """A key text."""
    return f'{{"feature":"{FEATURE}","input":{{"siteId":{number}}}}}'


async def hits(url: str, size: int, number: int, callers: int) -> dict[str, float]:
    """Hits per second: from Redis with an empty memory, and from the first level."""
    settings = Settings(redis_url=url, cache_ttl_ms=600_000)
    client = async_client(settings, connect_timeout=2.0, timeout=2.0)

    async def load() -> Any:
        return report(size)

    found = {}
    key_texts = [key(at) for at in range(KEYS)]
    for name, memory, level in (("Redis", MemoryCache(max_entries=0), 0.0), ("first level", None, 30.0)):
        cache = ReportCache(settings, Ttls(settings), client, first_level=level, memory=memory)
        for at in range(KEYS):
            await cache.fetch(FEATURE, key(at), load)
        each = number // callers * (1 if memory is not None else 20)

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


async def statistics(url: str, entries: int) -> tuple[float, float]:
    """Milliseconds (middle of 50) and commands of one view beside so many entries."""
    settings = Settings(redis_url=url)
    client = async_client(settings)
    have = await client.dbsize()
    for start in range(have, entries, 5000):
        async with client.pipeline(transaction=False) as pipe:
            for number in range(start, min(entries, start + 5000)):
                pipe.set(f"{settings.cache_prefix}{key(number)}", b"x", ex=3600)
            await pipe.execute()
    cache = ReportCache(settings, Ttls(settings), client)
    await cache.view()
    before = (await client.info("stats"))["total_commands_processed"]
    times = []
    for _ in range(50):
        began = time.perf_counter()
        await cache.view()
        times.append((time.perf_counter() - began) * 1000)
    after = (await client.info("stats"))["total_commands_processed"]
    await cache.close()
    await client.aclose()
    return sorted(times)[25], (after - before - 1) / 50


async def silent(server: LocalServer) -> tuple[float, float]:
    """Milliseconds of the first look-up beside a Redis that stands still, and of the slowest of the next hundred."""
    settings = Settings(redis_url=server.url)
    client: Redis = async_client(settings, connect_timeout=CACHE_TIMEOUT, timeout=CACHE_TIMEOUT)
    cache = ReportCache(settings, Ttls(settings), client)

    async def load() -> Any:
        return report(2000)

    await cache.fetch(FEATURE, key(0), load)
    server.send(signal.SIGSTOP)
    times = []
    for at in range(101):
        began = time.perf_counter()
        await cache.fetch(FEATURE, key(at + 1), load)
        times.append((time.perf_counter() - began) * 1000)
    server.send(signal.SIGCONT)
    await cache.close()
    await client.aclose()
    return times[0], max(times[1:])
