"""Redis or Matomo away: reports go on from memory, nothing waits twice, nothing old reaches the shared entry."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator

import pytest
from redis.asyncio import Redis

from opalmind_tui.errors import MatomoError
from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.selection import Selection
from opalmind_tui.reports.service import Reports
from opalmind_tui.reports.staleness import STALE_FOR
from opalmind_tui.reports.ttl import Ttls
from opalmind_tui.settings import Settings
from opalmind_tui.storage.local_server import LocalServer
from tests.reports.conftest import Clock, MakeCache, Matomo
from tests.support.servers import Product, running

DEVICES = [{"label": "Desktop", "nb_visits": 7}]


@pytest.fixture
def own_server(any_product: Product) -> Iterator[LocalServer]:
    """A server that a test may stop."""
    with running(any_product) as server:
        yield server


async def _until_redis_serves(cache: ReportCache, reports: Reports) -> None:
    deadline = time.monotonic() + 20
    while cache.trouble is not None:
        assert time.monotonic() < deadline, "the breaker stayed open"
        await asyncio.sleep(0.02)
        await reports.get_device_types()


async def test_a_silent_redis_costs_one_timeout_and_is_found_again(
    own_server: LocalServer, make_cache: MakeCache, matomo: Matomo
) -> None:
    cache = await make_cache(Settings(redis_url=own_server.url))
    reports = Reports(matomo, cache, 1)
    await reports.get_device_types(limit=1)
    own_server.send(signal.SIGSTOP)

    assert await reports.get_device_types() == DEVICES
    for _ in range(100):
        assert await reports.get_device_types() == DEVICES

    view = await cache.view()
    assert view.errors == 1, "Redis was asked again and again"
    assert (view.hits, matomo.calls) == (100, 2)
    assert cache.trouble is not None
    assert cache.trouble.kind == "timeout"
    own_server.send(signal.SIGCONT)
    await _until_redis_serves(cache, reports)
    assert matomo.calls == 2, "memory still has what Redis was not given"


async def test_many_at_once_wait_for_a_silent_redis_together(
    own_server: LocalServer, make_cache: MakeCache, matomo: Matomo
) -> None:
    cache = await make_cache(Settings(redis_url=own_server.url))
    reports = Reports(matomo, cache, 1)
    own_server.send(signal.SIGSTOP)
    began = time.monotonic()

    await asyncio.gather(*(reports.get_device_types(site_id=site) for site in range(1, 101)))

    assert time.monotonic() - began < 5, "they waited one after the other"
    assert matomo.calls == 100
    own_server.send(signal.SIGCONT)


async def test_a_redis_that_refuses_connections(make_cache: MakeCache, matomo: Matomo, any_product: Product) -> None:
    with running(any_product) as server:
        settings = Settings(redis_url=server.url)
    cache = await make_cache(settings)
    reports = Reports(matomo, cache, 1)

    assert await reports.get_device_types() == DEVICES
    assert await reports.get_device_types() == DEVICES

    view = await cache.view()
    assert (view.hits, view.misses, view.sets, view.errors, view.entries, matomo.calls) == (1, 1, 1, 1, 1, 1)
    assert cache.trouble is not None
    assert cache.trouble.kind == "refused"


async def test_a_full_redis_keeps_serving_and_memory_holds_the_rest(
    own_server: LocalServer, make_cache: MakeCache, matomo: Matomo
) -> None:
    cache = await make_cache(Settings(redis_url=own_server.url))
    reports = Reports(matomo, cache, 1)
    await reports.get_events()
    client = Redis.from_url(own_server.url)
    await client.config_set("maxmemory", "1")

    await reports.get_device_types()
    await reports.get_device_types()
    await reports.get_events()

    assert matomo.calls == 2
    assert cache.trouble is None
    await client.aclose()


@pytest.mark.parametrize("kind", ["network", "timeout", "server", "rate-limit"])
async def test_old_reports_stand_in_while_matomo_is_away_and_are_never_shared(
    reports: Reports, cache: ReportCache, redis: Redis, matomo: Matomo, clock: Clock, kind: str
) -> None:
    await reports.get_device_types()
    await redis.delete(*await redis.keys("opalmind:cache:*"))
    matomo.answer = MatomoError(kind, "away")
    clock.now += 61

    assert await reports.get_device_types() == DEVICES
    assert await reports.get_device_types() == DEVICES

    view = await cache.view()
    assert (view.stale_served, view.misses, view.hits, view.sets) == (2, 3, 0, 1)
    assert await redis.keys("opalmind:cache:*") == []
    clock.now += STALE_FOR
    with pytest.raises(MatomoError):
        await reports.get_device_types()


async def test_what_a_service_stored_stands_in_too(
    reports: Reports, redis: Redis, matomo: Matomo, clock: Clock
) -> None:
    await reports.get_device_types()
    [key] = await redis.keys("opalmind:cache:*")
    await redis.set(key, (await redis.get(key)).replace(b"Desktop", b"Service"))
    await reports.get_device_types()
    matomo.answer = MatomoError("network", "away")
    clock.now += 61

    assert (await reports.get_device_types())[0]["label"] == "Service"


@pytest.mark.parametrize("kind", ["auth", "permission", "client", "parse"])
async def test_a_refusal_is_not_hidden_by_an_old_report(
    reports: Reports, matomo: Matomo, clock: Clock, kind: str
) -> None:
    await reports.get_device_types()
    matomo.answer = MatomoError(kind, "no")
    clock.now += 61

    with pytest.raises(MatomoError):
        await reports.get_device_types()


async def test_memory_alone(matomo: Matomo, clock: Clock) -> None:
    cache = ReportCache(Settings(), Ttls(Settings()), None, clock=clock)
    reports = Reports(matomo, cache, 1)
    await reports.get_device_types()
    await reports.get_device_types()
    clock.now += 61
    await reports.get_device_types()

    view = await cache.view()
    assert (view.hits, view.misses, view.sets, view.stale_evictions, view.entries) == (1, 2, 2, 1, 1)
    assert (view.window_hits, view.window_misses) == (1, 2)
    clock.now += 360
    assert (await cache.view()).window_misses == 0
    assert await cache.count(Selection("deviceTypes")) == (1, True)
    assert await cache.purge(Selection("events")) == 0
    assert await cache.purge(Selection("deviceTypes")) == 1
    await cache.close()
