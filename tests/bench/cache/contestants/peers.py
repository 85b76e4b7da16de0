"""What a peer does at its own defaults and at its best, in its own environment: hits per second from Redis.

One argument, JSON: variant (``aiocache`` or ``cashews``), url, size (bytes of a value), hits, callers. It prints a JSON
line: seconds in all, and hits/s by name.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

KEYS = 200


def report(size: int) -> list[dict[str, Any]]:
    """Rows as Matomo's page addresses have them, of about so many bytes."""
    rows: list[dict[str, Any]] = []
    while len(json.dumps(rows)) < size:
        rows.append(
            {
                "label": f"/products/category/page-{len(rows):03}",
                "nb_hits": 123,
                "nb_visits": 45,
                "nb_uniq_visitors": 40,
                "sum_time_spent": 1234,
                "avg_time_on_page": 27.5,
                "bounce_rate": "37%",
            }
        )
    return rows


async def measure(get: Callable[[str], Awaitable[Any]], hits: int, callers: int) -> float:
    """Hits per second."""

    async def caller(at: int) -> None:
        for number in range(hits // callers):
            assert await get(f"key-{(at * 7 + number) % KEYS}") is not None

    await caller(0)
    began = time.perf_counter()
    await asyncio.gather(*(caller(at) for at in range(callers)))
    return hits / (time.perf_counter() - began)


async def aiocache(url: str, value: Any, hits: int, callers: int) -> dict[str, float]:
    """Its default, JSON, and its fastest, pickle."""
    from aiocache import RedisCache
    from aiocache.serializers import JsonSerializer, PickleSerializer

    host, port = url.removeprefix("redis://").split("/")[0].split(":")
    found = {}
    for name, serializer in (("aiocache json", JsonSerializer()), ("aiocache pickle", PickleSerializer())):
        cache = RedisCache(endpoint=host, port=int(port), serializer=serializer, namespace=name)
        for number in range(KEYS):
            await cache.set(f"key-{number}", value, ttl=600)
        found[name] = await measure(cache.get, hits, callers)
        await cache.close()
    return found


async def cashews(url: str, value: Any, hits: int, callers: int) -> dict[str, float]:
    """At its defaults."""
    from cashews import Cache

    cache = Cache()
    cache.setup(url)
    for number in range(KEYS):
        await cache.set(f"key-{number}", value, expire=600)
    found = {"cashews": await measure(cache.get, hits, callers)}
    await cache.close()
    return found


TASK, BEGAN = json.loads(sys.argv[1]), time.perf_counter()
PEER = {"aiocache": aiocache, "cashews": cashews}[TASK["variant"]]
FOUND = asyncio.run(PEER(TASK["url"], report(TASK["size"]), TASK["hits"], TASK["callers"]))
print(json.dumps({"seconds": time.perf_counter() - BEGAN, "found": FOUND}))
