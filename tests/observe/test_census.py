"""Keys per prefix: exact where that is cheap, a fair estimate elsewhere, and never dear."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.observe.census import EXACT_UP_TO, STEP_BYTES, Census
from opalmind_tui.observe.keyspace import UNKNOWN_FEATURE, Keyspace, Tally
from opalmind_tui.settings import Settings, load_settings
from opalmind_tui.snapshot.model import KeyCounts
from opalmind_tui.storage.connection import async_client
from tests.observe.conftest import Limit
from tests.support.servers import Product, running

RECORDS = Path(__file__).parents[1] / "data" / "observe" / "redis-records.jsonl"


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def census(clock: Clock) -> Census:
    return Census(Settings(), clock=clock)


async def stepped(census: Census, clock: Clock, client: Redis, seconds: int) -> KeyCounts:
    """Call it each second, as the engine does."""
    counts = KeyCounts()
    for _ in range(seconds):
        counts = await census.step(client)
        clock.now += 1.0
    return counts


def load(admin: redis.Redis, keys: list[bytes]) -> None:
    for start in range(0, len(keys), 1000):
        with admin.pipeline(transaction=False) as pipe:
            for key in keys[start : start + 1000]:
                pipe.set(key, b"1")
            pipe.execute()


def recorded() -> list[dict[str, str]]:
    return [json.loads(line) for line in RECORDS.read_bytes().splitlines()]


async def test_the_recorded_keys_are_counted_exactly(
    census: Census, clock: Clock, client: Redis, admin: redis.Redis
) -> None:
    records = recorded()
    for record in records:
        admin.set(record["key"].encode("utf-8", "surrogatepass"), record["value"].encode("utf-8", "surrogatepass"))
    admin.set("shop:cache:" + '{"feature":"events","input":{}}', "a second key outside the prefixes")
    admin.rpush("opalmind:queue:{q}:due", "x")
    admin.hset("opalmind:stats:cache", "hits", 1)
    cache_keys = {record["key"] for record in records if record["key"].startswith("opalmind:cache:")}
    features = Counter(json.loads(key.removeprefix("opalmind:cache:"))["feature"] for key in cache_keys)
    expected = KeyCounts(
        idempotency=len({record["key"] for record in records if record["key"].startswith("opalmind:idempotency:")}),
        cache=len(cache_keys), queue=1, stats=1, other=2, total=len({record["key"] for record in records}) + 3,
        exact=True, features=tuple(sorted(features.items())),
    )  # fmt: skip
    assert len(features) == 12
    assert await census.exact(client) == expected
    assert await stepped(census, clock, client, 5) == expected


async def test_an_empty_database_is_exactly_empty(census: Census, clock: Clock, client: Redis) -> None:
    assert await census.exact(client) == KeyCounts()
    assert await stepped(census, clock, client, 1) == KeyCounts()


async def test_twenty_thousand_keys_are_exact_in_few_scans(census: Census, client: Redis, admin: redis.Redis) -> None:
    load(admin, [b"opalmind:idempotency:%032x" % number for number in range(EXACT_UP_TO - 10)])
    load(admin, [b"foreign:%d" % number for number in range(10)])
    admin.config_resetstat()
    counts = await census.exact(client)
    assert (counts.idempotency, counts.other, counts.total, counts.exact) == (EXACT_UP_TO - 10, 10, EXACT_UP_TO, True)
    assert admin.info("commandstats")["cmdstat_scan"]["calls"] <= 25


async def test_a_table_that_was_much_larger_is_still_counted(census: Census, client: Redis, admin: redis.Redis) -> None:
    load(admin, [b"gone:%d" % number for number in range(30_000)])
    load(admin, [b"opalmind:queue:%d" % number for number in range(100)])
    for start in range(0, 30_000, 1000):
        admin.unlink(*(b"gone:%d" % number for number in range(start, start + 1000)))
    assert (await census.exact(client)).queue == 100


async def test_steps_are_cheap_and_end_with_the_exact_numbers(
    census: Census, clock: Clock, client: Redis, admin: redis.Redis
) -> None:
    load(admin, [b"opalmind:idempotency:%032x" % number for number in range(1500)])
    load(admin, [b'opalmind:cache:{"feature":"events","input":{"siteId":%d}}' % number for number in range(500)])
    admin.config_resetstat()
    before = admin.info("stats")["total_net_output_bytes"]
    seconds = 0
    while not (counts := await census.step(client)).exact:
        assert counts.total == 2000
        clock.now += 1.0
        seconds += 1
    spent = admin.info("stats")["total_net_output_bytes"] - before - 10_000
    assert (counts.idempotency, counts.cache, counts.features) == (1500, 500, (("events", 500),))
    assert 3 <= seconds <= 12
    assert spent / (seconds + 1) < 20_000
    calls = {name: figures["calls"] for name, figures in admin.info("commandstats").items()}
    assert calls["cmdstat_dbsize"] == seconds + 1
    assert calls["cmdstat_scan"] <= 3 * (seconds + 1)


async def test_calls_within_a_second_ask_for_no_keys(
    census: Census, clock: Clock, client: Redis, admin: redis.Redis
) -> None:
    load(admin, [b"opalmind:queue:%040d" % number for number in range(2000)])
    await census.step(client)
    admin.config_resetstat()
    for _ in range(20):
        await census.step(client)
    assert "cmdstat_scan" not in admin.info("commandstats")


async def test_a_finished_count_is_kept_until_keys_come_or_go(
    census: Census, clock: Clock, client: Redis, admin: redis.Redis
) -> None:
    load(admin, [b"opalmind:queue:%d" % number for number in range(90)])
    assert (await stepped(census, clock, client, 2)).exact
    admin.config_resetstat()
    assert (await stepped(census, clock, client, 30)).exact
    assert "cmdstat_scan" not in admin.info("commandstats")
    load(admin, [b"opalmind:stats:%d" % number for number in range(10)])
    counts = await stepped(census, clock, client, 7)
    assert (counts.queue, counts.stats, counts.exact) == (90, 10, True)


async def test_between_two_counts_the_last_one_is_scaled_and_called_an_estimate(
    census: Census, clock: Clock, client: Redis, admin: redis.Redis
) -> None:
    load(admin, [b"opalmind:queue:%d" % number for number in range(1200)])
    assert (await stepped(census, clock, client, 12)).exact
    load(admin, [b"opalmind:queue:%d" % number for number in range(1200, 2400)])
    counts = await census.step(client)
    assert (counts.queue, counts.total, counts.exact) == (2400, 2400, False)


async def test_a_small_database_that_grows_is_counted_at_once(
    census: Census, clock: Clock, client: Redis, admin: redis.Redis
) -> None:
    load(admin, [b"opalmind:stats:1"])
    assert (await stepped(census, clock, client, 1)).exact
    load(admin, [b"opalmind:cache:%d" % number for number in range(60)])
    counts = await stepped(census, clock, client, 1)
    assert (counts.cache, counts.stats, counts.exact) == (60, 1, True)


async def test_equal_coming_and_going_is_noticed_within_a_minute(
    census: Census, clock: Clock, client: Redis, admin: redis.Redis
) -> None:
    load(admin, [b"opalmind:queue:1"])
    assert (await stepped(census, clock, client, 2)).queue == 1
    admin.rename("opalmind:queue:1", "opalmind:stats:1")
    counts = await stepped(census, clock, client, 65)
    assert (counts.queue, counts.stats) == (0, 1)


async def test_a_large_database_is_estimated_at_once_and_cheaply(
    census: Census, clock: Clock, client: Redis, admin: redis.Redis
) -> None:
    load(admin, [b"opalmind:idempotency:%d" % number for number in range(15_000)])
    load(admin, [b'opalmind:cache:{"feature":"events","input":{"siteId":%d}}' % number for number in range(10_000)])
    counts = await census.step(client)
    # 200 draws: the standard error is 3.5 %; the bound is more than six of them wide.
    assert (counts.total, counts.exact, counts.other) == (25_000, False, 0)
    assert 9_000 <= counts.idempotency <= 21_000
    assert counts.idempotency + counts.cache == pytest.approx(25_000, abs=2)
    assert dict(counts.features) == {"events": counts.cache}
    once = await census.exact(client)
    assert (once.total, once.exact) == (25_000, False)
    assert 9_000 <= once.idempotency <= 21_000
    admin.config_resetstat()
    clock.now += 1.0
    await stepped(census, clock, client, 10)
    calls = {name: figures["calls"] for name, figures in admin.info("commandstats").items()}
    assert calls["cmdstat_randomkey"] == 20
    assert calls["cmdstat_dbsize"] == 10
    assert "cmdstat_scan" not in calls


async def test_a_sample_follows_what_the_database_becomes(
    census: Census, clock: Clock, client: Redis, admin: redis.Redis
) -> None:
    load(admin, [b"opalmind:stats:%d" % number for number in range(EXACT_UP_TO + 1)])
    assert (await census.step(client)).stats == EXACT_UP_TO + 1
    admin.flushdb()
    load(admin, [b"opalmind:queue:%d" % number for number in range(EXACT_UP_TO + 1)])
    counts = await stepped(census, clock, client, 205)
    assert (counts.queue, counts.stats) == (EXACT_UP_TO + 1, 0)
    admin.flushdb()
    assert await stepped(census, clock, client, 1) == KeyCounts()


HOSTILE = [
    b"", b"\x00", b"\xff\xfe\x80", b"\x1b]0;owned\x07", b"opalmind:cache:", b"opalmind:cache:\xff",
    b'opalmind:cache:{"feature":"\x1b[31m","input":{}}', b'opalmind:cache:{"feature":', b"opalmind:cache:{}",
    b'opalmind:cache:{"feature":"' + b"x" * 100 + b'","input":{}}', b"opalmind:queue:" + b"\n" * 50, b"*?[x]\\",
    b"opalmind:idempotency:" + b"k" * 100_000, "opalmind:stats:\u202e".encode(), b"OPALMIND:CACHE:{}",
]  # fmt: skip


async def test_hostile_names_are_counted_like_any_other(
    census: Census, clock: Clock, client: Redis, admin: redis.Redis
) -> None:
    load(admin, HOSTILE)
    counts = await stepped(census, clock, client, 20)
    assert (counts.idempotency, counts.cache, counts.queue, counts.stats, counts.other) == (1, 6, 1, 1, 6)
    assert counts.features == ((UNKNOWN_FEATURE, 6),)
    assert counts.exact
    assert await census.exact(client) == counts


@pytest.mark.parametrize("denied", ["dbsize", "scan"])
async def test_what_a_user_may_not_do_is_named(census: Census, limit: Limit, admin: redis.Redis, denied: str) -> None:
    load(admin, [b"x"])
    client = await limit(denied)
    for call in (census.step, census.exact):
        with pytest.raises(StoreUnavailable) as caught:
            await call(client)
        assert caught.value.kind == "permission"


async def test_a_server_that_is_away_is_a_trouble(census: Census, any_product: Product) -> None:
    with running(any_product) as server:
        client = async_client(load_settings({"REDIS_URL": server.url}))
        await census.step(client)
    with pytest.raises(StoreUnavailable):
        await census.step(client)
    await client.aclose()


def test_a_key_that_scan_returns_twice_counts_once() -> None:
    tally = Tally(Keyspace(Settings()))
    long = b"opalmind:queue:" + b"x" * 500
    tally.add([b"opalmind:cache:a", long])
    tally.add([b"opalmind:cache:a", long, b"opalmind:cache:b"])
    assert tally.counted == 3
    assert tally.places == {("cache", UNKNOWN_FEATURE): 2, ("queue", ""): 1}


def test_strangers_cannot_fill_the_list_of_features() -> None:
    tally = Tally(Keyspace(Settings()))
    tally.add(b'opalmind:cache:{"feature":"f%d","input":{}}' % number for number in range(5000))
    from opalmind_tui.observe.keyspace import key_counts

    counts = key_counts(tally.places, 5000, exact=True)
    assert counts.cache == 5000
    assert sum(number for _, number in counts.features) == 5000
    assert len(counts.features) <= 41


@given(st.lists(st.binary(max_size=80), max_size=50), st.integers(0, 10**9))
def test_any_names_give_counts(keys: list[bytes], total: int) -> None:
    tally = Tally(Keyspace(Settings(cache_prefix="\u202ecache")))
    tally.add(keys)
    assert tally.counted == len(set(keys)) == tally.places.total()


def test_the_budget_leaves_room_for_the_rest_of_the_screen() -> None:
    assert STEP_BYTES <= 12_000


async def test_a_glance_is_one_command_for_any_number_of_keys(client: Redis) -> None:
    for number, exact in ((0, True), (200, True), (3000, False)):
        for site in range(number):
            await client.set(f'opalmind:cache:{{"feature":"events","input":{{"siteId":{site}}}}}', "x")
        found = await Census(Settings()).glance(client)
        assert (found.cache, found.total, found.exact) == (number, number, exact)
        assert dict(found.features) == ({"events": number} if number else {})


async def test_a_glance_at_a_large_database_is_a_fair_sample(client: Redis) -> None:
    pipe = client.pipeline(transaction=False)
    for number in range(6000):
        mine = f'opalmind:cache:{{"feature":"events","input":{{"siteId":{number}}}}}'
        pipe.set(mine if number % 4 else f"other:{number}", "x")
    await pipe.execute()
    census = Census(Settings())
    shares = [found.cache / found.total for found in [await census.glance(client) for _ in range(40)]]
    # 4,000 keys in all: three standard deviations are two points.
    assert abs(sum(shares) / len(shares) - 0.75) < 0.04
    assert len(set(shares)) > 5, "it begins at the same place each time"


async def test_a_glance_finds_what_a_purge_left_of_a_large_database(client: Redis) -> None:
    for first in range(0, 40_000, 4000):
        await client.mset({f"gone:{number}": "x" for number in range(first, first + 4000)})
    for first in range(0, 40_000, 4000):
        await client.delete(*(f"gone:{number}" for number in range(first, min(first + 4000, 39_600))))
    found = await Census(Settings()).glance(client)
    assert (found.other, found.total, found.exact) == (400, 400, False)


KINDS = st.one_of(
    st.binary(max_size=12),
    st.sampled_from([*HOSTILE, b'opalmind:cache:{"feature":"events","input":{}}', b"opalmind:queue:x"]),
    st.binary(max_size=4).map(lambda tail: b'opalmind:cache:{"feature":"a' + tail),
)


@given(st.lists(KINDS))
def test_many_keys_are_placed_like_each_of_them(keys: list[bytes]) -> None:
    keyspace = Keyspace(Settings())
    assert keyspace.places(keys) == Counter(map(keyspace.place, keys))
