"""I7: what memory accepted while Redis was away moves into Redis once, in order, while traffic goes on."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.model import Mode
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.link import RedisLink
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.storage.trouble import trouble_of_kind
from opalmind_tui.tracking.failover_queue import MAY_BE_TAKEN, FailoverQueue
from opalmind_tui.tracking.ids import new_token
from opalmind_tui.tracking.memory_queue import MemoryQueue
from opalmind_tui.tracking.memory_queue.admission import Limits
from opalmind_tui.tracking.queue import Acceptance, Fate, Restored, Settlement
from opalmind_tui.tracking.redis_queue import RedisQueue
from opalmind_tui.tracking.request import TrackingRequest, decode_request, fingerprint_of, stored_key
from tests.support.servers import RUNNABLE, Product, running
from tests.tracking.queue_harness import visitor_in

MATOMO = "http://127.0.0.1:9/matomo.php"
DAY = 86_400


@dataclass
class World:
    """A failover queue on a server of its own."""

    server: LocalServer
    link: RedisLink
    shared: RedisQueue
    memory: MemoryQueue
    queue: FailoverQueue

    async def offer(self, *numbers: int, key: str = "") -> list[Acceptance]:
        answers = await self.queue.enqueue(MATOMO, [hit(number, key) for number in numbers])
        return [answer.outcome for answer in answers]

    async def crash(self) -> None:
        """The server dies, and the link has noticed: nothing is in doubt."""
        self.server.kill()
        await self.link.probe()

    async def back(self) -> int:
        """The server is started again and the way back is walked."""
        if not self.server.pid:
            await asyncio.to_thread(self.server.start)
        async with asyncio.timeout(10):
            while not await self.link.probe():  # noqa: ASYNC110 - a server has no event
                await asyncio.sleep(0.05)
        return await self.queue.move_over()

    async def drained(self) -> list[int]:
        """The numbers of everything due, in the order of claims; all delivered."""
        found: list[int] = []
        while True:
            token = new_token()
            claim = await self.queue.claim(MATOMO, token, limit=100, lease=30)
            if not claim.requests:
                return found
            found += [number_of(request.body) for request in claim.requests]
            await self.queue.settle(token, [Settlement(request.id, Fate.DELIVERED) for request in claim.requests])


def hit(number: int, key: str = "") -> TrackingRequest:
    params = {"idsite": "1", "url": f"https://example.com/{number}"}
    return TrackingRequest("pageview", params, key, fingerprint_of("pageview", params), visitor="one")


def number_of(body: bytes) -> int:
    request = decode_request(body)
    assert request is not None
    return int(request.params["url"].rpartition("/")[2])


@asynccontextmanager
async def a_world(product: Product, **options: bool) -> AsyncIterator[World]:
    # Written at each command: what a crash may take within a second is not what is tested here.
    with running(product, persistent=True, extra=("--appendfsync", "always")) as server:
        client = async_client(Settings(redis_url=server.url), timeout=2)
        link = RedisLink(client, probe_key="opalmind:stats:probe")
        shared = RedisQueue(
            client, queue_prefix="opalmind:queue:", idempotency_prefix="opalmind:idempotency:",
            idempotency_ttl=lambda: DAY,
        )  # fmt: skip
        memory = MemoryQueue(idempotency_ttl=lambda: DAY)
        yield World(server, link, shared, memory, FailoverQueue(shared, memory, link, **options))
        await client.aclose()


@pytest.fixture(params=RUNNABLE, ids=lambda product: product.name)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with a_world(request.param) as made:
        yield made
        counts = await made.shared.counts(MATOMO)
        assert counts.ledger_difference == 0


async def test_accepted_in_memory_moves_over_in_order(world: World) -> None:
    await world.offer(1, 2, 3)
    await world.crash()
    assert await world.offer(4, 5) == [Acceptance.ACCEPTED] * 2
    assert world.queue.mode is Mode.MEMORY
    assert world.queue.only_here == 2
    assert await world.back() == 2
    assert world.queue.mode is Mode.REDIS
    assert world.queue.only_here == 0
    await world.offer(6)
    assert await world.drained() == [1, 2, 3, 4, 5, 6]
    counts = await world.shared.counts(MATOMO)
    assert (counts.accepted, counts.delivered) == (6, 6)


async def test_memory_takes_over_whoever_met_the_trouble(world: World) -> None:
    await world.crash()
    assert world.queue.mode is Mode.MEMORY
    await world.back()
    assert world.queue.mode is Mode.REDIS


async def test_traffic_during_the_way_back_overtakes_nobody(world: World) -> None:
    await world.crash()
    await world.offer(*range(1200))
    moving = asyncio.create_task(world.back())
    late = []
    while not moving.done():
        number = 1200 + len(late)
        late.append(number)
        await world.offer(number)
        await asyncio.sleep(0)
    await moving
    await world.queue.move_over()
    assert await world.drained() == list(range(1200 + len(late)))


async def test_memory_delivers_and_redis_learns_of_it_once(world: World) -> None:
    await world.offer(1)
    await world.crash()
    await world.offer(2, key="order-2")
    await world.offer(3)
    token = new_token()
    claim = await world.queue.claim(MATOMO, token, limit=1, lease=30)
    (request,) = claim.requests
    assert number_of(request.body) == 2
    record = b'{"key":"order-2","value":{"ok":true,"status":200,"body":""},"attempts":1,"completedAt":1}'
    await world.queue.settle(token, [Settlement(request.id, Fate.DELIVERED, record=record)])
    await world.back()
    await world.queue.move_over()
    counts = await world.shared.counts(MATOMO)
    assert (counts.accepted, counts.delivered, counts.pending) == (3, 1, 2)
    assert await world.offer(2, key="order-2") == [Acceptance.DUPLICATE]
    assert await world.drained() == [1, 3]


@pytest.mark.parametrize("end", [Fate.RETRY, Fate.DEAD])
async def test_what_memory_delivered_is_not_sent_again_by_redis_where_its_key_waits(world: World, end: Fate) -> None:
    """The same key came before the outage and during it: each store took it, for neither knew of the other's."""
    await world.offer(1, key="order-1")
    token = new_token()
    (request,) = (await world.shared.claim(MATOMO, token, limit=1, lease=30)).requests
    await world.shared.settle(token, [Settlement(request.id, end, error="503")])
    await world.offer(2, key="order-2")
    await world.crash()
    assert await world.offer(1, key="order-1") == [Acceptance.ACCEPTED]
    assert await world.offer(3, key="order-2") == [Acceptance.ACCEPTED], "another payload: sent by both"
    await deliver_here(world, {"order-1", "order-2"})
    await world.back()
    assert await world.drained() == [2]
    counts = await world.shared.counts(MATOMO)
    assert (counts.accepted, counts.delivered, counts.duplicates, counts.dead) == (3, 3, 1, 0)
    assert await world.offer(1, key="order-1") == [Acceptance.DUPLICATE]


