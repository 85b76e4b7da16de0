"""What lists show, and what an operator does to what they show."""

from __future__ import annotations

import pytest

from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking.queue import Acceptance, Fate, Moved, Settled, Settlement
from opalmind_tui.tracking.request import TrackingRequest
from tests.tracking.queue_harness import ELSEWHERE, ENDPOINT, Bench, hit, visitor_in


async def test_rows_newest_failures_first_then_inflight_then_the_oldest_due(bench: Bench) -> None:
    requests = [hit(number, visitor=visitor_in(number % 5, number)) for number in range(10)]
    ids = await bench.accept(*requests)
    there = await bench.accept(hit(99), endpoint=ELSEWHERE)
    for number, fate in ((2, Fate.DEAD), (0, Fate.RETRY), (1, Fate.DEAD)):
        claim = await bench.claim(500)
        others = [request.id for request in claim.requests if request.id != ids[number]]
        await bench.queue.settle(claim.token, [Settlement(ids[number], fate, delay=50, error=f"failure {number}")])
        assert await bench.queue.release(claim.token) == len(others)
    flying = (await bench.claim(1)).requests[0].id
    waiting = [request_id for request_id in ids[3:] if request_id != flying] + there
    rows = await bench.queue.rows(limit=50)
    assert [row.id for row in rows] == [ids[1], ids[0], ids[2], flying, *waiting]
    assert [row.state.value for row in rows[:5]] == ["dead", "scheduled", "dead", "inflight", "pending"]
    assert await bench.queue.rows(limit=6) == rows[:6]
    assert len(await bench.queue.rows(limit=2)) == 2


@pytest.mark.parametrize(
    ("kind", "params", "label"),
    [
        ("pageview", {"url": "https://example.org/", "action_name": "Home"}, "https://example.org/"),
        ("pageview", {"action_name": "Home"}, "Home"),
        ("event", {"e_c": "Form", "e_a": "submit", "url": "https://example.org/"}, "Form / submit"),
        ("goal", {"idgoal": "3", "url": "https://example.org/"}, "goal 3"),
        ("raw", {"e_c": "a", "e_a": "b"}, "a / b"),
        ("raw", {"idgoal": "7"}, "goal 7"),
        ("raw", {"download": "x"}, ""),
        ("pageview", {"url": "\x1b[31m[red]\u202e"}, "\x1b[31m[red]\u202e"),
    ],
)
async def test_what_a_row_says(bench: Bench, kind: str, params: dict[str, str], label: str) -> None:
    request = TrackingRequest(kind, {"idsite": "7", **params}, key="k", fingerprint="f", visitor="v")
    (request_id,) = await bench.accept(request)
    (row,) = await bench.queue.rows(limit=5)
    assert (row.id, row.kind, row.label, row.site, row.key) == (request_id, kind, label, "7", "k")
    assert (row.size, row.attempts, row.failed_at) == (len(request.encode()), 0, None)
    assert row.next_try == row.accepted == (await bench.counts()).oldest_accepted


async def test_rows_of_names_only_what_exists(bench: Bench) -> None:
    ids = await bench.accept(hit(1), hit(2))
    assert [row.id for row in await bench.queue.rows_of([ids[1], "AA0aaaaaaaaaaa", ids[0]])] == [ids[1], ids[0]]


async def test_pages_of_ids_go_on_while_what_was_listed_leaves(bench: Bench) -> None:
    ids = await bench.accept(*[hit(number) for number in range(50)])
    for _ in range(16):
        await bench.settle_all(await bench.claim(500), Fate.DEAD)
    seen: list[str] = []
    after = ""
    while True:
        page, after = await bench.queue.ids(State.DEAD, after=after, limit=8)
        seen += page
        await bench.queue.purge(page)
        if not after:
            break
    assert sorted(seen) == sorted(ids)
    assert (await bench.counts()).purged == 50


async def test_ids_of_requests_that_died_in_the_same_moment(redis_bench: Bench) -> None:
    assert redis_bench.client is not None
    ids = await redis_bench.accept(*[hit(number) for number in range(30)])
    for _ in range(16):
        await redis_bench.settle_all(await redis_bench.claim(500), Fate.DEAD)
    await redis_bench.client.zadd("opalmind:queue:{q}:dead", dict.fromkeys(ids, 1795374886856000))
    assert (await redis_bench.all_ids())[State.DEAD] == sorted(ids)


async def test_retry_makes_dead_and_scheduled_requests_due_with_attempts_0(bench: Bench) -> None:
    ids = await bench.accept(*[hit(number, visitor="one") for number in range(6)])
    claim = await bench.claim(4)
    fates = [Settlement(ids[0], Fate.DEAD, error="gone", status=400), Settlement(ids[1], Fate.RETRY, delay=900)]
    await bench.queue.settle(claim.token, fates)
    assert await bench.queue.retry([*ids[:3], ids[5], "AA0aaaaaaaaaaa"]) == Moved(2, 3)
    assert await bench.queue.retry(ids[:2]) == Moved(0, 2)
    assert await bench.states(ids) == ["pending", "pending", "inflight", "inflight", "pending", "pending"]
    row = (await bench.queue.rows_of(ids[:1]))[0]
    assert (row.attempts, row.error, row.status) == (0, "gone", 400)
    await bench.queue.settle(claim.token, [Settlement(one, Fate.DELIVERED) for one in ids[2:4]])
    assert [request.id for request in (await bench.claim()).requests] == [ids[4], ids[5], ids[0], ids[1]]


async def test_retry_of_any_number_keeps_the_order_given(bench: Bench) -> None:
    ids = await bench.accept(*[hit(number, visitor="one") for number in range(700)])
    while (claim := await bench.claim(500)).requests:
        await bench.settle_all(claim, Fate.DEAD)
    assert await bench.queue.retry(ids) == Moved(700, 0)
    assert [request.id for request in (await bench.claim(500)).requests] == ids[:500]


async def test_purge_leaves_alone_what_is_in_flight(bench: Bench) -> None:
    ids = await bench.accept(*[hit(number, visitor="one") for number in range(4)])
    claim = await bench.claim(2)
    await bench.queue.settle(claim.token, [Settlement(ids[0], Fate.DEAD)])
    assert await bench.queue.purge([*ids, "AA0aaaaaaaaaaa"]) == Moved(3, 2)
    assert await bench.queue.purge(ids) == Moved(0, 4)
    assert await bench.states(ids) == ["trash", "inflight", "trash", "trash"]
    assert (await bench.counts()).purged == 3


async def test_purge_frees_the_keys_and_only_those(bench: Bench) -> None:
    ids = await bench.accept(*[hit(number) for number in range(300)])
    assert await bench.queue.purge(ids[1:]) == Moved(299, 0)
    answers = await bench.queue.enqueue(ENDPOINT, [hit(number, payload="new") for number in range(300)])
    assert [answer.outcome for answer in answers] == [Acceptance.CONFLICT] + [Acceptance.ACCEPTED] * 299


async def test_an_answer_for_what_was_purged_for_good_meanwhile_is_lost(bench: Bench) -> None:
    (request_id,) = await bench.accept(hit(1))
    claim = await bench.claim(lease=30)
    await bench.pass_seconds(31)
    await bench.queue.reap()
    await bench.queue.purge([request_id], hard=True)
    assert await bench.settle_all(claim, Fate.DELIVERED) == Settled(lost=1)
    counts = await bench.counts()
    assert (counts.purged, counts.delivered) == (1, 0)
