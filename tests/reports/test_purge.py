"""Purging and counting: only what is a report's key, whatever stands beside it."""

from __future__ import annotations

import asyncio
import json

import pytest
from redis.asyncio import Redis

from opalmind_tui.errors import MatomoError, StoreUnavailable
from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.keyspace import BATCH
from opalmind_tui.reports.selection import Selection
from opalmind_tui.reports.service import Reports
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.commands import Act, Command, Plan
from tests.reports.conftest import Clock, MakeCache, Matomo
from tests.reports.recorded import ENTRIES, RECORDS

EVENTS = Selection("events")
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

    assert await cache.count(EVENTS) == (events, True)
    assert await cache.purge(EVENTS, seen.append) == events > 3

    assert await _size(redis) == before - events
    assert seen[-1] == events
    assert await redis.exists(*FOREIGN) == len(FOREIGN)
    assert await cache.count(EVENTS) == (0, True)
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


HOSTILE = [
    "*", "?", "[a-z]", "\\", "\\*", "^", "**", "[", "]", "\x00", "\r\n*3\r\n", "opalmind:cache:",
    "' or '1'='1", "${x}", "ÿ", ".*",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_text_is_no_pattern(cache: ReportCache, redis: Redis, text: str) -> None:
    await redis.mset(dict.fromkeys(['opalmind:cache:{"feature":"events","input":{"siteId":1}}', *FOREIGN], "x"))
    asked = json.dumps({"feature": "events", "input": {"siteId": 1, "segment": text}}, separators=(",", ":"))
    plain = Selection(match=text)
    before = await _size(redis)
    assert await cache.count(plain) == (0, True)
    assert await cache.purge(plain) == 0
    await redis.set(f"opalmind:cache:{asked}", "x")
    in_key = Selection("events", match=asked[asked.index('"segment"') :])
    assert await cache.count(in_key) == (1, True)
    assert await cache.purge(in_key) == 1
    assert await _size(redis) == before


async def test_by_text_of_any_case_and_with_a_feature(cache: ReportCache, redis: Redis) -> None:
    keys = [f'opalmind:cache:{{"feature":"{name}","input":{{"siteId":{site},"date":"Today"}}}}'
            for name in ("events", "campaigns") for site in (7, 71)]  # fmt: skip
    await redis.mset(dict.fromkeys([*keys, *FOREIGN], "x"))

    assert await cache.count(Selection(match='"SITEID":7,')) == (2, True)
    assert await cache.purge(Selection("events", match='"siteid":7,"DATE"')) == 1

    assert await redis.exists(*keys) == 3
    assert await redis.exists(keys[0]) == 0
    assert await redis.exists(*FOREIGN) == len(FOREIGN)


async def test_one_key_and_never_one_that_is_no_report(
    cache: ReportCache, reports: Reports, redis: Redis, matomo: Matomo
) -> None:
    await reports.get_events()
    [name] = await redis.keys("opalmind:cache:*")
    key = Selection(key=name.decode().removeprefix("opalmind:cache:"))
    await _fill(redis)
    before = await _size(redis)
    for foreign in ("text", "{}", '{"feature":"events"}', "*", name.decode()):
        assert await cache.count(Selection(key=foreign)) == (0, True)
        assert await cache.purge(Selection(key=foreign)) == 0
    assert await _size(redis) == before

    seen: list[int] = []
    assert await cache.count(key) == (1, True)
    assert await cache.purge(key, seen.append) == 1

    assert (await _size(redis), await redis.exists(name), seen) == (before - 1, 0, [1])
    await reports.get_events()
    assert matomo.calls == 2, "memory forgot it, too"


@pytest.mark.parametrize(
    "selection",
    [Selection(), Selection("deviceTypes"), Selection(match='"SiteId":1,'), Selection("deviceTypes", match="today")],
)
async def test_other_processes_follow(
    settings: Settings, make_cache: MakeCache, matomo: Matomo, redis: Redis, selection: Selection
) -> None:
    one, other = await make_cache(settings, first_level=30.0), await make_cache(settings, first_level=30.0)
    for cache in (one, other):
        await Reports(matomo, cache, 1).get_device_types()
    assert matomo.calls == 1

    await one.purge(selection)
    await other._sharing.flush()  # what happens each second

    assert not await redis.keys("opalmind:cache:*")
    matomo.answer = []
    for cache in (other, one):
        assert await Reports(matomo, cache, 1).get_device_types() == []
    assert matomo.calls == 2


async def test_what_another_process_purged_does_not_stand_in_when_matomo_is_away(
    settings: Settings, make_cache: MakeCache, matomo: Matomo, clock: Clock
) -> None:
    one, other = await make_cache(settings, clock=clock), await make_cache(settings, clock=clock)
    reports = Reports(matomo, other, 1)
    await reports.get_device_types()
    await reports.get_events()
    await one.purge(Selection("deviceTypes"))
    await reports.get_events()  # Redis has it still
    clock.now += 61
    matomo.answer = MatomoError("network", "away")

    assert await reports.get_events()
    with pytest.raises(MatomoError):
        await reports.get_device_types()


async def test_what_redis_could_not_be_given_ends_with_a_purge(
    settings: Settings, make_cache: MakeCache, matomo: Matomo, redis: Redis, clock: Clock
) -> None:
    one, other = await make_cache(settings, clock=clock), await make_cache(settings, clock=clock)
    reports = Reports(matomo, other, 1)
    await redis.config_set("maxmemory", "1")
    await reports.get_device_types()
    await reports.get_device_types()
    assert matomo.calls == 1
    await redis.config_set("maxmemory", "0")

    await one.purge()
    await reports.get_device_types()

    assert matomo.calls == 2


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

    estimate, exact = await cache.count(EVENTS, budget=4000)

    assert not exact
    assert 5000 < estimate < 7000


async def test_few_among_very_many_are_purged_although_none_was_counted(cache: ReportCache, redis: Redis) -> None:
    await redis.mset({f"other:{number}": "x" for number in range(6000)})
    number, exact = await cache.count(EVENTS, budget=1000)
    plan = Plan(Command(Act.PURGE_CACHE, feature="events"), "Purge", number, estimated=not exact)
    assert (plan.eligible, plan.estimated, plan.nothing_to_do) == (0, True, False)
    await redis.set('opalmind:cache:{"feature":"events","input":{}}', "x")
    assert await cache.purge(EVENTS) == 1


async def test_it_can_be_cancelled_between_batches(cache: ReportCache, redis: Redis) -> None:
    keys = [f'opalmind:cache:{{"feature":"events","input":{{"siteId":{number}}}}}' for number in range(8 * BATCH)]
    await redis.mset(dict.fromkeys(keys, "x"))
    first = asyncio.Event()
    purge = asyncio.create_task(cache.purge(EVENTS, lambda done: first.set()))
    await first.wait()
    purge.cancel()

    with pytest.raises(asyncio.CancelledError):
        await purge
    left = await _size(redis)
    assert 0 < left < len(keys)
    assert await cache.purge(EVENTS) == left


async def test_a_redis_that_cannot_be_asked_is_said(matomo: Matomo, make_cache: MakeCache) -> None:
    cache = await make_cache(Settings(redis_url="unix:///nonexistent/server.sock"))

    with pytest.raises(StoreUnavailable):
        await cache.purge()
    with pytest.raises(StoreUnavailable):
        await cache.count()