async def test_what_another_process_sends_just_now_stays_its_own(world: World) -> None:
    await world.offer(1, key="order-1")
    await world.crash()
    await world.offer(1, key="order-1")
    await deliver_here(world, {"order-1"})
    await asyncio.to_thread(world.server.start)
    token = new_token()
    (request,) = (await world.shared.claim(MATOMO, token, limit=1, lease=30)).requests
    await world.back()
    assert (await world.shared.counts(MATOMO)).inflight == 1
    assert (await world.shared.settle(token, [Settlement(request.id, Fate.DELIVERED)])).done == 1


async def deliver_here(world: World, keys: set[str]) -> None:
    """Memory delivers what it holds, while Redis is away."""
    token = new_token()
    claim = await world.queue.claim(MATOMO, token, limit=10, lease=30)
    assert {stored_key(request.body) for request in claim.requests} == keys
    value = '{"ok":true,"status":200,"body":""}'
    await world.queue.settle(token, [
        Settlement(
            request.id, Fate.DELIVERED,
            record=f'{{"key":"{stored_key(request.body)}","value":{value},"attempts":1,"completedAt":1}}'.encode(),
        )
        for request in claim.requests
    ])  # fmt: skip


async def test_what_memory_is_sending_moves_over_only_if_it_must_wait(world: World) -> None:
    await world.crash()
    await world.offer(1, 2)
    token = new_token()
    claim = await world.queue.claim(MATOMO, token, limit=2, lease=30)
    first, second = claim.requests
    await world.back()
    assert world.queue.mode is Mode.REDIS
    assert world.queue.only_here == 2
    await world.queue.settle(token, [
        Settlement(first.id, Fate.DELIVERED), Settlement(second.id, Fate.RETRY, delay=0.0, error="503"),
    ])  # fmt: skip
    await world.queue.move_over()
    assert world.queue.only_here == 0
    counts = await world.shared.counts(MATOMO)
    assert (counts.accepted, counts.delivered, counts.pending) == (2, 1, 1)
    assert await world.drained() == [2]


