"""Taking over what a process's memory accepted, and the ledger of what it settled."""

from __future__ import annotations

import time

import pytest
from msgspec.structs import replace

from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking.ids import endpoint_code, new_id
from opalmind_tui.tracking.queue import Acceptance, Adopted, Fate, KeptRecord, LedgerShare
from tests.tracking.queue_harness import ELSEWHERE, ENDPOINT, Bench, hit, id_for, memory_bench, record_of, visitor_in

ACCEPTED, DUPLICATE, CONFLICT, FULL = Acceptance


def adopted(number: int, *, ago: float = 100.0, endpoint: str = ENDPOINT, **more: object) -> Adopted:
    """What memory accepted a while ago."""
    request = hit(number, visitor="one")
    request_id = new_id(endpoint_code(endpoint), request.visitor)
    return replace(Adopted(request_id, request, endpoint, time.time() - ago), **more)  # type: ignore[arg-type]


async def test_adoption_keeps_order_and_acceptance_time_and_happens_once(bench: Bench) -> None:
    later = await bench.accept(*[hit(number, visitor="one") for number in range(3)])
    batch = [adopted(number, ago=900 - number) for number in range(10, 700)]
    for _ in range(3):
        answers = await bench.queue.adopt(batch)
        assert [(answer.outcome, answer.id) for answer in answers] == [(ACCEPTED, item.id) for item in batch]
    counts = await bench.counts()
    assert (counts.accepted, counts.pending) == (693, 693)
    assert counts.oldest_accepted == pytest.approx(batch[0].accepted, abs=0.001)
    first = await bench.claim(500)
    await bench.settle_all(first, Fate.DELIVERED)
    order = [request.id for request in (*first.requests, *(await bench.claim(500)).requests)]
    assert order == [item.id for item in batch] + later


@pytest.mark.parametrize("ago", [10, -50], ids=["past", "future"])
async def test_what_is_accepted_after_an_adoption_comes_after_it(bench: Bench, ago: float) -> None:
    batch = [adopted(number, ago=ago) for number in range(3)]
    await bench.queue.adopt(batch)
    await bench.pass_seconds(-3_600)
    later = await bench.accept(hit(9, visitor="one"))
    await bench.pass_seconds(3_601)
    assert [request.id for request in (await bench.claim()).requests] == [item.id for item in batch] + later


async def test_the_same_acceptance_time_many_times_keeps_the_order_given(bench: Bench) -> None:
    batch = [replace(adopted(number), accepted=1_795_000_000.0) for number in range(20)]
    await bench.queue.adopt(batch)
    assert [request.id for request in (await bench.claim()).requests] == [item.id for item in batch]


async def test_adoption_keeps_what_memory_knew(bench: Bench) -> None:
    batch = [
        adopted(1, attempts=3, status=503, error="503 Service Unavailable"),
        adopted(2, dead=True, attempts=1, status=400, error="refused: unknown site"),
        adopted(3, unknown=True),
        adopted(4, dead=True),
    ]
    for _ in range(2):
        await bench.queue.adopt(batch)
    assert await bench.states([item.id for item in batch]) == ["pending", "dead", "pending", "dead"]
    rows = {row.id: row for row in await bench.queue.rows(limit=9)}
    for item in batch:
        row = rows[item.id]
        assert (row.attempts, row.status, row.error) == (item.attempts, item.status, item.error)
        assert row.unknown == int(item.unknown)
        assert row.accepted == pytest.approx(item.accepted, abs=0.001)
    assert {request.attempts for request in (await bench.claim()).requests} == {3, 0}


async def test_what_redis_has_already_is_not_doubled(bench: Bench) -> None:
    waiting, flying, sent = hit(1), hit(2), hit(3)
    ids = [id_for(request) for request in (waiting, flying, sent)]
    await bench.queue.enqueue(ENDPOINT, [sent], ids[2:])
    await bench.settle_all(await bench.claim(), Fate.DELIVERED, record=record_of("key-3"))
    await bench.queue.enqueue(ENDPOINT, [flying], ids[1:2])
    await bench.claim()
    await bench.queue.enqueue(ENDPOINT, [waiting], ids[:1])
    batch = [
        Adopted(request_id, request, ENDPOINT, time.time(), in_doubt=True)
        for request_id, request in zip(ids, (waiting, flying, sent), strict=True)
    ]
    answers = await bench.queue.adopt(batch)
    assert [answer.outcome for answer in answers] == [ACCEPTED, ACCEPTED, DUPLICATE]
    assert await bench.states(ids) == ["pending", "inflight", "gone"]
    assert (await bench.counts()).accepted == 3


