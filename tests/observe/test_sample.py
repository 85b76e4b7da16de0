"""The census by sample, on real servers: it covers the truth, finds what is large, disturbs nothing, asks little."""

from __future__ import annotations

import random
import time

import pytest
import redis
from redis.asyncio import Redis

from opalmind_tui.observe.census import Census
from opalmind_tui.observe.survey import FORBIDDEN
from opalmind_tui.settings import Settings, load_settings
from opalmind_tui.snapshot.census import KeyCensus, KeyGroup
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.local_server import LocalServer
from tests.observe.conftest import Limit

TRIALS = 100


def group(census: KeyCensus, name: str) -> KeyGroup:
    return next(group for group in census.prefixes if group.name == name)


def load(admin: redis.Redis, values: dict[bytes, bytes], *, seconds: int = 0) -> None:
    names = list(values)
    for start in range(0, len(names), 1000):
        with admin.pipeline(transaction=False) as pipe:
            for name in names[start : start + 1000]:
                pipe.set(name, values[name], ex=seconds or None)
            pipe.execute()


def mixed(count: int) -> dict[bytes, bytes]:
    """Keys of every class, with values of many sizes."""
    rng = random.Random(7)
    values: dict[bytes, bytes] = {}
    for number in range(count):
        kind = rng.choices(("idempotency:%d", 'cache:{"feature":"events","input":{"siteId":%d}}', "other%d"), (6, 3, 1))
        name = (kind[0] % number).encode()
        values[b"elsewhere" + name if name.startswith(b"other") else b"opalmind:" + name] = b"x" * rng.randrange(2_000)
    return values


async def test_intervals_cover_what_is_there(client: Redis, admin: redis.Redis) -> None:
    values = mixed(24_000)
    load(admin, values)
    truth = {"idempotency": 0, "cache": 0, "other": 0}
    memory = dict.fromkeys(truth, 0)
    names = list(values)
    with admin.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.memory_usage(name)
        sizes = pipe.execute()
    for name, size in zip(names, sizes, strict=True):
        place = name.split(b":")[1].decode() if name.startswith(b"opalmind:") else "other"
        truth[place] += 1
        memory[place] += size
    covered = looked = 0
    for _ in range(TRIALS):
        found = await Census(Settings()).once(client)
        for name in truth:
            keys, taken = group(found, name).keys, group(found, name).memory
            assert taken is not None
            assert not keys.exact
            covered += (keys.low <= truth[name] <= keys.high) + (taken.low <= memory[name] <= taken.high)
            looked += 2
        assert found.features[0].name == "events"
    assert covered >= 0.93 * looked


async def test_a_small_database_is_looked_at_whole(client: Redis, admin: redis.Redis) -> None:
    load(admin, {b"opalmind:idempotency:%d" % number: b'{"key":"x"}' for number in range(60)}, seconds=3_000)
    load(admin, {b'opalmind:cache:{"feature":"events","input":{}}': b"x" * 50_000})
    found = await Census(Settings()).once(client)
    assert (found.total, found.looked_at, found.counted) == (61, 61, True)
    records, cache = group(found, "idempotency"), group(found, "cache")
    assert (records.keys.value, records.keys.exact) == (60, True)
    assert cache.memory is not None
    assert cache.memory.exact
    assert cache.memory.value > 50_000
    assert found.biggest[0].name == 'opalmind:cache:{"feature":"events","input":{}}'
    assert (found.lasting.keys.value, found.forgotten.keys.value) == (1, 1)
    assert [(one.before, one.group.keys.value) for one in found.expiries if one.group.keys.value] == [(3600, 60)]


async def test_the_queues_own_keys_are_found_among_any_number(client: Redis, admin: redis.Redis) -> None:
    load(admin, {b"opalmind:idempotency:%d" % number: b"{}" for number in range(21_000)}, seconds=86_000)
    admin.hset("opalmind:queue:{q}:msg", mapping={f"id{number}": "x" * 500 for number in range(5_000)})
    found = await Census(Settings()).once(client)
    queue = group(found, "queue")
    assert queue.memory is not None
    assert queue.memory.low > 2_500_000
    assert queue.keys.low == 1
    assert found.biggest[0].name == "opalmind:queue:{q}:msg"
    assert found.biggest[0].ttl is None
    assert found.forgotten.keys.value == 0


async def test_foreign_values_under_our_prefixes_are_corrupt(
    client: Redis, admin: redis.Redis, server: LocalServer
) -> None:
    admin.rpush("opalmind:idempotency:list", "x")
    admin.set("opalmind:idempotency:fine", '{"key":"fine","value":{}}')
    admin.set("opalmind:idempotency:text", "true")
    admin.set('opalmind:cache:{"feature":"events","input":{}}', '{"feature":"events","value":[],"expiresAt":1}')
    admin.set('opalmind:cache:{"feature":"cities","input":{}}', '{"feature":"cities","val')
    found = await Census(Settings()).once(client)
    assert found.corrupt is not None
    # A server without NO-TOUCH is not asked for values: reading them would change which keys it evicts.
    assert found.corrupt.keys.value == (3 if "valkey" in server.binary.name else 1)


async def test_looking_makes_no_key_look_used(server: LocalServer, admin: redis.Redis) -> None:
    observer = async_client(load_settings({"REDIS_URL": server.url}), pool=1, no_touch=True)
    admin.config_set("maxmemory-policy", "allkeys-lfu")
    admin.config_set("lfu-log-factor", 0)
    try:
        load(admin, {b"opalmind:idempotency:%d" % number: b"{}" for number in range(50)})
        before = [admin.object("freq", f"opalmind:idempotency:{number}") for number in range(50)]
        for _ in range(5):
            await Census(Settings()).once(observer)
        after = [admin.object("freq", f"opalmind:idempotency:{number}") for number in range(50)]
        admin.get("opalmind:idempotency:1")
        assert after == before
        assert admin.object("freq", "opalmind:idempotency:1") > before[1]
    finally:
        admin.config_set("maxmemory-policy", "noeviction")
        await observer.aclose()


@pytest.mark.parametrize("denied", ["client", "memory", "randomkey", "eval"])
async def test_what_may_not_be_asked_is_named(limit: Limit, admin: redis.Redis, denied: str) -> None:
    load(admin, {b"opalmind:idempotency:%d" % number: b"{}" for number in range(2_000)})
    client = await limit(denied)
    census = Census(Settings(), clock=time.monotonic)
    counts = await census.step(client)
    found = census.view()
    assert counts.total == found.total == 2_000
    if denied == "memory":
        assert found.note == FORBIDDEN
        assert group(found, "idempotency").keys.value == 2_000
        assert group(found, "idempotency").memory is None
    elif denied != "client":
        assert found.note.startswith("not permitted: ")


async def test_renewal_looks_at_twenty_keys_in_ten_seconds(client: Redis, admin: redis.Redis) -> None:
    load(admin, {b"opalmind:idempotency:%d" % number: b"{}" for number in range(21_000)})
    now = 100.0
    census = Census(Settings(), clock=lambda: now)
    await census.step(client)
    first = census.view().looked_at
    admin.config_resetstat()
    for _ in range(10):
        now += 1.0
        await census.step(client)
    assert census.view().looked_at == first + 20
    calls = {name: figures["calls"] for name, figures in admin.info("commandstats").items()}
    assert calls["cmdstat_randomkey"] == 20
    assert calls["cmdstat_eval"] == 1
    assert calls["cmdstat_dbsize"] == 10
