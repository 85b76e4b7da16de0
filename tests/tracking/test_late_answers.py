"""An answer that comes when the lease is over and an operator has purged the request: it is not sent twice."""

from __future__ import annotations

import pytest

from opalmind_tui.tracking.queue import Acceptance, Claim, Fate, Restored, Settled, Settlement
from tests.tracking.queue_harness import ENDPOINT, RECORD_PREFIX, Bench, hit, record_of


async def purged(bench: Bench, *numbers: int) -> tuple[Claim, list[str]]:
    """Posted, its lease ran out, and an operator purged it."""
    ids = await bench.accept(*[hit(number, visitor="one") for number in numbers])
    claim = await bench.claim(lease=30)
    await bench.queue.mark_posted(claim.token)
    await bench.pass_seconds(31)
    assert await bench.queue.reap() == len(ids)
    assert (await bench.queue.purge(ids)).done == len(ids)
    return claim, ids


def delivered(*ids: str) -> list[Settlement]:
    return [Settlement(request_id, Fate.DELIVERED, record=record_of("key-1")) for request_id in ids]


async def test_what_was_delivered_leaves_the_trash_and_is_not_restored(bench: Bench) -> None:
    claim, (first, second) = await purged(bench, 1, 2)
    assert await bench.queue.settle(claim.token, delivered(first)) == Settled(0, 1, 0)
    assert await bench.queue.settle(claim.token, delivered(first)) == Settled(0, 0, 1)
    counts = await bench.counts()
    assert (counts.delivered, counts.purged, counts.trash, counts.late) == (1, 1, 1, 1)
    assert await bench.queue.restore([first, second]) == Restored(1, 1)
    assert (await bench.counts()).pending == 1
    # Its record says that it was sent.
    (answer,) = await bench.queue.enqueue(ENDPOINT, [hit(1)])
    assert answer.outcome is Acceptance.DUPLICATE
    (answer,) = await bench.queue.enqueue(ENDPOINT, [hit(1, payload="/other")])
    assert answer.outcome is Acceptance.CONFLICT


async def test_where_its_key_was_taken_meanwhile_the_other_one_keeps_it(bench: Bench) -> None:
    claim, (first,) = await purged(bench, 1)
    (other,) = await bench.accept(hit(1, payload="/other"))
    assert (await bench.queue.settle(claim.token, delivered(first))).late == 1
    if bench.client is not None:
        assert not await bench.client.exists(RECORD_PREFIX + "key-1")
    assert await bench.states([first, other]) == ["gone", "pending"]
    assert (await bench.settle_all(await bench.claim(), Fate.DELIVERED)).done == 1


@pytest.mark.parametrize("fate", [Fate.RETRY, Fate.DEAD, Fate.REJECTED, Fate.DROPPED, Fate.UNSENT])
async def test_any_other_answer_leaves_it_in_the_trash_marked_as_unknown(bench: Bench, fate: Fate) -> None:
    claim, (first,) = await purged(bench, 1)
    assert await bench.queue.settle(claim.token, [Settlement(first, fate, error="503")]) == Settled(0, 0, 1)
    assert await bench.queue.restore([first]) == Restored(1)
    (row,) = await bench.queue.rows_of([first])
    assert row.unknown == 1
    assert (await bench.counts()).unknown_waiting == 1


async def test_another_token_settles_nothing_in_the_trash(bench: Bench) -> None:
    _, (first,) = await purged(bench, 1)
    for token in ("", "another"):
        assert await bench.queue.settle(token, delivered(first)) == Settled(0, 0, 1)
    assert (await bench.counts()).trash == 1


async def test_a_whole_claim_settled_after_its_lease_leaves_its_visitors_to_who_has_them_now(bench: Bench) -> None:
    mine, theirs, waiting = await bench.accept(*[hit(at, visitor="one") for at in range(3)])
    first = await bench.claim(1, lease=5)
    await bench.pass_seconds(6)
    second = await bench.claim(1)
    assert [one.id for claim in (first, second) for one in claim.requests] == [mine, theirs]
    assert await bench.settle_all(first, Fate.DELIVERED) == Settled(done=1)
    assert (await bench.claim()).requests == (), "one visitor has one sender"
    assert await bench.settle_all(first, Fate.DELIVERED) == Settled(lost=1), "told twice"
    assert await bench.settle_all(second, Fate.DELIVERED) == Settled(done=1)
    assert [one.id for one in (await bench.claim()).requests] == [waiting]
    counts = await bench.counts()
    assert (counts.delivered, counts.inflight, counts.ledger_difference) == (2, 1, 0)
