"""The cache on a Cluster: entries lie in other slots than claims and the generation."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from opalmind_tui.reports import cluster_cache, redis_cache
from opalmind_tui.reports.cluster_cache import ClusterCache
from opalmind_tui.reports.entries import Entries
from opalmind_tui.reports.existing import apply_to_reports
from opalmind_tui.reports.selection import ALL
from opalmind_tui.reports.service import Reports
from opalmind_tui.settings import Settings
from tests.reports import conftest
from tests.reports.conftest import Clock, MakeCache, Matomo
from tests.support.cluster import LocalCluster

DAYS = [f"2026-01-{day:02}" for day in range(1, 21)]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time decides: a busy machine may take its own."""
    for place in (redis_cache, cluster_cache):
        monkeypatch.setattr(place, "DEADLINE", 10.0)
    monkeypatch.setattr(conftest, "CACHE_TIMEOUT", 10.0)
    monkeypatch.setattr(redis_cache, "LEASE", 30.0)
    monkeypatch.setattr(cluster_cache, "LEASE", 30.0)


@pytest.fixture
def settings(cluster: LocalCluster) -> Settings:
    """Settings for the cluster."""
    return Settings(redis_url=cluster.url, redis_cluster=True)


async def test_one_process_fetches_and_all_have_it_until_it_is_purged(
    settings: Settings, make_cache: MakeCache, matomo: Matomo, redis: Any
) -> None:
    caches = [await make_cache(settings) for _ in range(2)]
    processes = [Reports(matomo, cache, 1) for cache in caches]

    async def everything() -> None:
        await asyncio.gather(*(each.get_device_types(date=day) for each in processes for day in DAYS))

    # Their connections, first: the cache waits for nothing longer than for Matomo.
    for each in processes:
        await each.get_device_types(date=DAYS[0])
    await everything()
    assert matomo.calls == len(DAYS)
    await everything()
    assert matomo.calls == len(DAYS)
    entries = Entries(redis, settings.cache_prefix)
    rows, more = await entries.rows(ALL, 100)
    assert (len(rows), more) == (len(DAYS), False)
    slots = {redis.slot_of(("GET", settings.cache_prefix + row.key)) for row in rows}
    assert len(slots) == len(DAYS), "the names are the services' own, without a hash tag"

    changed = await apply_to_reports(redis, settings.cache_prefix, {"deviceTypes": (60.0, 600.0)})
    assert changed == len(DAYS)
    assert all(row.kept and row.kept > 60 for row in (await entries.rows(ALL, 100))[0])

    assert await caches[0].count() == (len(DAYS), True)
    assert await caches[0].purge() == len(DAYS)
    await everything()
    assert matomo.calls == 2 * len(DAYS)
    for cache in caches:
        await cache._sharing.flush()
    view = await caches[1].view()
    # Who waits for another's fetch has missed, too.
    assert (view.hits + view.misses, view.sets) == (2 + 3 * 2 * len(DAYS), 2 * len(DAYS))


async def test_what_a_purge_overtakes_is_taken_back(settings: Settings, redis: Any, clock: Clock) -> None:
    cache = ClusterCache(redis, settings.cache_prefix, settings.stats_prefix)
    claimed = await cache.claim("key", "mine")
    assert (claimed.holder, claimed.raw) == (b"", None)
    assert (await cache.claim("key", "other")).holder == b"mine"
    write = redis.set

    async def overtaken(*arguments: Any, **options: Any) -> Any:
        # The purge deletes before we store, and raises the number.
        await cache.raise_generation()
        return await write(*arguments, **options)

    redis.set = overtaken
    assert not await cache.store("key", "mine", claimed.generation, b"old", 60_000)
    assert await redis.get(settings.cache_prefix + "key") is None
    del redis.set

    claimed = await cache.claim("key", "other")
    assert claimed.holder == b"", "the claim was given back"
    assert await cache.store("key", "other", claimed.generation, b"new", 60_000)
    assert await cache.get("key") == (claimed.generation, b"new")
    assert not await cache.store("key", "other", claimed.generation, b"late", 60_000), "the claim is gone"
    assert await redis.get(settings.cache_prefix + "key") == b"new"


async def test_a_claim_that_was_lost_while_storing_takes_back_what_it_stored(settings: Settings, redis: Any) -> None:
    cache = ClusterCache(redis, settings.cache_prefix, settings.stats_prefix)
    claimed = await cache.claim("key", "mine")
    write = redis.set

    async def slow(*arguments: Any, **options: Any) -> Any:
        # We stood still for longer than a claim lives.
        await redis.unlink(cache._claim_key("key"))
        await cache.claim("key", "other")
        return await write(*arguments, **options)

    redis.set = slow
    assert not await cache.store("key", "mine", claimed.generation, b"old", 60_000)
    assert await redis.get(settings.cache_prefix + "key") is None
    assert (await cache.claim("key", "third")).holder == b"other", "its claim is left alone"


async def test_what_is_no_entry_is_named(settings: Settings, redis: Any) -> None:
    cache = ClusterCache(redis, settings.cache_prefix, settings.stats_prefix)
    await redis.lpush(settings.cache_prefix + "list", "x")
    assert (await cache.get("list"))[1] == b"?"
    assert (await cache.get("absent"))[1] is None
