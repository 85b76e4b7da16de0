"""Purging and counting: only what is a report's key, whatever stands beside it."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.keyspace import BATCH
from opalmind_tui.reports.service import Reports
from opalmind_tui.settings import Settings
from tests.reports.conftest import MakeCache, Matomo
from tests.reports.recorded import ENTRIES, RECORDS

FOREIGN = [
    "opalmind:cache",
    "opalmind:cache:",
    "opalmind:cache:text",
    "opalmind:cache:{}",
    'opalmind:cache:{"feature":"events"}',
    'opalmind:cache:{"feature":"events","input":[]}',
    'opalmind:cache:{"feature":"events","input":{"siteId":1}',
    'opalmind:cache:{"feature":"eventsX","input":{"siteId":1}}x',
    'opalmind:cached:{"feature":"events","input":{}}',
    'xopalmind:cache:{"feature":"events","input":{}}',
    '{"feature":"events","input":{}}',
    "opalmind:idempotency:events",
]


async def _size(redis: Redis) -> int:
    """Keys, without the number that each purge raises."""
    return int(await redis.dbsize()) - int(await redis.exists("opalmind:stats:{c}:generation"))


async def _fill(redis: Redis) -> tuple[int, int]:
    """All recorded entries and keys that are none; returns the numbers of entries, and of those for events."""
    keys = [key for key in ENTRIES if key.startswith("opalmind:cache:")]
    await redis.mset({key: ENTRIES[key]["value"] for key in keys} | dict.fromkeys(FOREIGN, "kept"))
    await redis.mset({record["key"]: record["value"] for record in RECORDS if ":idempotency:" in record["key"]})
    return len(keys), sum(key.startswith('opalmind:cache:{"feature":"events"') for key in keys)


async def test_one_feature(cache: ReportCache, redis: Redis) -> None:
    total, events = await _fill(redis)
    before = await _size(redis)
    seen: list[int] = []

    assert await cache.count("events") == (events, True)
    assert await cache.purge("events", seen.append) == events > 3

    assert await _size(redis) == before - events
    assert seen[-1] == events
    assert await redis.exists(*FOREIGN) == len(FOREIGN)
    assert await cache.count("events") == (0, True)
    assert await cache.count() == (total - events, True)


async def test_all_and_memory_with_it(cache: ReportCache, reports: Reports, redis: Redis, matomo: Matomo) -> None:
    await reports.get_events()
    total, _ = await _fill(redis)
    before = await _size(redis)

    assert await cache.count() == (total, True)
    assert await cache.purge() == total

    assert await _size(redis) == before - total
    assert await redis.exists(*FOREIGN) == len(FOREIGN)
    assert (await cache.view()).memory_bytes == 0


async def test_a_prefix_is_no_pattern(redis: Redis, settings: Settings, make_cache: MakeCache) -> None:
    key = '{"feature":"events","input":{}}'
    prefix = r"o[pq]*?\a:ü:"
    cache = await make_cache(Settings(redis_url=settings.redis_url, cache_prefix=prefix))
    await redis.mset({prefix + key: "x", "op123:ü:" + key: "x", r"opxx\a:ü:" + key: "x"})

    assert await cache.purge() == 1

    assert await _size(redis) == 2


async def test_a_large_database_is_estimated(cache: ReportCache, redis: Redis) -> None:
    await redis.mset({f"other:{number}": "x" for number in range(6000)})
    await redis.mset({f'opalmind:cache:{{"feature":"events","input":{{"siteId":{n}}}}}': "x" for n in range(6000)})

    estimate, exact = await cache.count("events", budget=4000)

    assert not exact
    assert 5000 < estimate < 7000


async def test_it_can_be_cancelled_between_batches(cache: ReportCache, redis: Redis) -> None:
    keys = [f'opalmind:cache:{{"feature":"events","input":{{"siteId":{number}}}}}' for number in range(8 * BATCH)]
    await redis.mset(dict.fromkeys(keys, "x"))
    first = asyncio.Event()
    purge = asyncio.create_task(cache.purge("events", lambda done: first.set()))
    await first.wait()
    purge.cancel()

    with pytest.raises(asyncio.CancelledError):
        await purge
    left = await _size(redis)
    assert 0 < left < len(keys)
    assert await cache.purge("events") == left


async def test_a_redis_that_cannot_be_asked_is_said(matomo: Matomo, make_cache: MakeCache) -> None:
    cache = await make_cache(Settings(redis_url="unix:///nonexistent/server.sock"))

    with pytest.raises(StoreUnavailable):
        await cache.purge()
    with pytest.raises(StoreUnavailable):
        await cache.count()