async def test_nobody_else_sends_a_visitor_whom_memory_is_sending(world: World) -> None:
    """I5, also on the way back."""
    await world.crash()
    await world.offer(1)
    token, theirs = new_token(), new_token()
    (first,) = (await world.queue.claim(MATOMO, token, limit=1, lease=30)).requests
    await world.offer(2)
    await world.queue.enqueue(MATOMO, [replace(hit(3), visitor=visitor_in(0))])
    assert await world.back() == 1
    other = await world.shared.claim(MATOMO, theirs, limit=5, lease=30)
    assert [number_of(request.body) for request in other.requests] == [3]
    await world.queue.settle(token, [Settlement(first.id, Fate.DELIVERED)])
    assert await world.queue.move_over() == 1
    assert world.queue.mode is Mode.REDIS
    assert await world.drained() == [2]
    await world.shared.settle(theirs, [Settlement(other.requests[0].id, Fate.DELIVERED)])


async def test_a_request_whose_answer_was_lost_is_not_doubled(world: World) -> None:
    await world.offer(0)
    world.server.send(signal.SIGSTOP)
    assert await world.offer(1) == [Acceptance.ACCEPTED]
    assert world.queue.mode is Mode.MEMORY
    token = new_token()
    assert not (await world.queue.claim(MATOMO, token, limit=5, lease=30)).requests, "it may be in Redis: held"
    world.server.send(signal.SIGCONT)
    await world.back()
    assert await world.drained() == [0, 1]
    counts = await world.shared.counts(MATOMO)
    assert (counts.accepted, counts.delivered) == (2, 2)


async def test_who_is_refused_after_a_lost_answer_learns_that_redis_may_have_it(world: World) -> None:
    world.memory._limits = Limits(length=1, bytes=0)
    await world.offer(0)
    world.server.send(signal.SIGSTOP)
    taken, refused = await world.queue.enqueue(MATOMO, [hit(1), hit(2)])
    assert (taken.outcome, refused.outcome) == (Acceptance.ACCEPTED, Acceptance.FULL)
    assert refused.reason.endswith(MAY_BE_TAKEN)
    (later,) = await world.queue.enqueue(MATOMO, [hit(3)])
    assert later.outcome is Acceptance.FULL
    assert MAY_BE_TAKEN not in later.reason, "Redis was not asked"
    world.server.send(signal.SIGCONT)
    await world.back()
    assert await world.drained() == [0, 1, 2]


async def test_a_lost_answer_does_not_double_what_others_delivered_meanwhile(world: World) -> None:
    await world.offer(0)
    world.server.send(signal.SIGSTOP)
    await world.offer(1)
    world.server.send(signal.SIGCONT)
    other = await world.shared.claim(MATOMO, "another-process", limit=5, lease=30)
    assert [number_of(request.body) for request in other.requests] == [0, 1]
    await world.shared.settle("another-process", [Settlement(one.id, Fate.DELIVERED) for one in other.requests])
    await world.back()
    assert await world.drained() == []
    counts = await world.shared.counts(MATOMO)
    assert (counts.accepted, counts.delivered) == (2, 2)


async def test_memory_leaves_a_visitor_alone_whose_hits_from_redis_are_on_their_way(world: World) -> None:
    await world.offer(0)
    token, here = new_token(), new_token()
    claim = await world.queue.claim(MATOMO, token, limit=5, lease=30)
    await world.crash()
    await world.offer(1)
    assert not (await world.queue.claim(MATOMO, here, limit=5, lease=30)).requests
    with pytest.raises(StoreUnavailable):
        await world.queue.settle(token, [Settlement(claim.requests[0].id, Fate.DELIVERED)])
    assert len((await world.queue.claim(MATOMO, here, limit=5, lease=30)).requests) == 1
    await world.back()


async def test_dead_ones_move_over_as_dead(world: World) -> None:
    await world.crash()
    await world.offer(1)
    token = new_token()
    claim = await world.queue.claim(MATOMO, token, limit=1, lease=30)
    await world.queue.settle(token, [Settlement(claim.requests[0].id, Fate.DEAD, status=400, error="given up")])
    await world.back()
    (row,) = await world.queue.rows(limit=5)
    assert (row.state, row.error) == ("dead", "given up")


async def test_a_claim_whose_answer_was_lost_is_not_held_for_its_lease(world: World) -> None:
    await world.offer(0)
    token = new_token()
    world.server.send(signal.SIGSTOP)
    with pytest.raises(StoreUnavailable):
        await world.queue.claim(MATOMO, token, limit=5, lease=3600)
    await world.offer(1)
    claim = await world.queue.claim(MATOMO, token, limit=5, lease=3600)
    assert [number_of(request.body) for request in claim.requests] == [1]
    world.server.send(signal.SIGCONT)
    await world.back()
    await world.queue.settle(token, [Settlement(claim.requests[0].id, Fate.DELIVERED)])
    assert await world.drained() == [0]
    await world.queue.move_over()