async def test_the_same_key_from_two_memories(bench: Bench) -> None:
    first, second = adopted(1), adopted(1)
    other = replace(adopted(1), request=hit(1, payload="other"))
    answers = [(await bench.queue.adopt([item]))[0] for item in (first, second, other)]
    assert [answer.outcome for answer in answers] == [ACCEPTED, DUPLICATE, CONFLICT]
    assert answers[1].id == first.id
    assert await bench.states([first.id, second.id, other.id]) == ["pending", "gone", "dead"]
    assert (await bench.queue.adopt([other]))[0].id == other.id
    (row,) = await bench.queue.rows_of([other.id])
    assert row.error == "its idempotency key was taken by another payload while Redis was away"
    await bench.queue.purge([other.id])
    assert (await bench.queue.enqueue(ENDPOINT, [hit(1)]))[0].outcome is DUPLICATE


async def test_adoption_for_several_endpoints(bench: Bench) -> None:
    batch = [adopted(number, endpoint=(ENDPOINT, ELSEWHERE)[number % 2]) for number in range(6)]
    answers = await bench.queue.adopt(batch)
    assert [answer.id for answer in answers] == [item.id for item in batch]
    assert (await bench.counts()).other_endpoints == 3


async def test_a_share_is_merged_once(bench: Bench) -> None:
    share = LedgerShare("nonce-1", delivered=5, rejected=2, dropped=1, purged=3, retried=7, unknown=4)
    for _ in range(3):
        await bench.queue.merge_ledger(share)
    await bench.queue.merge_ledger(replace(share, nonce="nonce-2"))
    await bench.queue.merge_ledger(replace(share, nonce="nonce-"))
    counts = await bench.counts()
    assert (counts.accepted, counts.delivered, counts.rejected, counts.dropped, counts.purged) == (33, 15, 6, 3, 9)
    assert (counts.retried, counts.unknown) == (21, 12)


async def test_records_of_what_memory_delivered(redis_bench: Bench) -> None:
    memory = memory_bench()
    await memory.accept(hit(1), hit(2))
    while (claim := await memory.claim(1)).requests:
        key = "key-1" if b"key-1" in claim.requests[0].body else "key-2"
        await memory.settle_all(claim, Fate.DELIVERED, record=record_of(key))
    assert redis_bench.client is not None
    await redis_bench.client.lpush("opalmind:idempotency:key-2", "foreign")
    await redis_bench.client.set("opalmind:idempotency:key-3", record_of("key-3"), ex=50)
    records = memory.queue.records_to_share()
    for _ in range(2):
        await redis_bench.queue.keep_records([*records, KeptRecord("key-3", record_of("key-3"), 9)])
    memory.queue.records_shared([kept.key for kept in records])
    assert memory.queue.records_to_share() == []
    answers = await redis_bench.queue.enqueue(ENDPOINT, [hit(1), hit(2), hit(2, payload="other"), hit(3)])
    assert [answer.outcome for answer in answers] == [DUPLICATE, DUPLICATE, CONFLICT, DUPLICATE]
    assert 86_390 < await redis_bench.client.ttl("opalmind:idempotency:key-1") <= 86_400
    assert await redis_bench.client.ttl("opalmind:idempotency:key-3") > 9


# -- the memory queue's own side -------------------------------------------------------------------------------------


