"""A store that forgot what it was told (a restart a second in the past, an operator's flush): what this process is
sending just now is sent by nobody else of it."""

from __future__ import annotations

import asyncio

import pytest

from opalmind_tui.errors import LeaseLost
from opalmind_tui.tracking import claim_round, sender
from opalmind_tui.tracking.claim_round import ClaimRound
from opalmind_tui.tracking.ids import new_token
from opalmind_tui.tracking.queue import Claim, Fate
from tests.tracking.delivery import AwayQueue, delivering, page
from tests.tracking.queue_harness import Bench, hit
from tests.tracking.test_look_ahead import Gatekeeper


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits."""
    monkeypatch.setattr(sender, "POLL", 0.02)
    monkeypatch.setattr(sender, "STORE_WAIT", 0.02)


class Witness(AwayQueue):
    """Counts the claims that gave something."""

    claims = 0

    async def claim(self, *args: object, **more: object) -> Claim:
        found: Claim = await self.queue.claim(*args, **more)
        self.claims += bool(found.requests)
        return found


async def test_two_senders_never_post_one_request_at_the_same_time(bench: Bench) -> None:
    matomo, queue = Gatekeeper(), Witness(bench.queue)
    async with delivering(bench, queue=queue, poster=lambda _: matomo, senders=2) as field:
        # Both of one visitor: the second may not go either while the first is under way.
        await field.accept(page(1, visitor=1))
        assert await matomo.next_bulk() == ["1"]
        await field.accept(page(2, visitor=1))
        # The lease is gone, as it is where the store knows nothing of it any more.
        await bench.pass_seconds(60.0)
        assert await bench.queue.reap() == 1
        field.dispatcher.wake()
        await field.until(lambda: queue.claims >= 3)
        assert matomo.posted.empty()
        matomo.take()
        matomo.take()
        assert await matomo.next_bulk() == ["2"]
        await field.empty()
        assert matomo.posted.empty()
        counts = await field.counts()
        assert (counts.delivered, counts.dead) == (2, 0)


async def test_a_claim_that_the_store_knows_nothing_of_is_not_posted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    matomo, claimed, go = Gatekeeper(), asyncio.Event(), asyncio.Event()
    sort = ClaimRound._sort

    async def later(self: ClaimRound) -> object:
        found = await sort(self)
        claimed.set()
        await go.wait()
        return found

    monkeypatch.setattr(ClaimRound, "_sort", later)
    # So long ago that the store is asked before the post.
    monkeypatch.setattr(claim_round, "ASK_EVERY", 0.0)
    async with delivering(bench, poster=lambda _: matomo, senders=1) as field:
        await field.accept(page(1))
        await asyncio.wait_for(claimed.wait(), 10)
        await bench.pass_seconds(60.0)
        assert await bench.queue.reap() == 1
        other = await bench.claim(endpoint=field.endpoint)
        assert len(other.requests) == 1
        go.set()
        await asyncio.sleep(0.1)
        assert matomo.posted.empty()
        await bench.settle_all(other, Fate.DELIVERED)


async def test_a_lost_claim_cannot_be_marked(bench: Bench) -> None:
    await bench.accept(hit(1, visitor="one"), hit(2, visitor="one"))
    late = await bench.claim(1, lease=0.0)
    # Nobody has it yet, so it may be marked: who takes it after that knows that its outcome is unknown.
    assert await bench.queue.mark_posted(late.token) is None
    other = await bench.claim(1)
    assert len(other.requests) == 1
    for lost in (late.token, new_token()):
        with pytest.raises(LeaseLost):
            await bench.queue.mark_posted(lost)
    await bench.queue.reap()
    with pytest.raises(LeaseLost):
        await bench.queue.mark_posted(late.token)
