"""Accepting: what comes in, what is a repeat, what conflicts, what is refused."""

from __future__ import annotations

from collections.abc import Callable

from opalmind_tui.tracking.ids import endpoint_code, new_id
from opalmind_tui.tracking.queue import Acceptance, Answer, Fate, Settlement
from opalmind_tui.tracking.request import decode_request
from tests.tracking.queue_harness import ELSEWHERE, ENDPOINT, Bench, hit, id_for, record_of

ACCEPTED, DUPLICATE, CONFLICT, FULL = Acceptance


async def test_what_is_accepted_is_pending_and_comes_back_as_it_was(bench: Bench) -> None:
    request = hit(1)
    (request_id,) = await bench.accept(request)
    counts = await bench.counts()
    assert (counts.accepted, counts.pending, counts.epoch != "") == (1, 1, True)
    (claimed,) = (await bench.claim()).requests
    assert (claimed.id, claimed.body, claimed.attempts) == (request_id, request.encode(), 0)
    assert claimed.accepted == counts.oldest_accepted


async def test_batches_of_any_length_keep_their_order(bench: Bench) -> None:
    requests = [hit(number, visitor="one") for number in range(1_203)]
    ids = await bench.accept(*requests)
    assert len(set(ids)) == 1_203
    claimed = [request.id for request in (await bench.claim(500)).requests]
    assert claimed == ids[:500]


async def test_a_large_body_travels_alone(bench: Bench) -> None:
    large = [hit(number, payload="x" * 400_000) for number in range(4)]
    await bench.accept(*large)
    claimed = (await bench.claim()).requests
    assert {request.body for request in claimed} <= {request.encode() for request in large}


async def test_first_attempts_go_in_order_of_acceptance_even_when_the_clock_steps_back(bench: Bench) -> None:
    first = await bench.accept(hit(1, visitor="one"))
    await bench.pass_seconds(-3_600)
    second = await bench.accept(*[hit(number, visitor="one") for number in (2, 3)])
    await bench.pass_seconds(3_601)
    assert [request.id for request in (await bench.claim()).requests] == first + second


async def test_the_same_id_again_is_accepted_once(bench: Bench) -> None:
    requests = [hit(1), hit(2, key="")]
    ids = [id_for(request) for request in requests]
    for _ in range(2):
        answers = await bench.queue.enqueue(ENDPOINT, requests, ids)
        assert answers == [Answer(ACCEPTED, request_id) for request_id in ids]
    assert (await bench.counts()).accepted == 2


async def test_the_same_id_again_is_accepted_while_it_is_in_flight(bench: Bench) -> None:
    requests = [hit(1), hit(2, key="")]
    ids = [id_for(request) for request in requests]
    await bench.queue.enqueue(ENDPOINT, requests, ids)
    await bench.claim()
    answers = await bench.queue.enqueue(ENDPOINT, requests, ids)
    assert [answer.outcome for answer in answers] == [ACCEPTED, ACCEPTED]
    assert (await bench.counts()).accepted == 2


async def test_the_same_key_while_queued_is_a_duplicate_or_a_conflict(bench: Bench) -> None:
    (request_id,) = await bench.accept(hit(1))
    answers = await bench.queue.enqueue(ENDPOINT, [hit(1), hit(1, payload="other")])
    assert answers == [Answer(DUPLICATE, request_id), Answer(CONFLICT)]
    counts = await bench.counts()
    assert (counts.accepted, counts.duplicates, counts.conflicts) == (1, 1, 1)


async def test_the_same_key_twice_in_one_batch(bench: Bench) -> None:
    answers = await bench.queue.enqueue(ENDPOINT, [hit(1), hit(1), hit(1, payload="other"), hit(2)])
    assert [answer.outcome for answer in answers] == [ACCEPTED, DUPLICATE, CONFLICT, ACCEPTED]
    assert answers[1].id == answers[0].id


async def test_the_same_key_once_delivered_is_a_duplicate_or_a_conflict(bench: Bench) -> None:
    await bench.accept(hit(1))
    await bench.settle_all(await bench.claim(), Fate.DELIVERED, record=record_of("key-1"))
    answers = await bench.queue.enqueue(ENDPOINT, [hit(1), hit(1, payload="other")])
    assert answers == [Answer(DUPLICATE), Answer(CONFLICT)]


