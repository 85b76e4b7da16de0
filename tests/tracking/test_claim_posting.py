"""Who posts at once what it claims need not tell the store a second time, and the outcome is unknown all the same."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from opalmind_tui.matomo.answer import BulkAnswer
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tracking.queue import Claim, Fate
from tests.tracking.bug_classes import courses
from tests.tracking.bug_classes.processes import Child
from tests.tracking.delivery import AwayQueue, delivering, page
from tests.tracking.queue_harness import ENDPOINT, Bench, hit
from tests.tracking.test_dispatcher import once
from tests.tracking.test_look_ahead import BULK, Gatekeeper, in_flight, pages


@pytest.mark.parametrize(("resend", "state"), [(True, "pending"), (False, "dead")])
async def test_its_outcome_is_unknown_when_its_sender_is_lost(
    make_bench: Callable[..., Bench], resend: bool, state: str
) -> None:
    bench = make_bench(resend_unknown=resend)
    (lost,) = await bench.accept(hit(1))
    claim = await bench.claim(lease=30, posting=True)
    assert claim.posting
    await bench.pass_seconds(31)
    assert await bench.queue.reap() == 1
    assert await bench.states([lost]) == [state]
    counts = await bench.counts()
    assert (counts.unknown, counts.recovered, counts.ledger_difference) == (1, 1, 0)
    assert (await bench.queue.rows_of([lost]))[0].unknown == 1
    # It did post, and comes late with the answer: counted once.
    assert (await bench.settle_all(claim, Fate.DELIVERED)).late == 1
    assert (await bench.counts()).ledger_difference == 0


async def test_it_is_given_back_as_if_it_had_not_been_claimed(bench: Bench) -> None:
    ids = await bench.accept(hit(1, visitor="a"), hit(2, visitor="b"))
    claim = await bench.claim(posting=True)
    assert await bench.queue.release(claim.token) == 2
    assert await bench.states(ids) == ["pending", "pending"]
    counts = await bench.counts()
    assert (counts.unknown, counts.recovered, counts.unknown_waiting) == (0, 0, 0)
    # What was marked as posted for good is not.
    claim = await bench.claim(posting=True)
    assert await bench.queue.mark_posted(claim.token) is None
    assert await bench.queue.release(claim.token) == 0


async def test_nothing_claimed_means_nothing_to_post(bench: Bench) -> None:
    assert not (await bench.claim(posting=True)).posting
    await bench.accept(hit(1))
    assert not (await bench.claim()).posting


@pytest.mark.parametrize("resumed", [False, True])
async def test_asked_again_it_is_marked_unless_a_pause_came_meanwhile(bench: Bench, resumed: bool) -> None:
    (claimed,) = await bench.accept(hit(1))
    token = (await bench.claim(lease=30)).token
    await bench.queue.pause(ENDPOINT, by="kim", reason="a test")
    again = await bench.claim(token=token, lease=30, posting=True)
    assert (len(again.requests), again.posting) == (1, False)
    assert await bench.queue.mark_posted(token) is not None
    if resumed:
        await bench.queue.resume(ENDPOINT, by="kim")
        assert (await bench.claim(token=token, lease=30, posting=True)).posting
    await bench.pass_seconds(31)
    assert await bench.queue.reap() == 1
    assert (await bench.queue.rows_of([claimed]))[0].unknown == int(resumed)


async def test_a_process_killed_between_claim_and_post(server: LocalServer, redis_bench: Bench) -> None:
    ids = await redis_bench.accept(hit(1, visitor="a"), hit(2, visitor="b"))
    child = Child(courses.doomed, server.url)
    try:
        posting, claimed = await child.hear()
        os.kill(child.pid, signal.SIGKILL)
        await child.ended()
    finally:
        child.close()
    assert posting
    assert sorted(claimed) == sorted(ids)
    await redis_bench.pass_seconds(31)
    assert await redis_bench.queue.reap() == 2
    counts = await redis_bench.counts()
    assert (counts.unknown, counts.unknown_waiting, counts.pending, counts.ledger_difference) == (2, 2, 2, 0)
    assert (await redis_bench.settle_all(await redis_bench.claim(posting=True), Fate.DELIVERED)).done == 2
    counts = await redis_bench.counts()
    assert (counts.unknown, counts.unknown_waiting, counts.delivered, counts.ledger_difference) == (2, 0, 2, 0)
    await redis_bench.check()


async def test_an_idle_sender_posts_what_it_claims_without_a_second_question(bench: Bench) -> None:
    queue = AwayQueue(bench.queue)
    queue.away = {"mark_posted"}
    async with delivering(bench, queue=queue, senders=1) as field:
        await field.accept(page(0), page(1))
        await field.empty()
        assert dict(field.stored()) == once(2)
    assert queue.failed["mark_posted"] == 0


class Noted:
    """A queue that notes with which word it was asked for claims that gave something."""

    def __init__(self, queue: Any) -> None:
        self.queue = queue
        self.asked: list[bool] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.queue, name)

    async def claim(self, *args: Any, **more: Any) -> Claim:
        claim: Claim = await self.queue.claim(*args, **more)
        if claim.requests:
            self.asked.append(more["posting"])
        return claim


@pytest.mark.parametrize("elapsed", [0.001, 1.0])
async def test_what_waits_behind_a_slow_bulk_is_not_marked_yet(bench: Bench, elapsed: float) -> None:
    matomo, queue = Gatekeeper(), Noted(bench.queue)
    taken = BulkAnswer(200, f'{{"status":"success","tracked":{BULK},"invalid":0}}', elapsed=elapsed)
    async with delivering(bench, queue=queue, start=False, poster=lambda _: matomo, senders=1, max_bulk=BULK) as field:
        await field.accept(*pages(3))
        await field.dispatcher.start()
        matomo.answers.put_nowait(taken)
        await matomo.next_bulk()
        await in_flight(field, 2 * BULK)
        for _ in range(2):
            matomo.answers.put_nowait(taken)
        await field.empty()
    assert queue.asked[0]
    assert queue.asked[-1] is (elapsed < 0.5)
