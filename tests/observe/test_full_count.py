"""The count of every key: right, stoppable, in constant memory, and it gives way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis
from msgspec.structs import replace
from redis.asyncio import Redis

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.observe.full_count import MEASURED, PAGE, FullCount
from opalmind_tui.observe.looks import Look
from opalmind_tui.observe.survey import Survey
from opalmind_tui.settings import Settings, load_settings
from opalmind_tui.storage.connection import async_client
from tests.observe.conftest import Limit
from tests.observe.test_sample import group, load, mixed
from tests.support.servers import Product, running


async def test_every_key_is_counted(client: Redis, admin: redis.Redis) -> None:
    values = mixed(12_000)
    load(admin, values)
    admin.hset("opalmind:queue:{q}:msg", mapping={f"id{number}": "x" * 500 for number in range(1_000)})
    found = await FullCount(Settings(), seed=1).run(client)
    expected = sum(name.startswith(b"opalmind:idempotency:") for name in values)
    assert (found.total, found.counted) == (12_001, True)
    assert (group(found, "idempotency").keys.value, group(found, "idempotency").keys.exact) == (expected, True)
    assert group(found, "other").keys.value == sum(name.startswith(b"elsewhere") for name in values)
    assert found.features[0].keys.value == group(found, "cache").keys.value
    assert 0.9 * MEASURED < found.looked_at < 1.3 * MEASURED
    truth = sum(admin.memory_usage(name) for name in values if name.startswith(b"opalmind:idempotency:"))
    memory = group(found, "idempotency").memory
    assert memory is not None
    assert 0.85 * truth < memory.low < memory.value < memory.high < 1.15 * truth


async def test_a_small_database_is_known_key_by_key(client: Redis, admin: redis.Redis) -> None:
    load(admin, mixed(900))
    admin.hset("opalmind:queue:{q}:msg", mapping={f"id{number}": "x" * 500 for number in range(100)})
    found = await FullCount(Settings(), seed=1).run(client)
    names = admin.keys()
    assert found.counted
    assert (found.total, found.looked_at) == (901, 901)
    memory = found.all.memory
    assert memory is not None
    assert memory.exact
    assert memory.value == sum(admin.memory_usage(name) for name in names)
    assert all(group.keys.exact for group in (*found.prefixes, *(expiry.group for expiry in found.expiries)))
    endless = sum(admin.ttl(name) == -1 for name in names)
    assert (found.lasting.keys.value, found.lasting.keys.exact) == (endless, True)
    assert group(found, "queue").keys.value == 1


async def test_names_that_begin_alike_are_different_keys(client: Redis, admin: redis.Redis) -> None:
    long = "opalmind:cache:" + "x" * 400
    admin.mset({f"{long}{number}": "1" for number in range(8)})
    admin.hset("opalmind:queue:{q}:msg", "id", "x")
    found = await FullCount(Settings(), seed=1).run(client)
    assert (found.total, found.looked_at) == (9, 9)
    assert found.all.memory is not None
    assert found.all.memory.exact


def test_a_key_that_is_known_beforehand_and_drawn_is_one_look() -> None:
    queue = Look(b"opalmind:queue:{q}:msg", ("queue", ""), 90, None, None)
    drawn = [Look(b"a", ("other", ""), 50, None, None), Look(b"b", ("other", ""), 50, None, None), queue]
    census = Survey(3, drawn, [queue]).census()
    assert (census.total, census.looked_at) == (3, 3)


async def test_a_stopped_count_goes_on_where_it_was(client: Redis, admin: redis.Redis) -> None:
    load(admin, mixed(8_000))
    count = FullCount(Settings(), seed=1)
    stops = 0
    while count.progress.census is None:
        before = count.progress.done
        task = asyncio.create_task(count.run(client))
        while not task.done() and count.progress.done == before:  # noqa: ASYNC110 - it is to be stopped just then
            await asyncio.sleep(0)
        assert count.progress.running is not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not count.progress.running
        stops += 1
    assert count.progress.census.total == 8_000
    assert stops > 5
    assert (await count.run(client)).total == 8_000


@pytest.mark.parametrize("silently", [False, True])
async def test_a_server_that_was_started_anew_is_counted_from_the_first_key(
    any_product: Product, silently: bool
) -> None:
    """It orders its keys by another secret: what a cursor of before leads to is no rest."""
    with running(any_product, persistent=True) as server:
        settings = load_settings({"REDIS_URL": server.url})
        with redis.Redis.from_url(server.url) as admin:
            load(admin, mixed(6_000))
        client = async_client(settings, pool=1)
        count = FullCount(settings, seed=1)
        real, pages = count._page, iter(range(1_000))

        async def restarted(*arguments: Any) -> Any:
            if next(pages) == 4:
                with redis.Redis.from_url(server.url) as admin:
                    admin.save()
                server.stop()
                server.start()
                await client.connection_pool.disconnect()
                if not silently:
                    raise redis.ConnectionError
            return await real(*arguments)

        count._page = restarted  # type: ignore[method-assign]
        if not silently:
            with pytest.raises(StoreUnavailable):
                await count.run(client)
            assert count.progress.done > 1_000
        found = await count.run(client)
        assert (found.total, count.progress.done) == (6_000, 6_000)
        await client.aclose()


async def test_how_far_it_is(client: Redis, admin: redis.Redis) -> None:
    load(admin, mixed(5_000))
    count = FullCount(Settings())
    assert (count.progress.done, count.progress.seconds_left) == (0, None)
    task = asyncio.create_task(count.run(client))
    while not 0 < count.progress.done < 5_000:  # noqa: ASYNC110 - it is to be looked at just then
        await asyncio.sleep(0)
    assert count.progress.total == 5_000
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert count.progress.seconds_left is not None


async def test_steps_are_small(client: Redis, admin: redis.Redis) -> None:
    load(admin, mixed(5_000))
    admin.config_resetstat()
    await FullCount(Settings()).run(client)
    calls = {name: figures["calls"] for name, figures in admin.info("commandstats").items()}
    assert calls["cmdstat_scan"] >= 5_000 // PAGE
    assert "cmdstat_keys" not in calls


async def test_a_busy_server_gets_time(client: Redis, admin: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    load(admin, mixed(20_000))
    rests: list[float] = []
    trips = iter([0.001] * 10 + [0.050] * 1_000)

    class Slow(FullCount):
        async def _page(self, client: Redis, cursor: int, node: str) -> Any:
            return replace(await super()._page(client, cursor, node), took=next(trips))

    real = asyncio.sleep

    async def rest(seconds: float) -> None:
        rests.append(seconds)
        await real(0)

    monkeypatch.setattr("opalmind_tui.observe.full_count.asyncio.sleep", rest)
    await Slow(Settings()).run(client)
    assert max(rests) == pytest.approx(0.050)
    assert len(rests) > 5


async def test_an_empty_database(client: Redis) -> None:
    assert (await FullCount(Settings()).run(client)).total == 0


@pytest.mark.parametrize("denied", ["dbsize", "scan"])
async def test_what_may_not_be_asked(limit: Limit, denied: str) -> None:
    count = FullCount(Settings())
    with pytest.raises(StoreUnavailable) as caught:
        await count.run(await limit(denied))
    assert caught.value.kind == "permission"
    assert count.progress.error
