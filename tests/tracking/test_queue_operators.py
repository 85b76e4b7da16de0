"""What an operator does to requests besides retry and purge at once: later, given up, taken back from a worker."""

from __future__ import annotations

from opalmind_tui.snapshot.listing import Order, Tab
from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking.queue import Fate, Moved, Settled
from tests.tracking.queue_harness import Bench, hit, visitor_in


async def test_retry_with_a_delay_waits_that_long(bench: Bench) -> None:
    ids = await bench.accept(hit(1), hit(2))
    await bench.settle_all(await bench.claim(2), Fate.DEAD, error="x")
    assert await bench.queue.retry(ids, delay=300) == Moved(2, 0)
    rows = await bench.queue.rows_of(ids)
    now = (await bench.counts()).at
    assert [row.state for row in rows] == [State.SCHEDULED] * 2
    assert all(row.next_try is not None and 290 < row.next_try - now <= 300 for row in rows)
    assert all(row.attempts == 0 and row.error == "x" for row in rows)


async def test_who_is_killed_is_dead_and_can_be_retried(bench: Bench) -> None:
    ids = await bench.accept(*[hit(at) for at in range(6)])
    first = await bench.claim(2)
    await bench.settle_all(first, Fate.RETRY, delay=500, error="503", status=503)
    flying = (await bench.claim(1)).requests[0].id
    assert await bench.queue.kill([*ids, ids[0], "AA0aaaaaaaaaaa"], "given up by anna") == Moved(5, 3)
    rows = {row.id: row for row in await bench.queue.rows_of(ids)}
    assert rows[flying].state is State.INFLIGHT
    dead = [row for row in rows.values() if row.id != flying]
    assert {(row.state, row.error) for row in dead} == {(State.DEAD, "given up by anna")}
    assert {row.status for row in dead} == {None, 503}
    counts = await bench.counts()
    assert (counts.dead, counts.failed, counts.held) == (5, 5, 0)
    assert (await bench.queue.window(Tab.DEAD, Order.NEWEST, rows=9)).total == 5
    assert (await bench.queue.retry([row.id for row in dead])).done == 5
    assert len((await bench.claim(10)).requests) == 5


async def test_what_is_taken_back_is_due_again_and_its_sender_comes_late(bench: Bench) -> None:
    await bench.accept(*[hit(at, visitor=visitor_in(at % 2, at)) for at in range(8)])
    posted, waiting = await bench.claim(2), await bench.claim(100)
    await bench.queue.mark_posted(posted.token)
    ids = [one.id for one in posted.requests]
    assert await bench.queue.take_back([ids[0], "AA0aaaaaaaaaaa"]) == len(ids)
    rows = await bench.queue.rows_of(ids)
    assert {(row.state, row.unknown, row.recovered) for row in rows} == {(State.PENDING, 1, 1)}
    assert (await bench.counts()).inflight == len(waiting.requests)
    assert await bench.queue.extend([posted.token], 60) == (posted.token,)
    # Nobody has claimed it since: the answer that comes late still counts, once.
    late = await bench.settle_all(posted, Fate.DELIVERED)
    assert late == Settled(late=len(ids))
    assert await bench.queue.take_back(ids) == 0
    assert await bench.queue.take_back([one.id for one in waiting.requests]) == len(waiting.requests)
    assert len((await bench.claim(100)).requests) == 8 - len(ids)


async def test_of_a_claim_that_ran_out_no_other_one_is_taken_back(bench: Bench) -> None:
    mine, theirs = await bench.accept(hit(1, visitor="one"), hit(2, visitor="one"))
    first = await bench.claim(1, lease=5)
    await bench.pass_seconds(6)
    second = await bench.claim(1)
    assert [one.id for claim in (first, second) for one in claim.requests] == [mine, theirs]
    assert await bench.queue.take_back([mine]) == 1
    assert [await bench.states([each]) for each in (mine, theirs)] == [["pending"], ["inflight"]]
    assert await bench.settle_all(second, Fate.DELIVERED) == Settled(done=1)


async def test_many_are_taken_back_in_bounded_scripts(bench: Bench) -> None:
    ids = await bench.accept(*[hit(at, visitor="one") for at in range(160)])
    assert len((await bench.claim(160)).requests) == 160
    assert await bench.queue.take_back([ids[3]]) == 160
    assert (await bench.counts()).pending == 160