async def test_a_full_redis_drains_while_memory_accepts(world: World) -> None:
    await world.offer(1, 2)
    client = async_client(Settings(redis_url=world.server.url))
    await client.config_set("maxmemory", "1")
    assert await world.offer(3) == [Acceptance.ACCEPTED]
    assert world.queue.mode is Mode.MEMORY
    assert (await world.drained())[:2] == [1, 2]
    await client.config_set("maxmemory", "0")
    await world.back()
    assert world.queue.mode is Mode.REDIS
    await client.aclose()


async def test_a_crash_of_redis_half_way_back_repeats_nothing(world: World) -> None:
    await world.crash()
    await world.offer(*range(1500))
    await asyncio.to_thread(world.server.start)
    await world.link.probe()
    moving = asyncio.create_task(world.queue.move_over())
    while world.queue.only_here > 1000 and not moving.done():  # noqa: ASYNC110 - a moment within
        await asyncio.sleep(0)
    await world.crash()
    await asyncio.gather(moving, return_exceptions=True)
    await world.back()
    await world.queue.move_over()
    assert sorted(await world.drained()) == list(range(1500))


@pytest.mark.parametrize("how", ["lost", "cancelled", "refused-half-way"])
async def test_a_move_whose_answer_was_lost_is_not_sent_from_both(
    world: World, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.crash()
    await world.offer(*range(300))
    await asyncio.to_thread(world.server.start)
    await world.link.probe()
    run = world.shared._scripts.run
    done = 0

    async def lossy(name: str, *arguments: Any) -> Any:
        nonlocal done
        if name == "adopt" and how == "refused-half-way" and done:
            raise trouble_of_kind("oom")
        found = await run(name, *arguments)
        if name == "adopt":
            done += 1
            if how == "lost":
                raise trouble_of_kind("closed")
            if how == "cancelled":
                raise asyncio.CancelledError
        return found

    with monkeypatch.context() as patch:
        patch.setattr(world.shared._scripts, "run", lossy)
        with pytest.raises((StoreUnavailable, asyncio.CancelledError)):
            await world.queue.move_over()
    assert done == 1
    # Redis is away again for this process alone: another one sends what it took over, this one must not.
    other = await world.shared.claim(MATOMO, "another-process", limit=500, lease=30)
    sent = [number_of(request.body) for request in other.requests]
    assert sent
    await world.shared.settle("another-process", [Settlement(one.id, Fate.DELIVERED) for one in other.requests])
    world.link.report(trouble_of_kind("timeout"))
    token = new_token()
    claim = await world.queue.claim(MATOMO, token, limit=500, lease=30)
    assert not set(sent) & {number_of(request.body) for request in claim.requests}
    await world.queue.release(token)
    await world.link.probe()
    await world.queue.move_over()
    assert sorted(sent + await world.drained()) == list(range(300))
    assert (await world.shared.counts(MATOMO)).accepted == 300


@pytest.mark.parametrize("product", RUNNABLE[:1], ids=lambda product: product.name)
async def test_without_memory_nothing_is_accepted(product: Product) -> None:
    async with a_world(product, memory=False) as world:
        await world.crash()
        with pytest.raises(StoreUnavailable):
            await world.offer(1)
        assert world.queue.mode is Mode.REDIS
        assert world.queue.only_here == 0


@pytest.mark.parametrize("product", RUNNABLE[:1], ids=lambda product: product.name)
async def test_an_observer_takes_nothing_from_redis(product: Product) -> None:
    async with a_world(product, deliver_shared=False) as world:
        await world.offer(1)
        assert await world.drained() == []
        # Nor does it look for something four times a second: what concerns it wakes its senders.
        assert (await world.queue.claim(MATOMO, new_token(), limit=1, lease=30)).wakes
        world.queue.deliver_shared = True
        assert await world.drained() == [1]


async def test_what_memory_put_into_its_trash_can_be_restored_after_the_way_back(world: World) -> None:
    await world.offer(1)
    await world.crash()
    await world.offer(2, 3)
    rows = await world.queue.rows(limit=5)
    assert (await world.queue.purge([row.id for row in rows])).done == 2
    assert await world.back() == 0
    counts = await world.queue.counts(MATOMO)
    assert (counts.accepted, counts.purged, counts.pending, counts.trash) == (3, 2, 1, 0)
    assert await world.queue.restore([row.id for row in rows[:1]]) == Restored(1)
    assert await world.queue.move_over() == 1
    counts = await world.queue.counts(MATOMO)
    assert (counts.accepted, counts.purged, counts.pending) == (3, 1, 2)
    assert await world.drained() == [1, 2]