async def test_taken_requests_are_untouchable_until_they_are_adopted_or_put_back() -> None:
    bench = memory_bench()
    ids = await bench.accept(*[hit(number, visitor=visitor_in(number)) for number in range(6)])
    claim = await bench.claim(1)
    await bench.settle_all(await bench.claim(1), Fate.DEAD, error="gone")
    await bench.settle_all(await bench.claim(1), Fate.RETRY, delay=50, error="503")
    taken = bench.queue.take_for_adoption(4)
    assert [item.id for item in taken] == ids[1:5]
    assert [(item.dead, item.attempts, item.error) for item in taken[:2]] == [(True, 1, "gone"), (False, 1, "503")]
    await bench.pass_seconds(60)
    assert (await bench.queue.retry(ids[1:5])).done == (await bench.queue.purge(ids[1:5])).done == 0
    assert [request.id for request in (await bench.claim()).requests] == ids[5:]
    assert (await bench.counts()).pending == 3
    assert bench.queue.waiting() == 4
    bench.queue.put_back(ids[1:3])
    assert [item.id for item in bench.queue.take_for_adoption(9)] == ids[1:3]
    bench.queue.adopted(ids[1:5])
    assert (len(bench.queue), bench.queue.waiting(), (await bench.counts()).accepted) == (2, 0, 2)
    assert bench.queue.holds(claim.token)
    await bench.check()


async def test_a_late_answer_does_not_touch_what_is_on_its_way_to_redis() -> None:
    bench = memory_bench()
    (request_id,) = await bench.accept(hit(1))
    claim = await bench.claim(lease=30)
    await bench.pass_seconds(31)
    await bench.queue.reap()
    bench.queue.take_for_adoption(9)
    assert (await bench.settle_all(claim, Fate.DELIVERED)).lost == 1
    bench.queue.adopted([request_id])
    assert (len(bench.queue), (await bench.counts()).accepted) == (0, 0)
    await bench.check()


async def test_what_redis_may_have_is_never_sent_from_memory() -> None:
    bench = memory_bench()
    ids = await bench.accept(hit(1), hit(2))
    bench.queue.hold_in_doubt(ids[:1])
    assert [request.id for request in (await bench.claim()).requests] == ids[1:]
    assert (await bench.claim()).requests == ()
    assert (await bench.counts()).pending == 1
    assert (await bench.queue.purge(ids[:1])).done == 0
    (taken,) = bench.queue.take_for_adoption(9)
    assert (taken.id, taken.in_doubt) == (ids[0], True)
    bench.queue.put_back(ids[:1])
    assert (await bench.claim()).requests == ()
    assert await bench.states(ids) == ["pending", "inflight"]
    await bench.check()


async def test_a_share_stays_the_same_until_it_is_forgotten() -> None:
    bench = memory_bench()
    assert bench.queue.ledger_share() is None
    await bench.accept(*[hit(number) for number in range(4)])
    for fate in (Fate.DELIVERED, Fate.REJECTED):
        await bench.settle_all(await bench.claim(1), fate)
    share = bench.queue.ledger_share()
    assert (share.delivered, share.rejected) == (1, 1)
    await bench.settle_all(await bench.claim(1), Fate.DELIVERED)
    assert bench.queue.ledger_share() == share
    bench.queue.forget_share("another")
    bench.queue.forget_share(share.nonce)
    bench.queue.forget_share(share.nonce)
    counts = await bench.counts()
    assert (counts.accepted, counts.delivered, counts.rejected) == (2, 1, 0)
    assert bench.queue.ledger_share().delivered == 1
    await bench.check()


async def test_memory_moves_over_whole(redis_bench: Bench) -> None:
    memory = memory_bench()
    ids = await memory.accept(*[hit(number, visitor="one") for number in range(30)])
    await memory.settle_all(await memory.claim(4), Fate.DELIVERED)
    await memory.settle_all(await memory.claim(3), Fate.DEAD, error="gone")
    while batch := memory.queue.take_for_adoption(7):
        await redis_bench.queue.adopt(batch)
        memory.queue.adopted([item.id for item in batch])
    share = memory.queue.ledger_share()
    await redis_bench.queue.merge_ledger(share)
    memory.queue.forget_share(share.nonce)
    counts = await redis_bench.counts()
    assert (counts.accepted, counts.delivered, counts.dead, counts.pending) == (30, 4, 3, 23)
    assert [request.id for request in (await redis_bench.claim()).requests] == ids[7:]
    assert (await redis_bench.all_ids())[State.DEAD] == ids[4:7]
    await memory.check()
