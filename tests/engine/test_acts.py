"""Acts over many requests, the trash and the way back: planned, bounded to what was shown, cancellable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis.asyncio

from opalmind_tui.engine.acts import batches
from opalmind_tui.engine.acts.batches import BATCH
from opalmind_tui.engine.acts.requests import Purge, Restore, Retry
from opalmind_tui.engine.finding.walking import STEP
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.snapshot.commands import Act, Command, Progress
from opalmind_tui.snapshot.filters import parse_filter
from opalmind_tui.snapshot.listing import Tab
from opalmind_tui.snapshot.model import QueueView, State
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tracking.ids import endpoint_code, new_id
from opalmind_tui.tracking.memory_queue import MemoryQueue
from opalmind_tui.tracking.queue import Adopted, TrackingQueue
from opalmind_tui.tracking.redis_queue import RedisQueue
from opalmind_tui.tracking.request import TrackingRequest
from tests.tracking.queue_harness import ENDPOINT, QUEUE_PREFIX, RECORD_PREFIX, hit


def nothing(progress: Progress) -> None:
    """For who needs no progress."""


@pytest.fixture(params=["memory", "redis"])
async def queue(request: pytest.FixtureRequest, server: LocalServer) -> AsyncIterator[TrackingQueue]:
    if request.param == "memory":
        yield MemoryQueue()
        return
    async with redis.asyncio.Redis.from_url(server.url) as client:
        yield RedisQueue(
            client, queue_prefix=QUEUE_PREFIX, idempotency_prefix=RECORD_PREFIX, idempotency_ttl=lambda: 60
        )


async def dead(queue: TrackingQueue, count: int, start: int = 0) -> list[str]:
    """So many dead requests."""
    kept = [adopted(hit(start + number, visitor=f"v{number}")) for number in range(count)]
    await queue.adopt(kept)
    return [one.id for one in kept]


def adopted(request: TrackingRequest) -> Adopted:
    request_id = new_id(endpoint_code(ENDPOINT), request.visitor)
    return Adopted(request_id, request, ENDPOINT, accepted=1.7e9, error="400", dead=True)


async def looks() -> QueueView:
    """A queue that delivers ten requests a second."""
    return QueueView(delivered_rate=10.0)


def no_limit() -> float | None:
    return None


async def test_all_dead_is_every_one_of_them_and_no_later_one(queue: TrackingQueue) -> None:
    many = 2 * BATCH + 7
    await dead(queue, many)
    kind = Retry(queue, looks)
    plan = await kind.plan(Command(Act.RETRY, all_dead=True))
    assert (plan.eligible, plan.ids, plan.title) == (many, (), f"Retry {many:,} dead requests")
    later = await dead(queue, 3, start=many)
    seen: list[Progress] = []
    outcome = await kind.run(plan, seen.append)
    assert (outcome.done, outcome.skipped, outcome.failed) == (many, 0, 0)
    assert [progress.done for progress in seen] == [BATCH, 2 * BATCH, many]
    assert {progress.total for progress in seen} == {many}
    assert set((await queue.ids(State.DEAD))[0]) == set(later)
    assert (await queue.counts(ENDPOINT)).pending == many


async def test_a_stopped_act_says_what_is_left_and_can_go_on(queue: TrackingQueue) -> None:
    many = 4 * BATCH
    await dead(queue, many)
    kind = Purge(queue, no_limit)
    plan = await kind.plan(Command(Act.PURGE, all_dead=True))
    running: list[asyncio.Task[object]] = []

    def stop(progress: Progress) -> None:
        if progress.done >= 2 * BATCH:
            running[0].cancel()

    running.append(asyncio.ensure_future(kind.run(plan, stop)))
    outcome = await running[0]
    assert outcome.cancelled  # type: ignore[attr-defined]
    assert (outcome.done, outcome.failed) == (2 * BATCH, 2 * BATCH)  # type: ignore[attr-defined]
    again = await kind.run(plan, nothing)
    assert (again.done, again.skipped, again.failed) == (2 * BATCH, 0, 0)
    counts = await queue.counts(ENDPOINT)
    assert (counts.dead, counts.trash, counts.ledger_difference) == (0, many, 0)


async def test_a_plan_by_filter_says_how_far_it_looked_and_can_be_cancelled(queue: TrackingQueue) -> None:
    many = 2 * STEP + 7
    await dead(queue, many)
    command = Command(Act.PURGE, tab=Tab.DEAD, filter=parse_filter("status:500"))
    seen: list[Progress] = []
    plan = await Purge(queue, no_limit).plan(command, seen.append)
    assert plan.eligible == 0
    assert [(progress.done, progress.total) for progress in seen] == [(STEP, many), (2 * STEP, many), (many, many)]

    planning: list[asyncio.Task[object]] = []

    def stop(progress: Progress) -> None:
        seen.append(progress)
        planning[0].cancel()

    seen.clear()
    planning.append(asyncio.ensure_future(Purge(queue, no_limit).plan(command, stop)))
    with pytest.raises(asyncio.CancelledError):
        await planning[0]
    assert [progress.done for progress in seen] == [STEP]


async def test_trouble_on_the_way_is_named(queue: TrackingQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    await dead(queue, BATCH + 1)
    kind = Retry(queue, looks)
    plan = await kind.plan(Command(Act.RETRY, all_dead=True))
    real, calls = queue.retry, []

    async def failing(ids: list[str], *, delay: float) -> object:
        calls.append(ids)
        if len(calls) > 1:
            raise StoreUnavailable("refused", "Redis refuses connections", "Start it")
        return await real(ids, delay=delay)

    monkeypatch.setattr(queue, "retry", failing)
    monkeypatch.setattr(batches, "PATIENCE", 0.0)
    outcome = await kind.run(plan, nothing)
    assert (outcome.done, outcome.failed) == (BATCH, 1)
    assert "Redis refuses connections" in outcome.error


@pytest.mark.parametrize("everything", [False, True], ids=["named", "all dead"])
async def test_the_last_purge_comes_back_and_nothing_else(queue: TrackingQueue, everything: bool) -> None:
    others = await dead(queue, 2)
    await queue.purge(others)
    ids = await dead(queue, 3, start=10)
    purge = Purge(queue, no_limit)
    restore = Restore(queue)
    command = Command(Act.PURGE, all_dead=True) if everything else Command(Act.PURGE, ids=tuple(ids))
    purged = await purge.run(await purge.plan(command), nothing)
    assert purged.inverse is not None
    plan = await restore.plan(purged.inverse)
    assert plan.eligible == 3
    outcome = await restore.run(plan, nothing)
    assert (outcome.done, outcome.skipped) == (3, 0)
    assert set((await queue.ids(State.DEAD))[0]) == set(ids)
    assert set((await queue.ids(State.TRASH))[0]) == set(others)
    # Without a name or a time, it is all of the trash.
    plan = await restore.plan(Command(Act.RESTORE))
    assert (plan.eligible, plan.title) == (2, "Restore 2 requests from the trash")
    await restore.run(plan, nothing)
    counts = await queue.counts(ENDPOINT)
    assert (counts.dead, counts.trash, counts.purged, counts.ledger_difference) == (5, 0, 0, 0)


async def test_a_key_that_was_taken_meanwhile_is_told_before_and_after(queue: TrackingQueue) -> None:
    ids = await dead(queue, 2)
    purge = Purge(queue, no_limit)
    restore = Restore(queue)
    await purge.run(await purge.plan(Command(Act.PURGE, ids=tuple(ids))), nothing)
    stale = await restore.plan(Command(Act.RESTORE, ids=tuple(ids)))
    await queue.enqueue(ENDPOINT, [hit(0)])
    plan = await restore.plan(Command(Act.RESTORE, ids=tuple(ids)))
    assert plan.eligible == 1
    assert plan.skipped == (("idempotency key taken meanwhile", 1),)
    outcome = await restore.run(stale, nothing)
    assert (outcome.done, outcome.skipped) == (1, 1)
    assert "1 stay in the trash" in outcome.sentence


async def test_a_purge_for_good_leaves_nothing_to_restore(queue: TrackingQueue) -> None:
    ids = await dead(queue, 2)
    purge = Purge(queue, no_limit)
    plan = await purge.plan(Command(Act.PURGE, ids=tuple(ids), hard=True))
    assert (plan.title, plan.undo) == ("Purge 2 requests for good", "This cannot be undone.")
    await purge.run(plan, nothing)
    counts = await queue.counts(ENDPOINT)
    assert (counts.dead, counts.trash, counts.purged) == (0, 0, 2)
    assert (await Restore(queue).plan(Command(Act.RESTORE))).eligible == 0


@pytest.mark.parametrize(
    ("used", "hard", "said"), [(None, False, False), (0.5, False, False), (0.93, False, True), (0.93, True, False)]
)
async def test_near_the_memory_limit_the_plan_says_what_the_trash_costs(
    used: float | None, hard: bool, said: bool
) -> None:
    plan = await Purge(MemoryQueue(), lambda: used).plan(Command(Act.PURGE, all_dead=True, hard=hard))
    assert any("93% full" in sentence and "frees it at once" in sentence for sentence in plan.consequences) is said
