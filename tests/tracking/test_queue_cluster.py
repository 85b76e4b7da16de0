"""What only a Cluster can get wrong: records lie in other slots than the queue, so that no script sees both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest
import redis.crc

from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.model import State
from opalmind_tui.storage.cluster import ClusterClient
from opalmind_tui.storage.connection import async_client
from opalmind_tui.tracking.queue import Acceptance, Fate, Settlement
from opalmind_tui.tracking.redis_queue.beforehand import TAKEN
from opalmind_tui.tracking.redis_queue.listener import Listener
from tests.support.cluster import LocalCluster
from tests.tracking.conftest import client_of
from tests.tracking.queue_harness import ENDPOINT, QUEUE_PREFIX, RECORD_PREFIX, TAG, Bench, hit, record_of, redis_queue


@pytest.fixture
async def two(cluster: LocalCluster) -> AsyncIterator[tuple[Bench, Bench]]:
    """Two processes on one queue."""
    clients = [client_of(cluster) for _ in range(2)]
    benches = [Bench("redis", redis_queue(client), client=client) for client in clients]
    yield benches[0], benches[1]
    await benches[0].check()
    for client in clients:
        await client.aclose()


def overtaken(two: tuple[Bench, Bench], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first process deliver and acknowledge what it has claimed, between look-up and offer of the second."""
    first, second = two
    places = second.queue._records
    look_up = places.told

    async def told(keys):
        found = await look_up(keys)
        monkeypatch.setattr(places, "told", look_up)
        claim = await first.claim()
        await first.settle_all(claim, Fate.DELIVERED, record=record_of("key-1"))
        return found

    monkeypatch.setattr(places, "told", told)


