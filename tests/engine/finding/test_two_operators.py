"""Two operators act on the same requests at once: each is changed once, and each operator is told the truth."""

from __future__ import annotations

import asyncio

from opalmind_tui.engine.acts.requests import Purge, Restore, Retry
from opalmind_tui.snapshot.commands import Act, Command
from opalmind_tui.snapshot.listing import Tab
from tests.engine.finding.test_acting_on_lists import looks, silent
from tests.engine.finding.test_searching import fail
from tests.tracking.queue_harness import Bench


async def test_retry_and_purge_of_the_same_requests(bench: Bench) -> None:
    ids = await fail(bench, 60, dead=60)
    retry, purge = Retry(bench.queue, looks), Purge(bench.queue, lambda: None)
    first = await retry.plan(Command(Act.RETRY, ids=tuple(ids)))
    second = await purge.plan(Command(Act.PURGE, tab=Tab.DEAD))
    assert first.eligible == second.eligible == 60
    retried, purged = await asyncio.gather(retry.run(first, silent), purge.run(second, silent))
    counts = await bench.counts()
    assert counts.dead == 0
    assert counts.pending + counts.trash == 60
    assert purged.done == counts.trash
    assert retried.done + retried.skipped == 60
    assert not retried.error
    assert not purged.error


async def test_two_purges_and_two_restores_count_each_request_once(bench: Bench) -> None:
    ids = tuple(await fail(bench, 60, dead=60))
    purge, restore = Purge(bench.queue, lambda: None), Restore(bench.queue)
    plans = [await purge.plan(Command(Act.PURGE, ids=ids)) for _ in range(2)]
    outcomes = await asyncio.gather(*(purge.run(plan, silent) for plan in plans))
    assert sum(one.done for one in outcomes) == (await bench.counts()).trash == 60
    back = [await restore.plan(Command(Act.RESTORE, ids=ids)) for _ in range(2)]
    outcomes = await asyncio.gather(*(restore.run(plan, silent) for plan in back))
    assert sum(one.done for one in outcomes) == (await bench.counts()).dead == 60
    assert all(one.done + one.skipped == 60 for one in outcomes)
