"""Purged and back: the trash, what it does to keys and ledger, and how it is emptied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking.queue import TRASH_KEPT, Acceptance, Fate, Moved, Restored, Settlement
from tests.tracking.queue_harness import ENDPOINT, TAG, Bench, hit, record_of, visitor_in


async def figures(bench: Bench) -> tuple[int, int, int, int, int]:
    """Pending, scheduled, dead, in the trash, purged."""
    counts = await bench.counts()
    return counts.pending, counts.scheduled, counts.dead, counts.trash, counts.purged


async def mixed(bench: Bench) -> list[str]:
    """One pending, one scheduled, one dead request."""
    ids = await bench.accept(*[hit(number, visitor="one") for number in range(3)])
    claim = await bench.claim()
    fates = [Settlement(ids[1], Fate.RETRY, delay=500, error="503"), Settlement(ids[2], Fate.DEAD, error="400")]
    await bench.queue.settle(claim.token, fates)
    await bench.queue.release(claim.token)
    assert await figures(bench) == (1, 1, 1, 0, 0)
    return ids


async def test_restored_requests_are_where_they_were(bench: Bench) -> None:
    ids = await mixed(bench)
    rows = await bench.queue.rows(limit=10)
    assert await bench.queue.purge(ids) == Moved(3, 0)
    assert await figures(bench) == (0, 0, 0, 3, 3)
    assert await bench.queue.rows(limit=10) == ()
    assert not (await bench.claim()).requests
    assert await bench.queue.restore(ids) == Restored(3)
    assert await figures(bench) == (1, 1, 1, 0, 0)
    assert await bench.queue.rows(limit=10) == rows
    assert (await bench.counts()).oldest_accepted == rows[-1].accepted


async def test_each_act_twice_is_as_good_as_once(bench: Bench) -> None:
    ids = await mixed(bench)
    for done in (3, 0):
        assert await bench.queue.purge(ids) == Moved(done, 3 - done)
        assert await figures(bench) == (0, 0, 0, 3, 3)
    for done in (3, 0):
        assert await bench.queue.restore([*ids, ids[0], "AA0aaaaaaaaaaa"]) == Restored(done, 5 - done)
        assert await figures(bench) == (1, 1, 1, 0, 0)
    for done in (3, 0):
        assert await bench.queue.purge(ids, hard=True) == Moved(done, 3 - done)
        assert await figures(bench) == (0, 0, 0, 0, 3)
    assert await bench.queue.restore(ids) == Restored(0, 3)


async def test_the_same_id_named_twice_moves_once(bench: Bench) -> None:
    ids = await bench.accept(hit(1))
    assert await bench.queue.purge(ids * 2) == Moved(1, 1)
    assert await bench.queue.restore(ids * 2) == Restored(1, 1)
    assert await bench.queue.purge(ids * 2, hard=True) == Moved(1, 1)
    assert (await bench.counts()).purged == 1


async def test_restored_requests_keep_their_visitors_order(bench: Bench) -> None:
    ids = await bench.accept(*[hit(number, visitor="one") for number in range(5)])
    await bench.queue.purge([ids[3], ids[0]])
    await bench.queue.restore([ids[3], ids[0]])
    assert [request.id for request in (await bench.claim()).requests] == ids


async def test_the_trash_is_emptied_after_its_time_and_not_before(bench: Bench) -> None:
    ids = await bench.accept(*[hit(number) for number in range(400)])
    await bench.queue.purge(ids[:300])
    await bench.pass_seconds(TRASH_KEPT - 5)
    await bench.queue.reap()
    assert (await bench.counts()).trash == 300
    await bench.queue.purge(ids[300:])
    await bench.pass_seconds(6)
    assert await bench.queue.reap() == 0
    assert (await bench.counts()).trash == 100
    assert await bench.queue.restore(ids) == Restored(100, 300)
    counts = await bench.counts()
    assert (counts.purged, counts.pending, counts.accepted) == (300, 100, 400)


async def test_a_hard_purge_leaves_nothing_behind(redis_bench: Bench) -> None:
    client: Any = redis_bench.client
    ids = await mixed(redis_bench)
    await redis_bench.queue.purge(ids[:2])
    assert await redis_bench.queue.purge(ids, hard=True) == Moved(3, 0)
    left = {key.decode().removeprefix(TAG) for key in await client.keys("*")}
    assert left <= {"ledger", "endpoints", "done:now", "asleep", "settled"}


async def test_what_is_in_flight_is_not_purged(bench: Bench) -> None:
    ids = await bench.accept(hit(1))
    await bench.claim()
    assert await bench.queue.purge(ids, hard=True) == Moved(0, 1) == await bench.queue.purge(ids)
    assert (await bench.counts()).inflight == 1


async def test_the_trash_takes_no_place_of_the_queue(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(max_length=3)
    ids = await bench.accept(*[hit(number) for number in range(3)])
    assert (await bench.queue.enqueue(ENDPOINT, [hit(3)]))[0].outcome is Acceptance.FULL
    await bench.queue.purge(ids[:1])
    await bench.accept(hit(3))
    assert (await bench.queue.enqueue(ENDPOINT, [hit(4)]))[0].outcome is Acceptance.FULL
    # Accepted once is accepted: what comes back is not refused.
    assert await bench.queue.restore(ids[:1]) == Restored(1)
    assert (await bench.counts()).pending == 4
    assert (await bench.queue.enqueue(ENDPOINT, [hit(4)]))[0].outcome is Acceptance.FULL


# -- keys ------------------------------------------------------------------------------------------------------------


async def test_a_restored_request_has_its_key_again(bench: Bench) -> None:
    ids = await bench.accept(hit(1), hit(2, key=""))
    await bench.queue.purge(ids)
    await bench.queue.restore(ids)
    answers = await bench.queue.enqueue(ENDPOINT, [hit(1), hit(1, payload="other"), hit(2, key="")])
    assert [answer.outcome.value for answer in answers] == ["duplicate", "conflict", "accepted"]


@pytest.mark.parametrize("payload", ["", "other"])
async def test_a_key_that_is_queued_again_keeps_the_old_one_in_the_trash(bench: Bench, payload: str) -> None:
    ids = await bench.accept(hit(1), hit(2))
    await bench.queue.purge(ids)
    (newer,) = await bench.accept(hit(1, payload=payload))
    for _ in range(2):
        restored = await bench.queue.restore(ids)
        assert restored.taken == (ids[0],)
    assert await bench.states([*ids, newer]) == ["trash", "pending", "pending"]
    await bench.queue.purge([newer], hard=True)
    assert await bench.queue.restore(ids) == Restored(1, 1)


async def test_a_key_that_was_delivered_since_keeps_the_old_one_in_the_trash(bench: Bench) -> None:
    ids = await bench.accept(hit(1))
    await bench.queue.purge(ids)
    await bench.accept(hit(1))
    await bench.settle_all(await bench.claim(), Fate.DELIVERED, record=record_of("key-1"))
    assert await bench.queue.restore(ids) == Restored(0, 0, tuple(ids))
    assert (await bench.counts()).trash == 1


async def test_of_two_with_one_key_in_the_trash_the_first_comes_back(bench: Bench) -> None:
    first = await bench.accept(hit(1))
    await bench.queue.purge(first)
    second = await bench.accept(hit(1))
    await bench.queue.purge(second)
    assert await bench.queue.restore(second + first) == Restored(1, 0, tuple(first))
    assert await bench.states(first + second) == ["trash", "pending"]


async def test_a_repeat_of_a_call_whose_request_was_purged_is_not_a_second_request(bench: Bench) -> None:
    request = hit(1)
    (request_id,) = await bench.accept(request)
    await bench.queue.purge([request_id])
    (answer,) = await bench.queue.enqueue(ENDPOINT, [request], [request_id])
    assert (answer.outcome, answer.id) == (Acceptance.ACCEPTED, request_id)
    assert (await bench.counts()).accepted == 1
    assert await bench.states([request_id]) == ["trash"]


async def test_any_number_goes_and_comes_back(bench: Bench) -> None:
    ids = await bench.accept(*[hit(number, visitor=visitor_in(number % 16)) for number in range(700)])
    assert await bench.queue.purge(ids) == Moved(700)
    seen: list[str] = []
    after = ""
    while True:
        page, after = await bench.queue.ids(State.TRASH, after=after, limit=90)
        seen += page
        assert (await bench.queue.restore(page)).done == len(page)
        if not after:
            break
    assert sorted(seen) == sorted(ids)
    assert await figures(bench) == (700, 0, 0, 0, 0)


async def test_the_endpoint_of_what_is_in_the_trash_is_remembered(redis_bench: Bench) -> None:
    ids = await redis_bench.accept(hit(1))
    await redis_bench.queue.purge(ids)
    for number in range(20):
        there = await redis_bench.accept(hit(100 + number), endpoint=f"https://m{number}.example/matomo.php")
        await redis_bench.queue.purge(there, hard=True)
    await redis_bench.queue.restore(ids)
    assert [request.id for request in (await redis_bench.claim()).requests] == ids
