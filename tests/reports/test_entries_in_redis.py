"""What is shared with OpalMind services: keys, values and times to live, and what strangers leave there."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.entry import LARGEST, decode_entry
from opalmind_tui.reports.service import Reports
from opalmind_tui.reports.ttl import Ttls
from opalmind_tui.settings import Settings
from tests.reports.conftest import Clock, MakeCache, Matomo
from tests.reports.recorded import CALLS, ENTRIES, PREFIX, ScriptedMatomo, arguments_of, method_of

KEY = PREFIX + '{"feature":"deviceTypes","input":{"siteId":1,"period":"day","date":"2025-10-28"}}'
STORED = '{"feature":"deviceTypes","value":[{"label":"Desktop","nb_visits":7}],"expiresAt":%d}'
WRITTEN = [call for call in CALLS if call["written"] and "prefix" not in call]


async def _ask(reports: Reports) -> list[dict[str, Any]]:
    return await reports.get_device_types(date="2025-10-28")


async def test_a_service_reads_what_we_write(reports: Reports, redis: Redis, clock: Clock) -> None:
    assert await _ask(reports) == [{"label": "Desktop", "nb_visits": 7}]

    assert await redis.get(KEY) == (STORED % (clock.now * 1000 + 60_000)).encode()
    assert await redis.ttl(KEY) == 60


@pytest.mark.parametrize(("ttl_ms", "seconds"), [(1500, 2), (200, 1), (300_000, 300), (0, -2)])
async def test_redis_counts_in_whole_seconds_rounded_up(
    settings: Settings, make_cache: MakeCache, redis: Redis, matomo: Matomo, clock: Clock, ttl_ms: int, seconds: int
) -> None:
    cache = await make_cache(settings, Ttls(Settings(cache_ttl_ms=ttl_ms)), clock=clock)

    await _ask(Reports(matomo, cache, 1))

    assert await redis.ttl(KEY) == seconds
    assert (await cache.view()).sets == 1


async def test_all_recorded_entries_are_hits(cache: ReportCache, redis: Redis, clock: Clock) -> None:
    for call in WRITTEN:
        for written in call["written"]:
            head, _, _ = written["value"].rpartition(":")
            await redis.set(written["key"], f"{head}:{clock.now * 1000 + 1:.0f}}}")

    for call in WRITTEN:
        matomo = ScriptedMatomo(call)
        result = await getattr(Reports(matomo, cache, 1), method_of(call))(**arguments_of(call))
        assert (result, matomo.asked) == (call["returned"], []), call["id"]

    view = await cache.view()
    assert (view.hits, view.misses, view.corrupt) == (len(WRITTEN), 0, 0)


@pytest.mark.parametrize(
    "stored",
    [
        b"{}",
        b"true",
        b"null",
        b"[]",
        b'"text"',
        b"12",
        b"{",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"feature":"deviceTypes","value":[]}',
        b'{"feature":"deviceTypes","expiresAt":9e12}',
        b'{"feature":"deviceTypes","value":[],"expiresAt":null}',
        b'{"feature":"deviceTypes","value":[],"expiresAt":true}',
        b'{"feature":"deviceTypes","value":[],"expiresAt":"9999999999999"}',
        b'{"feature":"deviceTypes","value":{},"expiresAt":9999999999999}',
        b'{"feature":"deviceTypes","value":[{"nb_visits":1}],"expiresAt":9999999999999}',
        b'{"feature":"deviceTypes","value":[{"label":"x","nb_visits":"1"}],"expiresAt":9999999999999}',
        b'{"feature":"events","value":[],"expiresAt":9999999999999}',
        next(entry["value"].encode() for key, entry in ENTRIES.items() if "funnelSummary" in key),
        pytest.param(
            b'{"feature":"deviceTypes","value":[{"label":"' + b"x" * LARGEST + b'"}],"expiresAt":9999999999999}',
            id="huge",
        ),
    ],
)
async def test_what_is_no_entry_counts_as_corrupt_and_is_fetched_anew(
    reports: Reports, cache: ReportCache, redis: Redis, stored: bytes
) -> None:
    await redis.set(KEY, stored)

    assert await _ask(reports) == [{"label": "Desktop", "nb_visits": 7}]

    view = await cache.view()
    assert (view.corrupt, view.hits, view.misses, view.sets, view.errors) == (1, 0, 1, 1, 0)
    assert decode_entry(await redis.get(KEY), "deviceTypes") is not None


async def test_of_a_huge_value_only_the_beginning_is_read(reports: Reports, redis: Redis) -> None:
    await redis.setrange(KEY, 4 * LARGEST, b"x")
    before = (await redis.info("stats"))["total_net_output_bytes"]

    await _ask(reports)

    assert (await redis.info("stats"))["total_net_output_bytes"] - before < 1.1 * LARGEST


async def test_a_key_of_another_type_counts_as_corrupt(reports: Reports, cache: ReportCache, redis: Redis) -> None:
    await redis.hset(KEY, "field", "value")

    assert await _ask(reports) == [{"label": "Desktop", "nb_visits": 7}]

    assert (await cache.view()).corrupt == 1
    assert cache.trouble is None


async def test_an_entry_past_its_time_is_fetched_anew(
    reports: Reports, cache: ReportCache, redis: Redis, matomo: Matomo, clock: Clock
) -> None:
    await redis.set(KEY, STORED % (clock.now * 1000 - 1))
    await _ask(reports)
    await _ask(reports)

    view = await cache.view()
    assert (view.stale_evictions, view.misses, view.hits, matomo.calls) == (1, 1, 1, 1)


async def test_read_only_reads_and_writes_nothing(
    settings: Settings, make_cache: MakeCache, redis: Redis, matomo: Matomo, clock: Clock
) -> None:
    watched = Settings(redis_url=settings.redis_url, read_only=True)
    cache = await make_cache(watched, clock=clock)
    reports = Reports(matomo, cache, 1)
    await _ask(reports)
    await _ask(reports)
    await cache.close()

    assert await redis.keys() == []
    assert matomo.calls == 1, "its own memory serves it"
    await redis.set(KEY, (STORED % (clock.now * 1000 + 1)).replace("Desktop", "Service"))
    assert (await _ask(reports))[0]["label"] == "Service"
