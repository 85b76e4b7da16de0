"""Classes of what a server does to the queue's keys."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking.ids import new_token
from opalmind_tui.tracking.queue import Adopted, Fate
from opalmind_tui.tracking.redis_queue.scripts import LIBRARIES, source_of
from tests.support.servers import RUNNABLE, Product, running
from tests.tracking.conftest import client_of
from tests.tracking.queue_harness import ENDPOINT, TAG, Bench, hit, id_for, redis_queue, visitor_in

DAY = 86_400


async def a_busy_queue(bench: Bench, chance: random.Random, number: int = 40) -> list[str]:
    """Requests in every state; returns the ids of those that are still there."""
    ids = await bench.accept(*[hit(at, visitor=visitor_in(chance.randrange(4))) for at in range(number)])
    for fate in (Fate.DEAD, Fate.RETRY, Fate.DELIVERED):
        claim = await bench.claim(chance.randint(3, 8), lease=30)
        await bench.settle_all(claim, fate, delay=chance.choice((0, 100)), error="503")
    await bench.queue.mark_posted((await bench.claim(5, lease=30)).token)
    await bench.claim(5, lease=30)
    states = await bench.states(ids)
    return [request_id for request_id, state in zip(ids, states, strict=True) if state != "gone"]


async def repaired(bench: Bench) -> None:
    """What the processes do by themselves in a minute: reap, and walk over all that is stored, twice."""
    await bench.pass_seconds(60)
    for _ in range(2):
        await bench.queue.reap()
        cursor = ""
        while cursor := (await bench.queue.reconcile(cursor)).cursor:
            pass


async def sent_in_the_end(bench: Bench) -> set[str]:
    """Everything that can be sent."""
    await bench.pass_seconds(200)
    while dead := (await bench.queue.ids(State.DEAD))[0]:
        await bench.queue.retry(dead)
    sent: set[str] = set()
    while (claim := await bench.claim()).requests:
        sent |= {request.id for request in claim.requests}
        await bench.settle_all(claim, Fate.DELIVERED)
    return sent


async def lose_members(client: Any, chance: random.Random, keys: list[bytes], share: float) -> None:
    for key in keys:
        kind = await client.type(key)
        if kind == b"zset":
            members, remove = await client.zrange(key, 0, -1), client.zrem
        elif kind == b"hash":
            members, remove = await client.hkeys(key), client.hdel
        else:
            continue
        lost = [member for member in members if chance.random() < share]
        if lost:
            await remove(key, *lost)


@pytest.mark.parametrize("seed", range(12))
async def test_class_02_members_lost_at_random_are_found_again(redis_bench: Bench, seed: int) -> None:
    """All keys but the bodies and the ledger lose members, in every mixture."""
    chance = random.Random(seed)
    ids = await a_busy_queue(redis_bench, chance)
    keys = [
        key for key in await redis_bench.client.keys(TAG + "*")
        if key not in (f"{TAG}msg".encode(), f"{TAG}ledger".encode())
    ]  # fmt: skip
    hit_keys = chance.sample(sorted(keys), chance.randint(1, len(keys)))
    await lose_members(redis_bench.client, chance, hit_keys, chance.choice((0.3, 0.7, 1.0)))
    await repaired(redis_bench)
    await redis_bench.check()
    assert await sent_in_the_end(redis_bench) == set(ids), f"seed {seed}"
    await redis_bench.check()


@pytest.mark.parametrize("seed", range(6))
async def test_class_02_bodies_lost_at_random_are_counted_and_stop_nobody(redis_bench: Bench, seed: int) -> None:
    chance = random.Random(seed)
    ids = await a_busy_queue(redis_bench, chance)
    await lose_members(redis_bench.client, chance, [f"{TAG}msg".encode()], 0.4)
    left = {key.decode() for key in await redis_bench.client.hkeys(TAG + "msg")}
    redis_bench.expected_difference = len(ids) - len(left)
    await repaired(redis_bench)
    await redis_bench.check()
    assert await sent_in_the_end(redis_bench) == left, f"seed {seed}"
    assert int(await redis_bench.client.hget(TAG + "ledger", "missing") or 0) == len(ids) - len(left)


async def test_class_07_nothing_has_to_be_unlocked(bench: Bench) -> None:
    """Whoever claimed and died stands in nobody's way once its lease is over, though no reaper came by."""
    await bench.accept(hit(1, visitor="one"))
    await bench.claim(lease=30)
    await bench.accept(hit(2, visitor="one"))
    assert not (await bench.claim()).requests
    await bench.pass_seconds(31)
    assert len((await bench.claim()).requests) == 1


