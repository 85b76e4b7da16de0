"""Acts on everything that fits a filter, on groups, and what happens when the store goes away in the middle."""

from __future__ import annotations

from typing import Any

import pytest

from opalmind_tui.engine.acts import batches
from opalmind_tui.engine.acts.batches import BATCH
from opalmind_tui.engine.acts.givingup import Kill, Release
from opalmind_tui.engine.acts.requests import Purge, Restore, Retry
from opalmind_tui.engine.finding.likeness import group_key
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.snapshot.commands import Act, Command, Progress
from opalmind_tui.snapshot.filters import parse_filter
from opalmind_tui.snapshot.listing import Tab
from opalmind_tui.snapshot.model import QueueView, State
from opalmind_tui.tracking.queue import Fate
from tests.engine.finding.test_searching import fail, request
from tests.tracking.queue_harness import Bench


async def looks() -> QueueView:
    """A queue that delivers ten requests a second."""
    return QueueView(delivered_rate=10.0)


def silent(progress: Progress) -> None:
    """Nobody watches."""


async def test_everything_that_fits_is_retried_and_nothing_that_came_later(bench: Bench) -> None:
    ids = await fail(bench, 40, dead=20)
    kind = Retry(bench.queue, looks)
    command = Command(Act.RETRY, tab=Tab.FAILED, filter=parse_filter("site:2 unknown:no"))
    plan = await kind.plan(command)
    wanted = {ids[at] for at in range(0, 40, 3) if at % 5}
    assert set(plan.ids) == wanted
    assert plan.title == f"Retry {len(wanted)} requests of the list failed that fit site:2 unknown:no"
    assert plan.bytes == sum(row.size for row in await bench.queue.rows_of(list(wanted)))
    assert plan.seconds == len(wanted) / 10
    await bench.accept(request(300))
    await bench.settle_all(await bench.claim(1), Fate.DEAD)
    outcome = await kind.run(plan, silent)
    assert (outcome.done, outcome.skipped, outcome.position) == (len(wanted), 0, len(wanted))
    assert (await bench.counts()).pending == len(wanted)
    again = await kind.run(plan, silent)
    assert (again.done, again.skipped) == (0, len(wanted))


async def test_the_plan_says_who_is_not_eligible_and_why(bench: Bench) -> None:
    ids = await fail(bench, 20, dead=15)
    await bench.queue.purge(ids[:2])
    plan = await Retry(bench.queue, looks).plan(Command(Act.RETRY, ids=(*ids, "AA0aaaaaaaaaaa")))
    assert plan.eligible == 18
    assert dict(plan.skipped) == {"trash now": 2, "no longer in the queue": 1}
    limited = await Purge(bench.queue, lambda: None).plan(Command(Act.PURGE, tab=Tab.DEAD, limit=4))
    assert limited.eligible == len(limited.ids) == 4


async def test_a_group_is_given_up_and_its_waiting_requests_alone(bench: Bench) -> None:
    ids = await fail(bench, 24, dead=12)
    (example,) = await bench.queue.rows_of([ids[18]])
    kind = Kill(bench.queue, "anna")
    plan = await kind.plan(Command(Act.KILL, tab=Tab.FAILED, filter=parse_filter(f"group:{group_key(example)}")))
    assert set(plan.ids) == {ids[12], ids[18]}
    assert dict(plan.skipped) == {"dead now": 2}
    assert (await kind.run(plan, silent)).done == 2
    rows = await bench.queue.rows_of(list(plan.ids))
    assert {(row.state, row.error) for row in rows} == {(State.DEAD, "given up by anna")}


async def test_a_lease_is_released_and_the_plan_says_what_may_be_sent_twice(bench: Bench) -> None:
    await bench.accept(*[request(at) for at in range(6)])
    claim = await bench.claim(6)
    await bench.queue.mark_posted(claim.token)
    kind = Release(bench.queue)
    plan = await kind.plan(Command(Act.RELEASE, tab=Tab.INFLIGHT))
    number = len(claim.requests)
    assert plan.eligible == number
    assert any("may be sent twice" in sentence for sentence in plan.consequences)
    outcome = await kind.run(plan, silent)
    assert (outcome.done, outcome.skipped) == (number, 0)
    assert (await bench.counts()).unknown_waiting == number


async def test_what_fits_in_the_trash_comes_back(bench: Bench) -> None:
    ids = await fail(bench, 12, dead=12)
    purge = Purge(bench.queue, lambda: None)
    await bench.queue.purge(ids)
    restore = Restore(bench.queue)
    plan = await restore.plan(Command(Act.RESTORE, tab=Tab.TRASH, filter=parse_filter("kind:event")))
    assert (await restore.run(plan, silent)).done == 4
    hard = await purge.plan(Command(Act.PURGE, tab=Tab.TRASH, hard=True))
    assert (hard.eligible, (await purge.run(hard, silent)).done) == (8, 8)


@pytest.mark.parametrize("in_doubt", [True, False])
async def test_an_act_waits_for_its_store_and_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, in_doubt: bool
) -> None:
    await fail(bench, 2 * BATCH + 5, dead=2 * BATCH + 5)
    kind = Retry(bench.queue, looks)
    plan = await kind.plan(Command(Act.RETRY, tab=Tab.DEAD))
    real, calls = bench.queue.retry, list[int]()

    async def failing(ids: Any, *, delay: float) -> Any:
        calls.append(len(ids))
        moved = await real(ids, delay=delay) if in_doubt or len(calls) != 2 else None
        if len(calls) == 2:
            raise StoreUnavailable("timeout", "No answer", "Wait", in_doubt=in_doubt)
        return moved

    monkeypatch.setattr(batches, "PAUSE", 0.0)
    monkeypatch.setattr(bench.queue, "retry", failing)
    outcome = await kind.run(plan, silent)
    assert calls == [BATCH, BATCH, BATCH, 5]
    assert (outcome.done + outcome.skipped, outcome.error) == (2 * BATCH + 5, "")
    assert outcome.doubtful == outcome.skipped == (BATCH if in_doubt else 0)
    assert (await bench.counts()).pending == 2 * BATCH + 5


async def test_the_rest_of_a_stopped_act_is_done_later_and_nothing_twice(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fail(bench, BATCH + 9, dead=BATCH + 9)
    kind = Retry(bench.queue, looks)
    plan = await kind.plan(Command(Act.RETRY, tab=Tab.DEAD))
    real, calls = bench.queue.retry, list[int]()

    async def failing(ids: Any, *, delay: float) -> Any:
        calls.append(len(ids))
        if len(calls) == 2:
            raise StoreUnavailable("refused", "Redis is away", "Start it")
        return await real(ids, delay=delay)

    monkeypatch.setattr(batches, "PATIENCE", 0.0)
    monkeypatch.setattr(bench.queue, "retry", failing)
    stopped = await kind.run(plan, silent)
    assert (stopped.done, stopped.failed, stopped.position) == (BATCH, 9, BATCH)
    rest = await kind.run(plan.resumed(stopped), silent)
    assert (rest.done, rest.skipped, rest.failed) == (9, 0, 0)
    assert calls == [BATCH, 9, 9]