async def test_a_duplicate_that_came_between_look_up_and_acknowledgement_is_never_sent(
    two: tuple[Bench, Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    await first.accept(hit(1))
    overtaken(two, monkeypatch)
    [answer] = await second.queue.enqueue(ENDPOINT, [hit(1)])
    assert answer.outcome is Acceptance.ACCEPTED, "nobody could know"
    await second.accept(hit(2))
    claim = await second.claim()
    assert [one.body for one in claim.requests] == [hit(2).encode()]
    counts = await first.counts()
    assert (counts.accepted, counts.delivered, counts.duplicates) == (2, 1, 1)
    await second.settle_all(claim, Fate.DELIVERED)


async def test_another_payload_that_came_so_is_kept_for_somebody_to_decide(
    two: tuple[Bench, Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    await first.accept(hit(1))
    overtaken(two, monkeypatch)
    [answer] = await second.queue.enqueue(ENDPOINT, [hit(1, payload="other")])
    assert answer.outcome is Acceptance.ACCEPTED
    assert (await second.claim()).requests == ()
    [row] = await first.queue.rows(limit=10, state=State.DEAD)
    assert (row.id, row.error) == (answer.id, TAKEN)


async def test_delivered_and_lost_before_the_acknowledgement_is_not_sent_again(two: tuple[Bench, Bench]) -> None:
    first, second = two
    [request_id] = await first.accept(hit(1))
    claim = await first.claim()
    assert await first.queue.mark_posted(claim.token) is None
    # The process ends between the record and the acknowledgement.
    settlement = Settlement(request_id, Fate.DELIVERED, record=record_of("key-1"))
    await first.queue._beforehand.write_records([settlement], {request_id: "key-1"}, 60)
    await second.pass_seconds(61)
    assert await second.queue.reap() == 1
    assert (await second.claim()).requests == ()
    counts = await second.counts()
    assert (counts.delivered, counts.duplicates, counts.pending, counts.ledger_difference) == (1, 0, 0, 0)


async def test_an_acknowledgement_that_is_repeated_leaves_the_record_as_it_is(two: tuple[Bench, Bench]) -> None:
    first, second = two
    await first.accept(hit(1))
    claim = await first.claim()
    for bench in (first, first, second):
        # As where the answer was lost: it knows the keys still.
        bench.queue._remember(claim.token, claim.requests)
        await bench.settle_all(claim, Fate.DELIVERED, record=record_of("key-1"))
    record = orjson.loads(await first.client.get(RECORD_PREFIX + "key-1"))
    assert record["fingerprint"] == hit(1).fingerprint
    answers = await second.queue.enqueue(ENDPOINT, [hit(1), hit(1, payload="other")])
    assert [answer.outcome for answer in answers] == [Acceptance.DUPLICATE, Acceptance.CONFLICT]
    assert (await first.counts()).delivered == 1


@pytest.mark.parametrize("foreign", [b"true", b"{}", b"[", b'{"key":"other","value":{"ok":true}}', b"x" * 70_000])
async def test_what_is_no_record_holds_back_nothing(two: tuple[Bench, Bench], foreign: bytes) -> None:
    first, second = two
    await first.client.set(RECORD_PREFIX + "key-1", foreign, ex=60)
    await first.accept(hit(1))
    claim = await second.claim()
    assert len(claim.requests) == 1
    await second.settle_all(claim, Fate.DELIVERED, record=record_of("key-1"))
    assert orjson.loads(await first.client.get(RECORD_PREFIX + "key-1"))["key"] == "key-1"


async def test_a_list_where_a_record_should_be(two: tuple[Bench, Bench]) -> None:
    first, _ = two
    await first.client.lpush(RECORD_PREFIX + "key-1", b"x")
    await first.accept(hit(1))
    claim = await first.claim()
    await first.settle_all(claim, Fate.DELIVERED, record=record_of("key-1"))
    assert await first.client.get(RECORD_PREFIX + "key-1")


async def test_a_shard_that_is_full_takes_the_records_of_what_was_delivered(
    two: tuple[Bench, Bench], cluster: LocalCluster
) -> None:
    first, _ = two
    number = next(n for n in range(100) if cluster.owner(f"{RECORD_PREFIX}key-{n}") is not cluster.owner(TAG))
    await first.accept(hit(number))
    claim = await first.claim()
    with cluster.client(cluster.owner(f"{RECORD_PREFIX}key-{number}")) as full:
        full.config_set("maxmemory", 1)
        try:
            await first.settle_all(claim, Fate.DELIVERED, record=record_of(f"key-{number}"))
        finally:
            full.config_set("maxmemory", 0)
    assert await first.client.exists(f"{RECORD_PREFIX}key-{number}")
    assert (await first.counts()).delivered == 1


async def test_who_listens_on_any_node_hears_what_another_process_accepts(
    two: tuple[Bench, Bench], cluster: LocalCluster
) -> None:
    first, second = two
    away = next(node for node in cluster.nodes if node is not cluster.owner(TAG))
    listener = Listener(async_client(Settings(redis_url=away.url, redis_cluster=True), pool=1), QUEUE_PREFIX, ENDPOINT)
    heard = asyncio.Event()
    listener.on_wake = heard.set
    running = asyncio.create_task(listener.run())
    async with asyncio.timeout(20):
        while not listener.listening:  # noqa: ASYNC110 - a server has no event
            await asyncio.sleep(0.01)
        first.queue.wakes = lambda: listener.listening
        assert (await first.claim()).requests == ()
        await second.accept(hit(1))
        await heard.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_all_of_the_queue_is_in_one_slot_and_records_keep_their_names(two: tuple[Bench, Bench]) -> None:
    first, _ = two
    await first.accept(*(hit(number, visitor="one") for number in range(50)))
    claim = await first.claim()
    fates = [Settlement(one.id, Fate.DELIVERED, record=record_of(f"key-{n}")) for n, one in enumerate(claim.requests)]
    await first.queue.settle(claim.token, fates)
    assert isinstance(first.client, ClusterClient)
    found = [key for node in (await first.client.primaries()).values() for key in await node.keys("*")]
    queue = {redis.crc.key_slot(key) for key in found if key.startswith(TAG.encode())}
    records = {key for key in found if not key.startswith(TAG.encode())}
    assert len(queue) == 1
    assert records == {f"{RECORD_PREFIX}key-{number}".encode() for number in range(50)}
