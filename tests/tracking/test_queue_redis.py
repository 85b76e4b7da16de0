"""What only Redis has: foreign records, a full server, lost members, lost scripts, the key layout."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import redis

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.snapshot.model import GateKind, State
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.storage.trouble import trouble_of_kind
from opalmind_tui.tracking.queue import Acceptance, Fate, Repairs, Settlement
from tests.support.servers import RUNNABLE, Product, running
from tests.tracking.conftest import client_of
from tests.tracking.queue_harness import ENDPOINT, RECORD_PREFIX, TAG, Bench, hit, record_of, redis_queue

ACCEPTED, DUPLICATE, CONFLICT, FULL = Acceptance
RECORDED = Path(__file__).parent.parent / "data" / "tracking" / "idempotency-records.jsonl"


# -- idempotency records ---------------------------------------------------------------------------------------------


async def test_records_of_services_answer_duplicate(redis_bench: Bench) -> None:
    assert redis_bench.client is not None
    for line in RECORDED.read_text("utf-8").splitlines():
        record = json.loads(line)
        key = record["key"].removeprefix(RECORD_PREFIX)
        await redis_bench.client.set(record["key"], record["value"], ex=record["ttl_s"])
        (answer,) = await redis_bench.queue.enqueue(ENDPOINT, [hit(1, key=key)])
        assert (answer.outcome, answer.id) == (DUPLICATE, "")
    assert (await redis_bench.counts()).accepted == 0


FOREIGN: dict[str, bytes] = {
    "empty": b"",
    "true": b"true",
    "number": b"7",
    "empty object": b"{}",
    "array": b'[{"key":"key-1","value":{"ok":true}}]',
    "broken": b'{"key":"key-1","value":{"ok":true',
    "not ok": b'{"key":"key-1","value":{"ok":false,"status":500}}',
    "ok as text": b'{"key":"key-1","value":{"ok":"true"}}',
    "no value": b'{"key":"key-1"}',
    "null value": b'{"key":"key-1","value":null}',
    "another key": b'{"key":"key-2","value":{"ok":true}}',
    "no key": b'{"value":{"ok":true}}',
    "binary": bytes(range(256)),
    "nested": b"[" * 5_000,
    "huge": b'{"key":"key-1","value":{"ok":true,"body":"' + b"x" * 2_000_000 + b'"}}',
}


@pytest.mark.parametrize("value", FOREIGN.values(), ids=FOREIGN)
async def test_a_foreign_value_is_never_taken_for_sent(redis_bench: Bench, value: bytes) -> None:
    assert redis_bench.client is not None
    await redis_bench.client.set(RECORD_PREFIX + "key-1", value, ex=60)
    await redis_bench.accept(hit(1), hit(2))
    while (claim := await redis_bench.claim(1)).requests:
        key = "key-1" if b"key-1" in claim.requests[0].body else "key-2"
        await redis_bench.settle_all(claim, Fate.DELIVERED, record=record_of(key))
    answers = await redis_bench.queue.enqueue(ENDPOINT, [hit(1), hit(1, payload="other")])
    assert [answer.outcome for answer in answers] == [DUPLICATE, CONFLICT]


@pytest.mark.parametrize("kind", ["list", "hash", "set", "zset", "stream"])
async def test_a_value_of_another_type_is_never_taken_for_sent(redis_bench: Bench, kind: str) -> None:
    client: Any = redis_bench.client
    name = RECORD_PREFIX + "key-1"
    await {
        "list": lambda: client.lpush(name, "x"),
        "hash": lambda: client.hset(name, "ok", "true"),
        "set": lambda: client.sadd(name, "x"),
        "zset": lambda: client.zadd(name, {"x": 1}),
        "stream": lambda: client.xadd(name, {"x": 1}),
    }[kind]()
    await client.expire(name, 60)
    await redis_bench.accept(hit(1))
    await redis_bench.settle_all(await redis_bench.claim(), Fate.DELIVERED, record=record_of("key-1"))
    assert await client.get(name) == record_of("key-1")[:-1] + b',"fingerprint":"00000001"}'


async def test_a_record_is_written_with_the_present_ttl(server: LocalServer) -> None:
    client = client_of(server)
    ttl = 100
    bench = Bench("redis", redis_queue(client, idempotency_ttl=lambda: ttl), client=client)
    for number in (1, 2):
        await bench.accept(hit(number))
        await bench.settle_all(await bench.claim(), Fate.DELIVERED, record=record_of(f"key-{number}"))
        assert ttl - 5 < await client.ttl(f"{RECORD_PREFIX}key-{number}") <= ttl
        ttl = 5_000
    await bench.check()
    await client.aclose()


async def test_a_record_is_written_even_if_the_key_index_was_lost(redis_bench: Bench) -> None:
    client: Any = redis_bench.client
    await redis_bench.accept(hit(1))
    claim = await redis_bench.claim()
    await client.delete(TAG + "key")
    assert (await redis_bench.settle_all(claim, Fate.DELIVERED, record=record_of("key-1"))).done == 1
    assert await client.get(RECORD_PREFIX + "key-1") == record_of("key-1")
    assert (await redis_bench.queue.enqueue(ENDPOINT, [hit(1, payload="other")]))[0].outcome is DUPLICATE


# -- a full server ---------------------------------------------------------------------------------------------------


@pytest.fixture(params=RUNNABLE, ids=lambda product: product.name)
async def own_bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """A queue on a server of the test's own, which it may fill."""
    product: Product = request.param
    with running(product) as server:
        client = client_of(server)
        bench = Bench("redis", redis_queue(client), client=client)
        yield bench
        await bench.check()
        await client.aclose()


