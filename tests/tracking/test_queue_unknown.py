"""What was posted and never answered is not sent again where an operator says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from opalmind_tui.tracking.queue import Fate
from tests.tracking.delivery import delivering, page
from tests.tracking.queue_harness import TAG, Bench, hit, redis_queue
from tests.tracking.test_dispatcher import faults


@pytest.mark.parametrize(("resend", "state"), [(True, "pending"), (False, "dead")])
async def test_a_posted_claim_whose_lease_ran_out(make_bench: Callable[..., Bench], resend: bool, state: str) -> None:
    bench = make_bench(resend_unknown=resend)
    (posted,) = await bench.accept(hit(1))
    claim = await bench.claim(lease=30)
    await bench.queue.mark_posted(claim.token)
    await bench.pass_seconds(31)
    assert await bench.queue.reap() == 1
    assert await bench.states([posted]) == [state]
    assert (await bench.counts()).unknown == 1
    if not resend:
        (row,) = await bench.queue.rows_of([posted])
        assert "outcome is unknown" in row.error
        assert (await bench.queue.retry([posted])).done == 1
        await bench.settle_all(await bench.claim(), Fate.DELIVERED)


async def test_an_unposted_claim_is_sent_again_all_the_same(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(resend_unknown=False)
    (claimed,) = await bench.accept(hit(1))
    await bench.claim(lease=30)
    await bench.pass_seconds(31)
    assert await bench.queue.reap() == 1
    assert await bench.states([claimed]) == ["pending"]


async def test_a_post_without_an_answer_is_put_aside_and_says_so(bench: Bench) -> None:
    async with delivering(bench, start=False, resend_unknown=False) as field:
        field.matomo.script(faults("answer-lost"))
        ids = await field.accept(page(0))
        await field.dispatcher.start()
        await field.empty()
        assert await bench.states(ids) == ["dead"]
        (row,) = await bench.queue.rows_of(ids)
        assert row.unknown == 1
        assert "outcome is unknown" in row.error


async def walk(bench: Bench) -> None:
    """One round of the reconciler."""
    cursor = ""
    while cursor := (await bench.queue.reconcile(cursor)).cursor:
        pass


async def evict(bench: Bench, *names: str) -> None:
    """A server loses keys of the queue."""
    await bench.client.delete(*[TAG + name for name in names])


LOST = [("claim", "batch", "shard"), ("claim", "batch"), ("inflight", "claim", "batch"), ("inflight",)]
"""What an evicting server may lose of a claim. Without its shards too, what stood in no set could not be told apart."""


@pytest.mark.parametrize(("resend", "state"), [(True, "pending"), (False, "dead")])
@pytest.mark.parametrize("again", [False, True], ids=["first attempt", "second attempt"])
@pytest.mark.parametrize("lost", LOST, ids="+".join)
async def test_an_orphan_that_had_been_posted(
    redis_bench: Bench, resend: bool, state: str, again: bool, lost: tuple[str, ...]
) -> None:
    bench = Bench("redis", redis_queue(redis_bench.client, resend_unknown=resend), client=redis_bench.client)
    (posted,) = await bench.accept(hit(1))
    if again:
        await bench.settle_all(await bench.claim(), Fate.RETRY)
    claim = await bench.claim()
    await bench.queue.mark_posted(claim.token)
    await evict(bench, *lost)
    await walk(bench)
    assert await bench.states([posted]) == [state]
    (row,) = await bench.queue.rows_of([posted])
    counts = await bench.counts()
    if not resend:
        assert row.error == "its outcome is unknown: posted, and its sender was lost; it may be counted already"
        assert (row.unknown, counts.unknown) == (1, 1)
    assert counts.ledger_difference == 0
    # Its sender lives, and knows the answer all the same: what was put aside is settled then, once.
    settled = await bench.settle_all(claim, Fate.DELIVERED)
    assert settled.done + settled.late + settled.lost == 1
    assert (await bench.counts()).ledger_difference == 0


async def test_an_orphan_that_waited_is_due_again_all_the_same(redis_bench: Bench) -> None:
    bench = Bench("redis", redis_queue(redis_bench.client, resend_unknown=False), client=redis_bench.client)
    fresh, released = await bench.accept(hit(1, visitor="a"), hit(2, visitor="b"))
    claim = await bench.claim()
    await bench.queue.release(claim.token)
    for request_id in (fresh, released):
        await bench.client.delete(f"{TAG}due:{request_id[:3]}")
    await walk(bench)
    assert await bench.states([fresh, released]) == ["pending", "pending"]