async def test_a_key_is_free_again_once_its_request_left_without_a_record(bench: Bench) -> None:
    for fate in (Fate.REJECTED, Fate.DROPPED, Fate.DELIVERED):
        await bench.accept(hit(1))
        await bench.settle_all(await bench.claim(), fate)
    await bench.accept(hit(1))


async def test_a_record_that_says_nothing_is_not_taken_for_sent(bench: Bench) -> None:
    for record in (b"true", b"{}", b'{"key":', b'{"key":"key-1","value":{"ok":false}}', record_of("another")):
        await bench.accept(hit(1))
        await bench.settle_all(await bench.claim(), Fate.DELIVERED, record=record)
    await bench.accept(hit(1))


async def test_without_a_key_nothing_is_a_duplicate(bench: Bench) -> None:
    await bench.accept(hit(1, key=""), hit(1, key=""))
    await bench.settle_all(await bench.claim(), Fate.DELIVERED)
    await bench.accept(hit(1, key=""))


async def test_unusual_keys(bench: Bench) -> None:
    for key in ("schlüssel:*?[x] mit leer 🔑\n", "k" * 4_000, "{q}", "\x00", "id"):
        (request_id,) = await bench.accept(hit(1, key=key))
        (claimed,) = (await bench.claim()).requests
        request = decode_request(claimed.body)
        assert request is not None
        assert request.key == key
        assert (await bench.queue.enqueue(ENDPOINT, [hit(1, key=key)]))[0].id == request_id
        await bench.queue.release((await bench.claim()).token)
        await bench.pass_seconds(61)
        await bench.queue.reap()
        await bench.queue.purge([request_id])


async def test_a_full_queue_refuses_but_knows_repeats(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(max_length=2)
    request = hit(1, key="")
    request_id = id_for(request)
    await bench.queue.enqueue(ENDPOINT, [request], [request_id])
    answers = await bench.queue.enqueue(ENDPOINT, [hit(2), hit(3)])
    assert [answer.outcome for answer in answers] == [ACCEPTED, FULL]
    assert answers[1].id == ""
    assert (await bench.queue.enqueue(ENDPOINT, [request], [request_id]))[0].outcome is ACCEPTED
    assert (await bench.queue.enqueue(ENDPOINT, [hit(2)]))[0].outcome is DUPLICATE
    assert (await bench.counts()).accepted == 2


async def test_endpoints_are_apart(bench: Bench) -> None:
    here = await bench.accept(hit(1))
    there = await bench.accept(hit(2), hit(3), endpoint=ELSEWHERE)
    counts = await bench.counts()
    assert (counts.pending, counts.other_endpoints) == (3, 2)
    assert [request.id for request in (await bench.claim()).requests] == here
    assert sorted(r.id for r in (await bench.claim(endpoint=ELSEWHERE)).requests) == sorted(there)


async def test_an_endpoint_whose_code_is_taken_gets_the_next_one(redis_bench: Bench) -> None:
    assert redis_bench.client is not None
    taken = endpoint_code(ENDPOINT)
    await redis_bench.client.hset("opalmind:queue:{q}:endpoints", taken, ELSEWHERE)
    request = hit(1)
    asked = new_id(taken, request.visitor)
    answers = [await redis_bench.queue.enqueue(ENDPOINT, [request], [asked]) for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0][0].id == endpoint_code(ENDPOINT, 1) + asked[2:]
    assert (await redis_bench.claim(endpoint=ELSEWHERE)).requests == ()
    assert [r.id for r in (await redis_bench.claim()).requests] == [answers[0][0].id]


async def test_idle_endpoints_do_not_pile_up(redis_bench: Bench) -> None:
    assert redis_bench.client is not None
    for number in range(40):
        endpoint = f"http://127.0.0.1:{10_000 + number}/matomo.php"
        await redis_bench.accept(hit(number), endpoint=endpoint)
        claim = await redis_bench.claim(endpoint=endpoint)
        await redis_bench.queue.settle(claim.token, [Settlement(claim.requests[0].id, Fate.DELIVERED)])
    assert await redis_bench.client.hlen("opalmind:queue:{q}:endpoints") <= 16