async def test_class_15_the_dead_are_never_trimmed(redis_bench: Bench) -> None:
    """More than the ten thousand at which others begin to delete."""
    number = 10_300
    dead = [
        Adopted(id_for(request), request, ENDPOINT, 1.7e9, dead=True, error="refused")
        for request in (hit(at, visitor=visitor_in(at % 16)) for at in range(number))
    ]
    await redis_bench.queue.adopt(dead)
    assert (await redis_bench.counts()).dead == number
    listed: list[str] = []
    after = ""
    while True:
        page, after = await redis_bench.queue.ids(State.DEAD, after=after, limit=500)
        listed += page
        if not after:
            break
    assert sorted(listed) == sorted(each.id for each in dead)
    await redis_bench.client.flushdb()


async def test_class_17_nothing_vanishes_with_time(bench: Bench) -> None:
    """A queue that nobody serves for a day and an hour holds everything; `check` finds no key that can expire."""
    ids = await a_busy_queue(bench, random.Random(17))
    await bench.pass_seconds(DAY + 3600)
    await bench.check()
    assert "gone" not in await bench.states(ids)
    while await bench.queue.reap():
        pass
    assert await sent_in_the_end(bench) == set(ids)


@pytest.fixture(params=["volatile-ttl", "volatile-lru", "volatile-random", "noeviction"])
async def small_bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """A queue on a small server that evicts."""
    product: Product = RUNNABLE[0]
    with running(product, extra=("--maxmemory", "8mb", "--maxmemory-policy", request.param)) as server:
        client = client_of(server)
        yield Bench("redis", redis_queue(client), client=client)
        await client.aclose()


async def test_class_18_a_cache_that_fills_the_server_evicts_nothing_of_the_queue(small_bench: Bench) -> None:
    client: Any = small_bench.client
    ids = await a_busy_queue(small_bench, random.Random(18), 300)
    held = await small_bench.claim(7)
    pipe = client.pipeline(transaction=False)
    for number in range(6_000):
        pipe.set(f"opalmind:cache:{number}", b"x" * 2_000, ex=3_600)
    refused = [found for found in await pipe.execute(raise_on_error=False) if isinstance(found, Exception)]
    evicted = (await client.info("stats"))["evicted_keys"]
    assert evicted or refused, "it was not full"
    counts = await small_bench.counts()
    assert counts.pending + counts.scheduled + counts.inflight + counts.dead == len(ids)
    assert counts.ledger_difference == 0
    # A full server drains, and loses nothing on the way.
    assert (await small_bench.settle_all(held, Fate.DELIVERED)).done == len(held.requests) > 0
    sent = {request.id for request in held.requests}
    while (claim := await small_bench.claim()).requests:
        sent |= {request.id for request in claim.requests}
        assert (await small_bench.settle_all(claim, Fate.DELIVERED)).done == len(claim.requests)
    assert len(sent) > 100
    await client.config_set("maxmemory", 0)
    await repaired(small_bench)
    assert sent | await sent_in_the_end(small_bench) == set(ids)
    assert (await small_bench.counts()).ledger_difference == 0


@pytest.mark.parametrize("name", LIBRARIES)
def test_class_22_no_script_walks_the_keyspace(name: str) -> None:
    source = source_of(name)
    for command in ("KEYS", "SCAN", "SMEMBERS", "HGETALL", "RANDOMKEY"):
        assert f"'{command}'" not in source


@pytest.mark.parametrize("name", LIBRARIES)
def test_class_24_the_queue_has_no_stream(name: str) -> None:
    assert "redis.call('X" not in source_of(name)


async def test_class_34_a_thousand_lost_requests_come_back_in_one_pass(bench: Bench) -> None:
    await bench.accept(*[hit(number, visitor=f"visitor-{number % 200}") for number in range(1_000)])
    held = 0
    while claim := (await bench.queue.claim(ENDPOINT, new_token(), limit=50, lease=10)).requests:
        held += len(claim)
    assert held > 500
    await bench.pass_seconds(11)
    assert await bench.queue.reap() == held
    assert (await bench.counts()).pending == 1_000


async def test_class_21_a_settlement_of_any_size_travels_in_small_scripts(redis_bench: Bench) -> None:
    """No call with many ids is one long script: it is cut, so that others get their turn."""
    client: Any = redis_bench.client
    ids = await redis_bench.accept(*[hit(number) for number in range(1_000)])
    await client.config_resetstat()
    assert (await redis_bench.queue.purge(ids)).done == 1_000
    assert (await client.info("commandstats"))["cmdstat_evalsha"]["calls"] >= 8
