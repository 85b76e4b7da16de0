"""Claims and fates: who may send what, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from opalmind_tui.snapshot.listing import Order, Tab
from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking.ids import new_token
from opalmind_tui.tracking.queue import Fate, Settled, Settlement
from tests.tracking.queue_harness import ENDPOINT, TAG, Bench, hit, record_of, visitor_in


async def test_two_claimers_never_hold_one_visitor(bench: Bench) -> None:
    await bench.accept(*[hit(number, visitor=f"v{number % 40}") for number in range(400)])
    claims = [await bench.claim(10) for _ in range(20)]
    held = [{int(request.id[2], 16) for request in claim.requests} for claim in claims]
    for at, shards in enumerate(held):
        assert all(shards.isdisjoint(others) for others in held[:at])
    assert 4 <= sum(map(bool, held)) <= 16


async def test_one_visitor_is_sent_in_order_of_acceptance_by_one_claim_after_the_other(bench: Bench) -> None:
    ids = await bench.accept(*[hit(number, visitor="one") for number in range(30)])
    sent: list[str] = []
    while (claim := await bench.claim(7)).requests:
        assert (await bench.claim(7)).requests == ()
        sent += [request.id for request in claim.requests]
        await bench.settle_all(claim, Fate.DELIVERED)
    assert sent == ids


async def test_the_oldest_visitors_go_first_and_one_claim_leases_four_shards_at_the_most(bench: Bench) -> None:
    ids = await bench.accept(*[hit(shard, visitor=visitor_in(shard)) for shard in (9, 3, 12, 0, 7, 5)])
    assert [request.id for request in (await bench.claim()).requests] == ids[:4]
    assert [request.id for request in (await bench.claim()).requests] == ids[4:]


async def test_how_many_shards_one_claim_leases_can_be_set(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(claim_shards=16)
    await bench.accept(*[hit(shard, visitor=visitor_in(shard)) for shard in range(16)])
    assert len((await bench.claim()).requests) == 16


async def test_a_claim_sent_twice_holds_the_same(bench: Bench) -> None:
    await bench.accept(*[hit(number) for number in range(20)])
    claim = await bench.claim(5)
    again = await bench.claim(5, token=claim.token)
    assert again.requests == claim.requests
    assert (await bench.counts()).inflight == 5
    await bench.queue.settle(claim.token, [Settlement(claim.requests[0].id, Fate.DELIVERED)])
    assert (await bench.claim(5, token=claim.token)).requests == claim.requests[1:]


async def test_next_due(bench: Bench) -> None:
    assert (await bench.claim()).next_due is None
    await bench.accept(hit(1))
    claim = await bench.claim()
    assert claim.next_due is None
    await bench.settle_all(claim, Fate.RETRY, delay=300)
    counts, claim = await bench.counts(), await bench.claim()
    assert claim.requests == ()
    assert claim.next_due == counts.next_due == pytest.approx(counts.at + 300, abs=20)


@pytest.mark.parametrize("fate", [Fate.DELIVERED, Fate.REJECTED, Fate.DROPPED])
async def test_what_ends_well_or_badly_leaves_the_queue_and_is_counted_once(bench: Bench, fate: Fate) -> None:
    await bench.accept(hit(1))
    claim = await bench.claim()
    assert await bench.settle_all(claim, fate) == Settled(done=1)
    assert await bench.settle_all(claim, fate) == Settled(lost=1)
    counts = await bench.counts()
    assert (getattr(counts, fate.value), counts.inflight, counts.pending) == (1, 0, 0)
    assert await bench.queue.rows(limit=10) == ()


async def test_the_same_request_twice_in_one_settling(bench: Bench) -> None:
    await bench.accept(hit(1))
    claim = await bench.claim()
    fates = [Settlement(claim.requests[0].id, Fate.DELIVERED)] * 2
    assert await bench.queue.settle(claim.token, fates) == Settled(done=1, lost=1)
    assert (await bench.counts()).delivered == 1


async def test_a_retry_waits_costs_an_attempt_and_tells_why(bench: Bench) -> None:
    (request_id,) = await bench.accept(hit(1))
    accepted = (await bench.counts()).oldest_accepted
    claim = await bench.claim()
    fate = Settlement(request_id, Fate.RETRY, delay=60, status=503, error="503 Service Unavailable")
    assert await bench.queue.settle(claim.token, [fate]) == Settled(done=1)
    assert await bench.queue.settle(claim.token, [fate]) == Settled(lost=1)
    counts = await bench.counts()
    assert (counts.scheduled, counts.pending, counts.retried, counts.oldest_accepted) == (1, 0, 1, accepted)
    assert (counts.last_error, counts.last_status, counts.last_backoff) == (fate.error, 503, 60)
    (row,) = await bench.queue.rows_of([request_id])
    assert (row.state, row.attempts, row.status, row.error) == (State.SCHEDULED, 1, 503, fate.error)
    assert row.next_try == counts.next_due
    await bench.pass_seconds(61)
    (claimed,) = (await bench.claim()).requests
    assert (claimed.id, claimed.attempts) == (request_id, 1)


async def test_what_the_endpoint_is_to_blame_for_costs_no_attempt(bench: Bench) -> None:
    await bench.accept(hit(1))
    for _ in range(20):
        await bench.settle_all(await bench.claim(), Fate.RETRY, error="refused", costs_attempt=False)
    assert (await bench.claim()).requests[0].attempts == 0
    assert (await bench.counts()).retried == 20


async def test_retries_of_one_visitor_keep_their_order(bench: Bench) -> None:
    ids = await bench.accept(*[hit(number, visitor="one") for number in range(9)])
    await bench.settle_all(await bench.claim(), Fate.RETRY, delay=5)
    await bench.pass_seconds(6)
    assert [request.id for request in (await bench.claim()).requests] == ids


async def test_an_unknown_outcome_is_marked_and_counted(bench: Bench) -> None:
    await bench.accept(hit(1))
    await bench.settle_all(await bench.claim(), Fate.RETRY, error="no answer", unknown=True)
    assert (await bench.counts()).unknown == 1
    assert (await bench.claim()).requests[0].unknown == 1


async def test_the_dead_are_kept_with_their_reason(bench: Bench) -> None:
    (request_id,) = await bench.accept(hit(1))
    await bench.settle_all(await bench.claim(), Fate.DEAD, status=400, error="refused: unknown site")
    counts = await bench.counts()
    assert (counts.dead, counts.oldest_accepted) == (1, None)
    assert (await bench.claim()).requests == ()
    (row,) = await bench.queue.rows(limit=5)
    assert (row.id, row.state, row.error, row.attempts) == (request_id, State.DEAD, "refused: unknown site", 1)
    assert (await bench.queue.enqueue(ENDPOINT, [hit(1)]))[0].id == request_id


async def test_an_error_of_any_length_and_script_is_kept_short(bench: Bench) -> None:
    await bench.accept(hit(1))
    await bench.settle_all(await bench.claim(), Fate.DEAD, error='"token":"x" ' + "日本\u202e\x1b[31m" * 200)
    (row,) = await bench.queue.rows(limit=1)
    assert len(row.error) == 300
    assert row.error.startswith('"token":"x" 日本\u202e\x1b[31m')
    assert (await bench.counts()).last_error == row.error


async def test_another_token_changes_nothing(bench: Bench) -> None:
    await bench.accept(*[hit(number) for number in range(3)])
    claim = await bench.claim()
    for fate in Fate:
        fates = [Settlement(request.id, fate, record=record_of("x")) for request in claim.requests]
        assert await bench.queue.settle(new_token(), fates) == Settled(lost=len(fates))
    assert (await bench.counts()).inflight == len(claim.requests)
    assert (await bench.settle_all(claim, Fate.DELIVERED)).done == len(claim.requests)


async def test_an_empty_token_owns_nothing(bench: Bench) -> None:
    (request_id,) = await bench.accept(hit(1))
    await bench.settle_all(await bench.claim(), Fate.RETRY)
    assert await bench.queue.settle("", [Settlement(request_id, Fate.DELIVERED)]) == Settled(lost=1)


async def test_a_settled_claim_frees_its_shards_and_a_half_settled_one_does_not(bench: Bench) -> None:
    await bench.accept(*[hit(number, visitor="one") for number in range(4)])
    claim = await bench.claim(2)
    await bench.queue.settle(claim.token, [Settlement(claim.requests[0].id, Fate.DELIVERED)])
    assert (await bench.claim()).requests == ()
    await bench.queue.settle(claim.token, [Settlement(claim.requests[1].id, Fate.DELIVERED)])
    assert len((await bench.claim()).requests) == 2


async def test_a_release_puts_back_what_was_not_posted_to_its_old_place(bench: Bench) -> None:
    ids = await bench.accept(*[hit(number, visitor="one") for number in range(6)])
    before = await bench.counts()
    claim = await bench.claim(4)
    assert await bench.queue.release(claim.token) == 4
    assert await bench.queue.release(claim.token) == 0
    after = await bench.counts()
    assert (after.pending, after.retried, after.oldest_accepted) == (6, 0, before.oldest_accepted)
    again = await bench.claim()
    assert [request.id for request in again.requests] == ids
    assert {(request.attempts, request.recovered) for request in again.requests} == {(0, 0)}


async def test_a_release_leaves_what_was_posted_to_its_lease(bench: Bench) -> None:
    await bench.accept(hit(1))
    claim = await bench.claim()
    await bench.queue.mark_posted(claim.token)
    assert await bench.queue.release(claim.token) == 0
    assert (await bench.counts()).inflight == 1
    assert await bench.settle_all(claim, Fate.DELIVERED) == Settled(done=1)


async def test_a_release_keeps_what_is_known_of_a_failed_request(bench: Bench) -> None:
    (request_id,) = await bench.accept(hit(1))
    await bench.settle_all(await bench.claim(), Fate.RETRY, error="503", status=503)
    await bench.queue.release((await bench.claim()).token)
    (row,) = await bench.queue.rows_of([request_id])
    assert (row.state, row.attempts, row.error) == (State.PENDING, 1, "503")


async def test_an_undecodable_body_is_claimed_and_kept_as_it_is(redis_bench: Bench) -> None:
    assert redis_bench.client is not None
    ids = await redis_bench.accept(hit(1), hit(2))
    await redis_bench.client.hset("opalmind:queue:{q}:msg", ids[0], b"\xff\x00not a request")
    claim = await redis_bench.claim()
    assert {request.id: request.body for request in claim.requests}[ids[0]] == b"\xff\x00not a request"
    await redis_bench.settle_all(claim, Fate.DEAD, error="unreadable")
    row = next(row for row in await redis_bench.queue.rows(limit=5) if row.id == ids[0])
    assert (row.kind, row.site, row.key) == ("raw", "", "")
    assert row.label.startswith("unreadable: ")
    assert await redis_bench.client.hget("opalmind:queue:{q}:msg", ids[0]) == b"\xff\x00not a request"


async def test_a_second_process_settles_what_it_did_not_claim_itself(redis_bench: Bench) -> None:
    from tests.tracking.queue_harness import redis_queue

    assert redis_bench.client is not None
    await redis_bench.accept(hit(1))
    claim = await redis_bench.claim()
    other = redis_queue(redis_bench.client)
    fates = [Settlement(claim.requests[0].id, Fate.DELIVERED, record=record_of("key-1"))]
    assert await other.settle(claim.token, fates) == Settled(done=1)
    record = await redis_bench.client.get("opalmind:idempotency:key-1")
    assert record == record_of("key-1")[:-1] + b',"fingerprint":"00000001"}'


async def test_a_whole_claim_that_was_tried_before_leaves_nothing_behind(redis_bench: Bench) -> None:
    await redis_bench.accept(*[hit(at, visitor="one") for at in range(5)])
    await redis_bench.settle_all(await redis_bench.claim(), Fate.RETRY, error="x", unknown=True)
    again = await redis_bench.claim()
    assert (await redis_bench.settle_all(again, Fate.DELIVERED)).done == len(again.requests) == 5
    for name in ("meta", "failed", "aged", "unknown", "batch", "claim", "shard", "inflight", "msg", "key"):
        assert not await redis_bench.client.exists(TAG + name), name


async def test_of_a_whole_claim_what_was_taken_away_is_not_counted(redis_bench: Bench) -> None:
    await redis_bench.accept(*[hit(at, visitor="one") for at in range(5)])
    claim = await redis_bench.claim()
    gone = claim.requests[2].id
    await redis_bench.client.zrem(TAG + "inflight", gone)
    settled = await redis_bench.settle_all(claim, Fate.DELIVERED)
    assert (settled.done, settled.lost) == (4, 1)
    assert await redis_bench.client.hexists(TAG + "msg", gone)
    assert [row.id for row in (await redis_bench.queue.window(Tab.DELIVERED, Order.NEWEST)).rows] == [
        request.id for request in reversed(claim.requests) if request.id != gone
    ]
    cursor = (await redis_bench.queue.reconcile()).cursor
    while cursor:
        cursor = (await redis_bench.queue.reconcile(cursor)).cursor
    assert await redis_bench.states([gone]) == ["pending"]
