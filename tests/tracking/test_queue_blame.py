"""Who is to blame is known to the queue: several processes together find a hit that breaks Matomo."""

from __future__ import annotations

import asyncio

import pytest

from opalmind_tui.matomo.tracking_client import TrackingClient
from opalmind_tui.tracking import backoff, dispatcher, sender
from opalmind_tui.tracking.queue import Claimed, Fate, Settlement
from tests.tracking.delivery import Choosy, delivering, page
from tests.tracking.queue_harness import Bench, hit, visitor_in


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits."""
    for name in ("BREAKER_BASE", "REQUEST_BASE"):
        monkeypatch.setattr(backoff, name, 0.002)
    for name in ("BREAKER_CAP", "REQUEST_CAP"):
        monkeypatch.setattr(backoff, name, 0.01)
    monkeypatch.setattr(sender, "POLL", 0.02)
    monkeypatch.setattr(dispatcher, "REAP_EVERY", 0.05)


async def look(bench: Bench, request_id: str) -> Claimed:
    """Claim it and give it back."""
    claim = await bench.claim()
    await bench.queue.release(claim.token)
    return next(claimed for claimed in claim.requests if claimed.id == request_id)


async def settle_one(bench: Bench, settlement: Settlement) -> None:
    """Claim all, settle one, give the others back."""
    claim = await bench.claim()
    await bench.queue.settle(claim.token, [settlement])
    await bench.queue.release(claim.token)


async def test_who_failed_alone_is_a_suspect_once_another_got_through(bench: Bench) -> None:
    culprit, other, third = await bench.accept(hit(1), hit(2), hit(3))
    assert not (await look(bench, culprit)).alone
    await settle_one(bench, Settlement(culprit, Fate.RETRY, error="500", costs_attempt=False, alone=True))
    found = await look(bench, culprit)
    assert (found.alone, found.suspect, found.token_suspect) == (True, False, False)
    await settle_one(bench, Settlement(other, Fate.DELIVERED))
    found = await look(bench, culprit)
    assert (found.alone, found.suspect, found.token_suspect) == (True, True, False)
    await settle_one(bench, Settlement(third, Fate.DELIVERED, token=True))
    found = await look(bench, culprit)
    assert (found.alone, found.suspect, found.token_suspect) == (True, True, True)


async def test_who_failed_with_others_or_after_them_is_none(bench: Bench) -> None:
    first, second, other = await bench.accept(hit(1), hit(2), hit(3))
    await settle_one(bench, Settlement(first, Fate.RETRY, error="500", costs_attempt=False))
    await settle_one(bench, Settlement(other, Fate.DELIVERED))
    await settle_one(bench, Settlement(second, Fate.RETRY, error="500", costs_attempt=False, alone=True))
    assert not (await look(bench, first)).alone
    assert not (await look(bench, second)).suspect


async def test_what_waits_for_a_token_is_counted_until_it_does_not(bench: Bench) -> None:
    ids = await bench.accept(*[hit(number, visitor="one") for number in range(6)])
    claim = await bench.claim()
    assert (await bench.counts()).held == 0
    held = [Settlement(one, Fate.RETRY, error="held: over 24 h old and no usable token") for one in ids]
    await bench.queue.settle(claim.token, held)
    assert (await bench.counts()).held == 6
    delivered, retried, dead, rejected, purged, _ = ids
    claim = await bench.claim()
    await bench.queue.settle(
        claim.token,
        [
            Settlement(delivered, Fate.DELIVERED),
            Settlement(retried, Fate.RETRY, error="503", delay=60),
            Settlement(dead, Fate.DEAD, error="413"),
            Settlement(rejected, Fate.REJECTED),
        ],
    )
    assert (await bench.counts()).held == 2
    await bench.queue.release(claim.token)
    await bench.queue.purge([purged])
    assert (await bench.counts()).held == 1


async def test_what_was_never_posted_keeps_its_place_also_when_its_claim_was_marked(bench: Bench) -> None:
    visitor = visitor_in(1)
    first, second = await bench.accept(*[hit(number, visitor=visitor) for number in (1, 2)])
    claim = await bench.claim()
    await bench.queue.mark_posted(claim.token)
    (third,) = await bench.accept(hit(3, visitor=visitor))
    settled = [Settlement(first, Fate.RETRY, error="503", costs_attempt=False), Settlement(second, Fate.UNSENT)]
    await bench.queue.settle(claim.token, settled)
    assert [claimed.id for claimed in (await bench.claim()).requests][:2] == [second, third]
    assert [row.error for row in await bench.queue.rows_of([second])] == [""]
    counts = await bench.counts()
    assert (counts.retried, counts.unknown) == (1, 0)


async def test_two_processes_find_the_hit_that_breaks_matomo(bench: Bench, quick: None) -> None:
    def choosy(client):
        return Choosy(client, 500, "poison")

    async with delivering(bench, start=False, poster=choosy) as field:
        url = field.matomo.url
        other = dispatcher.Dispatcher(
            bench.queue, field.endpoint, "", poster=lambda: choosy(TrackingClient(url)), extend=lambda *_: (),
            uniform=lambda low, high: (low + high) / 2,
        )  # fmt: skip
        number = 40
        ids = await field.accept(
            *[page(number, **({"url": "poison"} if number == 7 else {})) for number in range(number)]
        )
        await asyncio.gather(field.dispatcher.start(), other.start())

        async def is_dead() -> bool:
            # Each charge takes another proof that Matomo works.
            nonlocal number
            await field.accept(page(number))
            number += 1
            return await bench.states([ids[7]]) == ["dead"]

        try:
            await field.until(is_dead)
            await field.empty()
        finally:
            await other.stop(grace=0.5)
        (row,) = await bench.queue.rows_of([ids[7]])
        assert row.attempts == backoff.ATTEMPTS
        assert row.error == f"given up after {backoff.ATTEMPTS} attempts: 500 Internal Server Error"
        counts = await field.counts()
        assert (counts.delivered, counts.dead) == (number - 1, 1)
        assert len(field.stored()) == number - 1
        assert set(field.stored().values()) == {1}


async def test_a_matomo_that_comes_and_goes_charges_a_hit_once_for_each_proof(bench: Bench) -> None:
    culprit, other = await bench.accept(hit(1), hit(2))
    failed = Settlement(culprit, Fate.RETRY, error="500", costs_attempt=False, alone=True)
    await settle_one(bench, failed)
    await settle_one(bench, Settlement(other, Fate.DELIVERED))
    assert (await look(bench, culprit)).suspect
    await settle_one(bench, failed)
    found = await look(bench, culprit)
    assert (found.alone, found.suspect) == (True, False)
