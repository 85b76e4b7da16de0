"""One fetch for all processes, purges that win everywhere, and a first level that never outlives either."""

from __future__ import annotations

import asyncio
import random
import sys
from asyncio.subprocess import PIPE
from typing import Any

import pytest
from redis.asyncio import Redis

from opalmind_tui.errors import MatomoError
from opalmind_tui.reports import redis_cache
from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.counters import Count
from opalmind_tui.reports.read_through import SURE_FOR
from opalmind_tui.reports.redis_cache import RedisCache
from opalmind_tui.reports.selection import Selection
from opalmind_tui.reports.service import Reports
from opalmind_tui.reports.staleness import watching
from opalmind_tui.settings import Settings
from tests.reports.conftest import Clock, MakeCache, Matomo

KEY = '{"feature":"deviceTypes","input":{"siteId":1,"period":"day","date":"today"}}'
ASKER = """
import asyncio, sys, time
from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.read_through import SURE_FOR
from opalmind_tui.reports.selection import Selection
from opalmind_tui.reports.service import Reports
from opalmind_tui.reports.ttl import Ttls
from opalmind_tui.settings import Settings
from opalmind_tui.storage.connection import async_client

async def main(url):
    settings = Settings(redis_url=url)
    client, plain = async_client(settings, timeout=2.0), async_client(settings)
    class Matomo:
        async def call(self, method, params):
            await plain.incr("asked")
            await asyncio.sleep(0.3)
            return [{"label": "Desktop", "nb_visits": "7"}]
    cache = ReportCache(settings, Ttls(settings), client)
    await plain.incr("ready")
    while int(await plain.get("ready")) < 3:
        await asyncio.sleep(0.005)
    found = await asyncio.gather(*(Reports(Matomo(), cache, 1).get_device_types() for _ in range(10)))
    assert found == [[{"label": "Desktop", "nb_visits": 7}]] * 10, found
    await cache.close()
asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture
async def two(settings: Settings, make_cache: MakeCache) -> tuple[ReportCache, ReportCache]:
    """Two caches as two processes have them, each with a first level."""
    return await make_cache(settings, first_level=30.0), await make_cache(settings, first_level=30.0)


async def test_three_processes_make_one_request(settings: Settings, redis: Redis) -> None:
    children = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", ASKER, settings.redis_url, stderr=PIPE)
        for _ in range(3)
    ]
    for child in children:
        _, said = await child.communicate()
        assert child.returncode == 0, said.decode()
    assert await redis.get("asked") == b"1"
    assert await redis.keys("opalmind:stats:{c}:f:*") == [], "claims were given back"


async def test_another_process_takes_over_from_one_that_died(
    settings: Settings, redis: Redis, two: tuple[ReportCache, ReportCache], matomo: Matomo, monkeypatch: Any
) -> None:
    monkeypatch.setattr(redis_cache, "LEASE", 0.3)
    dead = RedisCache(redis, settings.cache_prefix, settings.stats_prefix)
    claimed = await dead.claim(KEY, "dead")
    assert claimed.holder == b""
    assert (await dead.claim(KEY, "other")).holder == b"dead"

    async with asyncio.timeout(20):
        await Reports(matomo, two[0], 1).get_device_types()

    assert matomo.calls == 1
    assert not await dead.store(KEY, "dead", claimed.generation, b"late", 60_000), "the claim was lost"
    assert await redis.get(settings.cache_prefix + KEY) != b"late"


async def test_a_failure_of_matomo_is_told_and_not_repeated(
    two: tuple[ReportCache, ReportCache], matomo: Matomo
) -> None:
    matomo.answer = MatomoError("server", "token_auth=SECRET", status=503)
    with pytest.raises(MatomoError):
        await Reports(matomo, two[0], 1).get_device_types()
    for cache in (*two, *two):
        with pytest.raises(MatomoError) as raised:
            await Reports(matomo, cache, 1).get_device_types()
        assert (raised.value.kind, raised.value.status) == ("server", 503)
    assert matomo.calls == 1
    assert "SECRET" not in str(raised.value), "Matomo's words stay in the process that heard them"


async def test_a_purge_in_another_process_wins_over_the_fetch_under_way(
    two: tuple[ReportCache, ReportCache], matomo: Matomo, redis: Redis, settings: Settings
) -> None:
    matomo.gate.clear()
    asked = asyncio.create_task(Reports(matomo, two[0], 1).get_device_types())
    await matomo.asked.wait()
    await two[1].purge(Selection("deviceTypes"))
    matomo.gate.set()
    await asked

    assert await redis.exists(settings.cache_prefix + KEY) == 0
    await Reports(matomo, two[0], 1).get_device_types()
    assert matomo.calls == 2


async def test_who_asks_after_a_purge_does_not_join_the_fetch_before_it(cache: ReportCache, matomo: Matomo) -> None:
    reports = Reports(matomo, cache, 1)
    matomo.gate.clear()
    before = asyncio.create_task(reports.get_device_types())
    await matomo.asked.wait()
    await cache.purge()
    after = asyncio.create_task(reports.get_device_types())
    await asyncio.sleep(0.05)
    matomo.gate.set()
    await asyncio.gather(before, after)
    assert matomo.calls == 2


async def test_nor_who_asks_after_a_purge_in_another_process(
    two: tuple[ReportCache, ReportCache], matomo: Matomo
) -> None:
    reports = Reports(matomo, two[0], 1)
    matomo.gate.clear()
    before = asyncio.create_task(reports.get_device_types())
    await matomo.asked.wait()
    await two[1].purge()
    after = asyncio.create_task(reports.get_device_types())
    await asyncio.sleep(0.05)
    matomo.gate.set()
    await asyncio.gather(before, after)
    assert matomo.calls == 2


async def test_the_first_level_asks_nobody_until_something_is_purged(
    two: tuple[ReportCache, ReportCache], matomo: Matomo, redis: Redis
) -> None:
    reports = Reports(matomo, two[0], 1)
    first = await reports.get_device_types()
    await redis.config_resetstat()
    for _ in range(50):
        again = await reports.get_device_types()
        assert again == first
        again[0]["label"] = "changed by a caller"
    assert "cmdstat_evalsha" not in await redis.info("commandstats")
    assert (await two[0].view()).hits == 50

    await two[1].purge()
    await two[0]._sharing.flush()  # what happens each second
    matomo.answer = []
    assert await reports.get_device_types() == []


async def test_the_first_level_ends_with_the_entry(settings: Settings, make_cache: MakeCache, matomo: Matomo) -> None:
    clock = Clock()
    cache = await make_cache(settings, clock=clock, first_level=120.0)
    reports = Reports(matomo, cache, 1)
    await reports.get_device_types()
    for seconds, calls in ((29, 1), (30, 1), (2, 2)):
        clock.now += seconds
        cache._sure_until = clock.now + 1  # As of the last addition to the counts.
        await reports.get_device_types()
        assert matomo.calls == calls


async def test_the_first_level_is_not_trusted_for_longer_than_redis_was_heard(
    settings: Settings, make_cache: MakeCache, matomo: Matomo
) -> None:
    clock = Clock()
    cache, other = [await make_cache(settings, clock=clock, first_level=30.0) for _ in range(2)]
    reports = Reports(matomo, cache, 1)
    before = await reports.get_device_types()
    await other.purge()
    matomo.answer = []
    clock.now += SURE_FOR - 0.5
    assert await reports.get_device_types() == before, "it is asked of nobody"
    clock.now += 0.5
    assert await reports.get_device_types() == []


async def test_a_report_is_refreshed_before_it_expires(
    settings: Settings, make_cache: MakeCache, matomo: Matomo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "random", lambda: 0.9999)
    clock = Clock()
    cache = await make_cache(settings, clock=clock)
    reports = Reports(matomo, cache, 1)
    cache._fetcher._seconds["deviceTypes"] = 2.0
    await reports.get_device_types()
    clock.now += 58
    matomo.gate.clear()
    matomo.asked.clear()
    async with asyncio.timeout(30):  # Else it is waited for.
        assert len(await reports.get_device_types()) == 1
        await matomo.asked.wait()  # Else there is none.
    matomo.gate.set()
    await asyncio.gather(*cache._flights._flights.values())
    clock.now += 30
    await reports.get_device_types()
    view = await cache.view()
    assert (view.hits, view.misses, matomo.calls) == (2, 1, 2)


async def test_an_old_report_is_marked(settings: Settings, make_cache: MakeCache, matomo: Matomo) -> None:
    clock = Clock()
    reports = Reports(matomo, await make_cache(settings, clock=clock), 1)
    with watching() as stale:
        await reports.get_device_types()
    assert stale == []
    clock.now += 70
    matomo.answer = MatomoError("timeout", "away")
    with watching() as stale:
        await reports.get_device_types()
    assert [(mark.feature, mark.age, mark.away) for mark in stale] == [("deviceTypes", 10.0, "Matomo")]


async def test_two_matomos_under_one_prefix_are_noticed(
    settings: Settings, make_cache: MakeCache, matomo: Matomo
) -> None:
    names = ("https://user:secret@one.example/", "https://two.example/stats/?token_auth=secret")
    caches = [
        await make_cache(Settings(redis_url=settings.redis_url, matomo_base_url=name)) for name in (names[0], *names)
    ]
    for cache, seen in zip(caches, ((), (), ("https://one.example/index.php",)), strict=True):
        await Reports(matomo, cache, 1).get_device_types()
        await cache._sharing.flush()
        assert (await cache.view()).other_sources == seen
    # Who has no Matomo of its own sees two of them all the same.
    assert len((await (await make_cache(settings)).view()).other_sources) == 1


async def test_every_count_is_kept_by_minute_for_a_day(
    settings: Settings, make_cache: MakeCache, matomo: Matomo
) -> None:
    clock = Clock()
    cache = await make_cache(settings, clock=clock)
    reports = Reports(matomo, cache, 1)
    truth: dict[int, dict[Count, int]] = {}
    for step in range(40):
        before = matomo.calls
        await reports.get_device_types(limit=step % 3 + 1)
        row = truth.setdefault(int(clock.now // 60), dict.fromkeys((Count.HITS, Count.MISSES, Count.SETS), 0))
        row[Count.MISSES if matomo.calls > before else Count.HITS] += 1
        row[Count.SETS] += matomo.calls - before
        clock.now += 13
        await cache._sharing.flush()
    found = await (await make_cache(settings, clock=clock)).history()
    assert {
        minute: {count: tally.get(("deviceTypes", count), 0) for count in truth[minute]}
        for minute, tally in found.items()
    } == truth
    assert sum(tally.get(("deviceTypes", Count.BYTES), 0) for tally in found.values()) > 90 * matomo.calls
    clock.now += 24 * 3600
    assert await cache.history() == {}
    await reports.get_device_types()
    await cache._sharing.flush()
    [tally] = (await cache.history()).values()
    looked_up = tally.get(("deviceTypes", Count.HITS), 0) + tally.get(("deviceTypes", Count.MISSES), 0)
    assert looked_up == 1, "the ring forgets the day before"
