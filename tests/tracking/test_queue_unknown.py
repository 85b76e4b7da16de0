"""What was posted and never answered is not sent again where an operator says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from opalmind_tui.tracking.queue import Fate
from tests.tracking.delivery import delivering, page
from tests.tracking.queue_harness import Bench, hit
from tests.tracking.test_dispatcher import faults


@pytest.mark.parametrize(("resend", "state"), [(True, "pending"), (False, "dead")])
async def test_a_posted_claim_whose_lease_ran_out(make_bench: Callable[..., Bench], resend: bool, state: str) -> None:
    bench = make_bench(resend_unknown=resend)
    (posted,) = await bench.accept(hit(1))
    claim = await bench.claim(lease=30)
    await bench.queue.mark_posted(claim.token)
    await bench.pass_seconds(31)
    assert await bench.queue.reap() == 1
    assert await bench.states([posted]) == [state]
    assert (await bench.counts()).unknown == 1
    if not resend:
        (row,) = await bench.queue.rows_of([posted])
        assert "outcome is unknown" in row.error
        assert (await bench.queue.retry([posted])).done == 1
        await bench.settle_all(await bench.claim(), Fate.DELIVERED)


async def test_an_unposted_claim_is_sent_again_all_the_same(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(resend_unknown=False)
    (claimed,) = await bench.accept(hit(1))
    await bench.claim(lease=30)
    await bench.pass_seconds(31)
    assert await bench.queue.reap() == 1
    assert await bench.states([claimed]) == ["pending"]


async def test_a_post_without_an_answer_is_put_aside_and_says_so(bench: Bench) -> None:
    async with delivering(bench, start=False, resend_unknown=False) as field:
        field.matomo.script(faults("answer-lost"))
        ids = await field.accept(page(0))
        await field.dispatcher.start()
        await field.empty()
        assert await bench.states(ids) == ["dead"]
        (row,) = await bench.queue.rows_of(ids)
        assert row.unknown == 1
        assert "outcome is unknown" in row.error