async def test_a_refusal_half_way_through_a_large_call_leaves_it_in_doubt(
    own_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue: Any = own_bench.queue
    asked = queue._scripts.run
    scripts = iter([asked, None])

    async def full_at_the_second(*arguments: Any) -> Any:
        script = next(scripts)
        if script is None:
            raise trouble_of_kind("oom")
        return await script(*arguments)

    monkeypatch.setattr(queue._scripts, "run", full_at_the_second)
    requests = [hit(number) for number in range(200)]
    with pytest.raises(StoreUnavailable) as refused:
        await queue.enqueue(ENDPOINT, requests)
    assert (refused.value.kind, refused.value.in_doubt) == ("oom", True)
    monkeypatch.undo()
    assert 0 < (await own_bench.counts()).accepted < 200


async def test_callers_at_the_same_time_share_scripts(own_bench: Bench) -> None:
    client: Any = own_bench.client
    await own_bench.accept(hit(10_000))
    await client.config_resetstat()
    answers = await asyncio.gather(*(own_bench.queue.enqueue(ENDPOINT, [hit(number)]) for number in range(50)))
    assert [answer.outcome for (answer,) in answers] == [ACCEPTED] * 50
    calls = (await client.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert calls < 10


async def test_a_full_server_refuses_new_requests_and_drains(own_bench: Bench) -> None:
    client: Any = own_bench.client
    ids = await own_bench.accept(*[hit(number) for number in range(60)])
    early = await own_bench.claim(5)
    await client.config_set("maxmemory", 1)
    with pytest.raises(StoreUnavailable) as refused:
        await own_bench.queue.enqueue(ENDPOINT, [hit(1_000)])
    assert (refused.value.kind, refused.value.in_doubt) == ("oom", False)
    assert (await own_bench.counts()).accepted == 60
    assert (await own_bench.queue.enqueue(ENDPOINT, [hit(1)]))[0].outcome is DUPLICATE

    await own_bench.queue.mark_posted(early.token)
    assert await own_bench.queue.extend([early.token], 90) == ()
    await own_bench.settle_all(early, Fate.RETRY, error="503", status=503)
    dead = await own_bench.claim(3)
    await own_bench.settle_all(dead, Fate.DEAD, error="refused")
    await own_bench.queue.release((await own_bench.claim()).token)
    assert (await own_bench.queue.retry([dead.requests[0].id])).done == 1
    assert (await own_bench.queue.purge([dead.requests[1].id])).done == 1
    await own_bench.queue.close_gate(ENDPOINT, GateKind.COOLDOWN, seconds=60, reason="429")
    await own_bench.queue.open_gate(ENDPOINT)
    lost = await own_bench.claim(lease=0.0)
    assert await own_bench.queue.reap() == len(lost.requests) > 0
    await own_bench.check()

    while (claim := await own_bench.claim()).requests:
        fates = [
            Settlement(request.id, Fate.DELIVERED, record=record_of(json.loads(request.body)["key"]))
            for request in claim.requests
        ]
        assert (await own_bench.queue.settle(claim.token, fates)).done == len(fates)
    counts = await own_bench.counts()
    assert (counts.delivered, counts.dead, counts.purged, counts.pending) == (58, 1, 1, 0)
    assert len(ids) == 60
    await client.config_set("maxmemory", 0)
    await own_bench.accept(hit(1_000))


# -- lost members, lost scripts --------------------------------------------------------------------------------------


async def reconciled(bench: Bench) -> Repairs:
    """A whole round."""
    returned = missing = 0
    cursor = ""
    while True:
        step = await bench.queue.reconcile(cursor)
        returned, missing, cursor = returned + step.returned, missing + step.missing, step.cursor
        if not cursor:
            return Repairs("", returned, missing)


async def lookings(bench: Bench) -> list[int]:
    """How many commands each step of a round takes, those within the script."""
    assert bench.client is not None
    steps: list[int] = []
    cursor = ""
    while cursor or not steps:
        await bench.client.config_resetstat()
        cursor = (await bench.queue.reconcile(cursor)).cursor
        stats = await bench.client.info("commandstats")
        steps.append(sum(one["calls"] for one in stats.values()))
    return steps


async def test_a_small_queue_is_looked_through_in_a_step_or_two(redis_bench: Bench) -> None:
    await redis_bench.accept(*[hit(number) for number in range(40)])
    assert len(await lookings(redis_bench)) <= 2


async def test_a_step_is_bounded_whatever_the_length(redis_bench: Bench) -> None:
    await redis_bench.accept(*[hit(number) for number in range(5_000)])
    steps = await lookings(redis_bench)
    # A round looks at 5,000 requests, and at their entries in three other places.
    assert 5_000 * (4 + 3) / 400 * 0.7 < len(steps) < 5_000 * (4 + 3) / 400 * 1.3 + 10
    assert max(steps) < 1_000


async def test_reconciling_a_whole_queue_changes_nothing(redis_bench: Bench) -> None:
    ids = await redis_bench.accept(*[hit(number) for number in range(700)])
    claim = await redis_bench.claim(50)
    await redis_bench.queue.settle(claim.token, [Settlement(claim.requests[0].id, Fate.DEAD)])
    before = (await redis_bench.states(ids), await redis_bench.queue.rows(limit=500))
    assert await reconciled(redis_bench) == Repairs("", 0, 0)
    assert (await redis_bench.states(ids), await redis_bench.queue.rows(limit=500)) == before
    assert (await redis_bench.settle_all(claim, Fate.DELIVERED)).lost == 1


@pytest.mark.parametrize("place", ["due", "inflight", "dead", "claim", "batch", "meta", "shard", "endpoints", "aged"])
async def test_what_lost_a_key_is_found_again(redis_bench: Bench, place: str) -> None:
    client: Any = redis_bench.client
    ids = await redis_bench.accept(*[hit(number) for number in range(40)])
    await redis_bench.settle_all(await redis_bench.claim(5), Fate.DEAD)
    await redis_bench.settle_all(await redis_bench.claim(5), Fate.RETRY, delay=100)
    await redis_bench.claim(9, lease=30)
    for key in await client.keys(TAG + place + "*"):
        await client.delete(key)
    await reconciled(redis_bench)
    await redis_bench.pass_seconds(200)
    await redis_bench.queue.reap()
    assert await reconciled(redis_bench) == Repairs("", 0, 0)
    counts = await redis_bench.counts()
    assert (counts.ledger_difference, counts.inflight) == (0, 0)
    assert counts.pending + counts.dead == len(ids)
    sent = 0
    while (claim := await redis_bench.claim(500)).requests:
        sent += (await redis_bench.settle_all(claim, Fate.DELIVERED)).done
    assert sent == counts.pending


async def test_what_lost_its_body_is_counted_and_alarms(redis_bench: Bench) -> None:
    client: Any = redis_bench.client
    ids = await redis_bench.accept(*[hit(number, visitor="one") for number in range(10)])
    await redis_bench.settle_all(await redis_bench.claim(1), Fate.DEAD)
    await redis_bench.claim(2)
    await client.hdel(TAG + "msg", ids[0], ids[1], ids[9])
    assert await reconciled(redis_bench) == Repairs("", 0, 3)
    redis_bench.expected_difference = 3
    assert (await redis_bench.counts()).ledger_difference == 3
    assert await client.hget(TAG + "ledger", "missing") == b"3"
    assert await client.hlen(TAG + "key") == 7


async def test_a_key_whose_request_is_gone_blocks_nobody(redis_bench: Bench) -> None:
    client: Any = redis_bench.client
    (request_id,) = await redis_bench.accept(hit(1))
    await client.hdel(TAG + "msg", request_id)
    await redis_bench.accept(hit(1))
    assert await reconciled(redis_bench) == Repairs("", 0, 1)
    redis_bench.expected_difference = 1
    assert (await redis_bench.queue.enqueue(ENDPOINT, [hit(1)]))[0].outcome is DUPLICATE


async def test_a_claim_passes_over_what_lost_its_body(redis_bench: Bench) -> None:
    client: Any = redis_bench.client
    ids = await redis_bench.accept(*[hit(number, visitor="one") for number in range(4)])
    await client.hdel(TAG + "msg", ids[0], ids[2])
    assert [request.id for request in (await redis_bench.claim()).requests] == [ids[1], ids[3]]
    redis_bench.expected_difference = 2


async def test_a_changed_or_missing_epoch_shows(redis_bench: Bench) -> None:
    client: Any = redis_bench.client
    await redis_bench.accept(hit(1))
    first = (await redis_bench.counts()).epoch
    other = redis_queue(client)
    await other.enqueue(ENDPOINT, [hit(2)])
    assert (await redis_bench.counts()).epoch == first != ""
    await client.flushall()
    assert (await redis_bench.counts()).epoch == ""
    await redis_bench.accept(hit(3))
    assert (await redis_bench.counts()).epoch not in ("", first)


async def test_a_server_that_forgot_the_scripts_is_given_them(redis_bench: Bench) -> None:
    client: Any = redis_bench.client
    await redis_bench.accept(hit(1))
    await client.script_flush()
    await redis_bench.accept(hit(2))
    assert (await redis_bench.counts()).pending == 2


async def test_a_server_that_is_gone_is_said_as_a_store_that_is_unavailable(own_bench: Bench) -> None:
    client: Any = own_bench.client
    (request_id,) = await own_bench.accept(hit(1))
    await client.set(TAG + "dead", "not a sorted set")
    with pytest.raises(StoreUnavailable):
        await own_bench.counts()
    await client.delete(TAG + "dead")
    with pytest.raises(ValueError, match="14 letters and digits"):
        await own_bench.queue.enqueue(ENDPOINT, [hit(2)], ["short"])
    gone = client_of(LocalServer(RUNNABLE[0].binary or Path(), Path("/nonexistent"), port=1))
    with pytest.raises(StoreUnavailable) as refused:
        await redis_queue(gone).purge([request_id])
    assert refused.value.kind == "refused"
    await gone.aclose()


async def test_all_keys_of_a_queue_lie_in_one_slot(redis_bench: Bench) -> None:
    from redis.crc import key_slot

    client: Any = redis_bench.client
    await redis_bench.accept(*[hit(number) for number in range(40)])
    await redis_bench.settle_all(await redis_bench.claim(9), Fate.DEAD)
    await redis_bench.settle_all(await redis_bench.claim(9), Fate.RETRY)
    await redis_bench.claim(9)
    await redis_bench.queue.close_gate(ENDPOINT, GateKind.COOLDOWN, seconds=60, reason="429")
    keys = await client.keys("*")
    assert len(keys) >= 16
    assert len({key_slot(key) for key in keys}) == 1


async def test_nothing_walks_or_blocks(redis_bench: Bench) -> None:
    """I8: the commands that every call causes, by the server's own count."""
    client: Any = redis_bench.client
    await redis_bench.accept(*[hit(number) for number in range(600)])
    await client.config_resetstat()
    claim = await redis_bench.claim(50)
    await redis_bench.settle_all(claim, Fate.RETRY, delay=9)
    await redis_bench.counts()
    await redis_bench.queue.rows(limit=50)
    await redis_bench.queue.ids(State.PENDING, limit=50)
    await redis_bench.queue.reconcile()
    used = {name.removeprefix("cmdstat_") for name in await client.info("commandstats")}
    assert used.isdisjoint({"keys", "scan", "smembers", "hgetall", "hvals", "sort", "blpop"})


def test_every_script_says_what_it_needs() -> None:
    from opalmind_tui.tracking.redis_queue.scripts import LIBRARIES, source_of

    for name in LIBRARIES:
        assert "KEYS[1]" in source_of(name)
        assert "redis.call('KEYS'" not in source_of(name)


def test_scripts_load_on_every_server(server: LocalServer) -> None:
    from opalmind_tui.tracking.redis_queue.scripts import LIBRARIES, source_of

    with redis.Redis.from_url(server.url) as client:
        for name in LIBRARIES:
            assert len(str(client.script_load(source_of(name)))) >= 40
