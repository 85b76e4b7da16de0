"""Leases that run out: what is returned, what a late answer still may do, and who is too late."""

from __future__ import annotations

from collections.abc import Callable

from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking.queue import Fate, Settled
from tests.tracking.queue_harness import ENDPOINT, Bench, hit, record_of


async def test_what_a_lost_sender_held_is_due_again_at_its_old_place(bench: Bench) -> None:
    ids = await bench.accept(*[hit(number, visitor="one") for number in range(5)])
    await bench.claim(3, lease=30)
    await bench.pass_seconds(29)
    assert await bench.queue.reap() == 0
    await bench.pass_seconds(2)
    assert await bench.queue.reap() == 3
    assert await bench.queue.reap() == 0
    counts = await bench.counts()
    assert (counts.pending, counts.recovered, counts.unknown) == (5, 3, 0)
    again = await bench.claim()
    assert [request.id for request in again.requests] == ids
    assert [request.recovered for request in again.requests] == [1, 1, 1, 0, 0]


async def test_what_was_posted_and_lost_has_an_unknown_outcome(bench: Bench) -> None:
    await bench.accept(hit(1))
    claim = await bench.claim(lease=30)
    await bench.queue.mark_posted(claim.token)
    await bench.queue.mark_posted(claim.token)
    await bench.pass_seconds(31)
    await bench.queue.reap()
    assert (await bench.counts()).unknown == 1
    assert (await bench.claim()).requests[0].unknown == 1


async def test_a_request_that_loses_its_senders_is_dead_the_third_time(bench: Bench) -> None:
    (request_id,) = await bench.accept(hit(1))
    for _ in range(3):
        assert (await bench.claim(lease=30)).requests
        await bench.pass_seconds(31)
        assert await bench.queue.reap() == 1
    (row,) = await bench.queue.rows_of([request_id])
    assert (row.state, row.recovered, row.error) == (State.DEAD, 3, "its sender was lost 3 times")
    await bench.queue.retry([request_id])
    assert (await bench.claim()).requests[0].recovered == 0


