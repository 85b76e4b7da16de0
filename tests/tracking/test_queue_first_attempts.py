"""First attempts on Redis: nothing is stored of them but their body, so whose they are follows from the claims."""

from __future__ import annotations

from typing import Any

from opalmind_tui.tracking.queue import Acceptance, Adopted, Fate, Repairs, Settled, Settlement
from tests.tracking.queue_harness import ENDPOINT, TAG, Bench, hit, id_for
from tests.tracking.test_queue_redis import reconciled


async def test_a_first_attempt_is_settled_though_its_batch_was_lost(redis_bench: Bench) -> None:
    client: Any = redis_bench.client
    await redis_bench.accept(*[hit(number) for number in range(9)])
    claim = await redis_bench.claim()
    assert await client.exists(TAG + "meta") == 0
    await client.delete(TAG + "batch")
    assert await redis_bench.queue.settle("another", [Settlement(claim.requests[0].id, Fate.DEAD)]) == Settled(lost=1)
    held = len(claim.requests)
    assert await redis_bench.settle_all(claim, Fate.DELIVERED) == Settled(done=held)


async def test_a_first_attempt_whose_visitors_are_taken_by_another_is_left_to_the_reaper(redis_bench: Bench) -> None:
    ids = await redis_bench.accept(*[hit(number, visitor="one") for number in range(6)])
    first = await redis_bench.claim(2, lease=30)
    await redis_bench.pass_seconds(31)
    second = await redis_bench.claim(2, lease=30)
    assert await reconciled(redis_bench) == Repairs("", 0, 0)
    assert await redis_bench.queue.settle(second.token, [Settlement(ids[0], Fate.DEAD)]) == Settled(lost=1)
    assert await redis_bench.queue.reap() == 2
    assert (await redis_bench.counts()).unknown == 0
    assert await redis_bench.settle_all(first, Fate.DELIVERED) == Settled(late=2)
    assert await redis_bench.settle_all(second, Fate.DELIVERED) == Settled(done=2)
    assert await redis_bench.states(ids) == ["gone"] * 4 + ["pending"] * 2


async def test_a_first_attempt_that_no_batch_names_comes_back_and_may_still_be_settled(redis_bench: Bench) -> None:
    client: Any = redis_bench.client
    await redis_bench.accept(hit(1))
    claim = await redis_bench.claim()
    await client.delete(TAG + "batch", TAG + "claim")
    assert await reconciled(redis_bench) == Repairs("", 1, 0)
    assert (await redis_bench.counts()).unknown == 1
    assert await redis_bench.settle_all(claim, Fate.DELIVERED) == Settled(late=1)


async def test_what_was_settled_stays_known_while_ten_thousand_others_are(redis_bench: Bench) -> None:
    """Who could not learn whether its request was taken moves it over later, and must not double it."""
    client: Any = redis_bench.client
    first = [hit(number, key="") for number in range(5)]
    ids = [id_for(request) for request in first]
    await redis_bench.queue.enqueue(ENDPOINT, first, ids)
    for number in range(2, 22):
        await redis_bench.accept(*[hit(1_000 * number + at, key="") for at in range(500)])
        while (claim := await redis_bench.claim(500)).requests:
            await redis_bench.settle_all(claim, Fate.DELIVERED)
    assert await client.scard(TAG + "done:now") + await client.scard(TAG + "done:before") == 10_005
    before = await redis_bench.counts()
    adopted = [Adopted(request_id, request, ENDPOINT, 1.0) for request_id, request in zip(ids, first, strict=True)]
    answers = await redis_bench.queue.adopt(adopted)
    assert [answer.outcome for answer in answers] == [Acceptance.ACCEPTED] * 5
    assert (await redis_bench.counts()).accepted == before.accepted == 10_005
