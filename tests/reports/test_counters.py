"""What the cache counts: shared by processes, kept over restarts, read at a cost that does not grow."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from opalmind_tui.reports import sharing
from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.features import NAMES
from opalmind_tui.reports.service import Reports
from opalmind_tui.settings import Settings
from tests.reports.conftest import Clock, MakeCache, Matomo


async def test_counts_are_summed_over_processes_and_survive_them(
    settings: Settings, make_cache: MakeCache, matomo: Matomo, clock: Clock
) -> None:
    first, second = await make_cache(settings, clock=clock), await make_cache(settings, clock=clock)
    await Reports(matomo, first, 1).get_device_types()
    await Reports(matomo, second, 1).get_device_types()
    await Reports(matomo, second, 1).get_events()
    await first.close()
    await second.close()

    view = await (await make_cache(settings, clock=clock)).view()

    assert (view.hits, view.misses, view.sets) == (1, 2, 2)
    assert (view.window_hits, view.window_misses, view.window) == (1, 2, 300 + clock.now % 60)
    assert view.saved_per_hour == 3600 / view.window
    counted = {feature.feature: (feature.hits, feature.misses, feature.window_hits) for feature in view.features}
    assert counted == dict.fromkeys(NAMES, (0, 0, 0)) | {"deviceTypes": (1, 1, 1), "events": (0, 1, 0)}


async def test_what_is_not_shared_yet_is_in_the_view_once(cache: ReportCache, reports: Reports, redis: Redis) -> None:
    await reports.get_device_types()

    assert (await cache.view()).misses == 1
    await cache.close()
    assert (await cache.view()).misses == 1
    assert await redis.hget("opalmind:stats:{c}:totals", "deviceTypes:misses") == b"1"


async def test_counts_are_shared_by_themselves_without_a_command_for_each(
    settings: Settings, make_cache: MakeCache, redis: Redis, matomo: Matomo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "FLUSH_EVERY", 0.05)
    reports = Reports(matomo, await make_cache(settings), 1)
    await redis.config_resetstat()
    for _ in range(200):
        await reports.get_device_types()

    async with asyncio.timeout(20):
        while await redis.hget("opalmind:stats:{c}:totals", "deviceTypes:hits") != b"199":  # noqa: ASYNC110 - another process would poll, too
            await asyncio.sleep(0.01)
    calls = (await redis.info("commandstats"))["cmdstat_hincrby"]["calls"]
    assert calls < 100


async def test_the_window_forgets_and_the_totals_do_not(
    cache: ReportCache, reports: Reports, settings: Settings, make_cache: MakeCache, clock: Clock
) -> None:
    await reports.get_device_types()
    await reports.get_device_types()
    for minutes, hits in ((5, 1), (1, 0)):
        clock.now += 60 * minutes
        view = await cache.view()
        assert (view.window_hits, view.hits) == (hits, 1)
    assert view.hit_rate is None
    await cache.close()
    view = await (await make_cache(settings, clock=clock)).view()
    assert (view.window_hits, view.hits) == (0, 1)


async def test_the_window_reaches_over_the_hour(
    settings: Settings, make_cache: MakeCache, matomo: Matomo, clock: Clock
) -> None:
    clock.now = 1_800_000_000 // 3600 * 3600 - 30
    cache = await make_cache(settings, clock=clock)
    await Reports(matomo, cache, 1).get_device_types()
    await cache.close()
    clock.now += 60

    assert (await (await make_cache(settings, clock=clock)).view()).window_misses == 1


async def test_minutes_expire_after_a_day(cache: ReportCache, reports: Reports, redis: Redis) -> None:
    await reports.get_device_types()
    await cache.close()

    assert 24 * 3600 < await redis.ttl("opalmind:stats:{c}:minutes") <= 25 * 3600
    assert await redis.ttl("opalmind:stats:{c}:totals") == -1


async def test_a_view_is_at_most_three_commands_for_any_number_of_entries(cache: ReportCache, redis: Redis) -> None:
    spent = []
    await cache.view()  # connects
    for entries in (0, 5000):
        pipeline = redis.pipeline()
        for number in range(entries):
            pipeline.set(f"opalmind:cache:{number}", b"x")
        await pipeline.execute()
        await redis.config_resetstat()
        await cache.view()
        stats = await redis.info("commandstats")
        spent.append(sum(stat["calls"] for name, stat in stats.items() if "config" not in name and "info" not in name))
    assert spent[0] == spent[1] <= 3


async def test_entries_come_from_the_census(cache: ReportCache) -> None:
    cache.observe_entries({"events": 40, "laterFeature": 2}, 45, exact=False)

    view = await cache.view()

    assert (view.entries, view.entries_exact) == (45, False)
    assert {feature.feature: feature.entries for feature in view.features}["events"] == 40


async def test_foreign_values_in_the_counts_count_nothing(cache: ReportCache, reports: Reports, redis: Redis) -> None:
    await redis.hset("opalmind:stats:{c}:totals", mapping={"events:hits": "x", "deviceTypes:hits": "5", "y": "z"})
    assert (await cache.view()).hits == 5
    await redis.delete("opalmind:stats:{c}:totals")
    await redis.set("opalmind:stats:{c}:totals", "a text")

    await reports.get_device_types()
    assert (await cache.view()).misses == 1
    await cache.close()
    assert (await reports.get_device_types())[0]["nb_visits"] == 7


async def test_counts_wait_while_redis_is_away(
    settings: Settings, make_cache: MakeCache, redis: Redis, matomo: Matomo, clock: Clock
) -> None:
    cache = await make_cache(settings, clock=clock)
    await redis.config_set("maxmemory", "1")
    try:
        await Reports(matomo, cache, 1).get_device_types()
        await cache.close()
        assert await redis.exists("opalmind:stats:{c}:totals") == 0
    finally:
        await redis.config_set("maxmemory", "0")

    await cache.close()
    assert await redis.hget("opalmind:stats:{c}:totals", "deviceTypes:misses") == b"1"
    assert await redis.hget("opalmind:stats:{c}:totals", "deviceTypes:errors") == b"1"