async def test_many_lost_claims_come_back_in_one_pass(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(claim_shards=1)
    await bench.accept(*[hit(number) for number in range(1_000)])
    while (await bench.claim(500, lease=30)).requests:
        pass
    assert (await bench.counts()).inflight == 1_000
    await bench.pass_seconds(31)
    assert await bench.queue.reap() == 1_000
    assert (await bench.counts()).pending == 1_000


async def test_extending_keeps_a_lease_and_never_shortens_it(bench: Bench) -> None:
    await bench.accept(hit(1))
    claim = await bench.claim(lease=30)
    assert await bench.queue.extend([claim.token, "unknown"], 60) == ("unknown",)
    assert await bench.queue.extend([claim.token], 1) == ()
    await bench.pass_seconds(50)
    assert await bench.queue.reap() == 0
    await bench.pass_seconds(11)
    assert await bench.queue.reap() == 1
    assert await bench.queue.extend([claim.token], 60) == (claim.token,)


async def test_a_lease_that_ran_out_unseen_can_be_renewed_unless_its_visitors_are_taken(bench: Bench) -> None:
    await bench.accept(*[hit(number, visitor="one") for number in range(4)])
    first = await bench.claim(2, lease=30)
    await bench.pass_seconds(31)
    assert await bench.queue.extend([first.token], 30) == ()
    assert (await bench.claim()).requests == ()
    await bench.pass_seconds(31)
    second = await bench.claim()
    assert len(second.requests) == 2
    assert await bench.queue.extend([first.token], 30) == (first.token,)
    assert (await bench.claim(token=first.token)).requests == ()
    assert await bench.queue.reap() == 2
    assert await bench.queue.extend([second.token], 30) == ()
    assert (await bench.claim()).requests == ()


async def test_a_late_answer_counts_once_while_nobody_has_claimed_again(bench: Bench) -> None:
    await bench.accept(hit(1))
    claim = await bench.claim(lease=30)
    await bench.queue.mark_posted(claim.token)
    await bench.pass_seconds(31)
    await bench.queue.reap()
    assert await bench.settle_all(claim, Fate.DELIVERED, record=record_of("key-1")) == Settled(late=1)
    assert await bench.settle_all(claim, Fate.DELIVERED, record=record_of("key-1")) == Settled(lost=1)
    counts = await bench.counts()
    assert (counts.delivered, counts.late, counts.pending) == (1, 1, 0)
    assert (await bench.queue.enqueue(ENDPOINT, [hit(1)]))[0].outcome == "duplicate"


async def test_a_late_answer_before_the_reaper_is_in_time(bench: Bench) -> None:
    await bench.accept(hit(1))
    claim = await bench.claim(lease=30)
    await bench.pass_seconds(31)
    assert await bench.settle_all(claim, Fate.DELIVERED) == Settled(done=1)
    assert await bench.queue.reap() == 0


async def test_a_late_answer_touches_nothing_that_another_has_claimed(bench: Bench) -> None:
    await bench.accept(hit(1))
    first = await bench.claim(lease=30)
    await bench.pass_seconds(31)
    await bench.queue.reap()
    second = await bench.claim(lease=30)
    for fate in Fate:
        assert await bench.settle_all(first, fate) == Settled(lost=1)
    assert (await bench.counts()).inflight == 1
    assert await bench.settle_all(second, Fate.DELIVERED) == Settled(done=1)
    assert (await bench.counts()).delivered == 1


async def test_a_late_answer_for_one_that_died_of_lost_senders(bench: Bench) -> None:
    await bench.accept(hit(1))
    for _ in range(3):
        claim = await bench.claim(lease=30)
        await bench.pass_seconds(31)
        await bench.queue.reap()
    assert await bench.settle_all(claim, Fate.DELIVERED) == Settled(late=1)
    counts = await bench.counts()
    assert (counts.delivered, counts.dead) == (1, 0)


async def test_a_late_failure_is_noted_once(bench: Bench) -> None:
    await bench.accept(hit(1))
    claim = await bench.claim(lease=30)
    await bench.queue.mark_posted(claim.token)
    await bench.pass_seconds(31)
    await bench.queue.reap()
    assert await bench.settle_all(claim, Fate.RETRY, delay=9, error="no answer", unknown=True) == Settled(late=1)
    assert await bench.settle_all(claim, Fate.RETRY, delay=9, error="no answer", unknown=True) == Settled(lost=1)
    counts = await bench.counts()
    assert (counts.scheduled, counts.retried, counts.unknown) == (1, 1, 1)


async def test_the_oldest_acceptance_is_exact_in_every_state(bench: Bench) -> None:
    async def check() -> None:
        rows = await bench.queue.rows(limit=100)
        alive = [row.accepted for row in rows if row.state is not State.DEAD]
        assert (await bench.counts()).oldest_accepted == min(alive, default=None)

    async def lose_all() -> None:
        while (await bench.claim(500, lease=30)).requests:
            await check()
        await bench.pass_seconds(31)
        await bench.queue.reap()
        await check()

    ids = await bench.accept(*[hit(number) for number in range(30)])
    await check()
    await bench.settle_all(await bench.claim(1), Fate.RETRY, delay=1_000)
    await check()
    await lose_all()
    await bench.pass_seconds(1_001)
    await lose_all()
    await bench.queue.retry(ids)
    await check()
    for fate in (Fate.RETRY, Fate.DELIVERED, Fate.DEAD):
        await bench.settle_all(await bench.claim(5), fate, delay=100)
        await check()
    while (claim := await bench.claim(500)).requests:
        await bench.settle_all(claim, Fate.DEAD)
        await check()
    await bench.pass_seconds(101)
    await lose_all()
