"""Runs an act over any number of requests: in batches, paced, with progress, until it is cancelled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from msgspec.structs import replace

from opalmind_tui.engine.acts.kind import OnProgress, outcome
from opalmind_tui.errors import OpalmindError, StoreUnavailable
from opalmind_tui.snapshot.commands import Outcome, Plan, Progress
from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking.failover_queue import FailoverQueue
from opalmind_tui.tracking.queue import Moved, TrackingQueue

BATCH = 500
"""Requests of one call to the queue."""
PATIENCE = 60.0
"""Seconds that an act waits for a store that is away, before it stops and says how far it came."""
PAUSE = 0.5
AWAY = StoreUnavailable("away", "The store in which this was planned is away", "It goes on when that is back.")


async def pages(queue: TrackingQueue, plan: Plan) -> AsyncIterator[Sequence[str]]:
    """The requests of a plan: those that it names, else those that came into its state within its time."""
    if plan.state is None:
        for start in range(plan.position, len(plan.ids), BATCH):
            yield plan.ids[start : start + BATCH]
        return
    after, more = "", True
    while more:
        # A page at a time, so that a million of them need no memory. What leaves meanwhile shifts nothing.
        found, after = await queue.ids(plan.state, after=after, limit=BATCH, since=plan.since, until=plan.until)
        more = bool(after)
        if found:
            yield found


class Run:
    """One run of a plan: what was done, and how far it is. Acts are safe to repeat, for they name their requests.

    Args:
        patience: seconds that it waits for a store that is away, at each batch.
    """

    def __init__(self, queue: TrackingQueue, plan: Plan, patience: float) -> None:
        self._queue, self._patience = queue, patience
        # Redis and memory hold different requests: what was planned in one must not be tried in the other.
        self._store = _store_of(queue)
        self.done = self.skipped = self.doubtful = 0
        self.position = plan.position

    async def batch(self, ids: Sequence[str], act: Callable[[Sequence[str]], Awaitable[Moved]]) -> None:
        """Act on these, and wait for the store where it is away."""
        ends, lost = time.monotonic() + self._patience, False
        while True:
            try:
                if _store_of(self._queue) is not self._store:
                    raise AWAY
                moved = await act(ids)
                break
            except StoreUnavailable as error:
                lost = lost or error.in_doubt
                if time.monotonic() >= ends:
                    raise
                await asyncio.sleep(PAUSE)
        self.done, self.skipped = self.done + moved.done, self.skipped + moved.skipped
        self.doubtful += moved.skipped if lost else 0
        self.position += len(ids)


async def in_batches(
    queue: TrackingQueue,
    plan: Plan,
    act: Callable[[Sequence[str]], Awaitable[Moved]],
    done_word: str,
    on_progress: OnProgress,
) -> Outcome:
    """Run it. A later run of the same plan, or of its rest, goes on where this one was stopped."""
    run = Run(queue, plan, PATIENCE)
    error, cancelled = "", False
    try:
        async for ids in pages(queue, plan):
            began = time.monotonic()
            await run.batch(ids, act)
            gone = run.done + run.skipped
            on_progress(Progress(gone, max(plan.eligible - plan.position, gone)))
            # As long as the script took the server is left to others.
            await asyncio.sleep(time.monotonic() - began)
    except OpalmindError as trouble:
        error = str(trouble)
    except asyncio.CancelledError:
        cancelled = True
    left = max(0, plan.eligible - plan.position - run.done - run.skipped) if error or cancelled else 0
    found = outcome(run.done, run.skipped, left, done_word, error, cancelled)
    sentence = found.sentence
    if run.doubtful:
        sentence += f"; {run.doubtful:,} of the skipped may have been done by a try whose answer was lost"
    return replace(found, sentence=sentence, position=run.position, doubtful=run.doubtful)


def _store_of(queue: TrackingQueue) -> TrackingQueue:
    return queue.viewed if isinstance(queue, FailoverQueue) else queue


async def all_in(queue: TrackingQueue, state: State) -> tuple[int, float]:
    """How many requests are in a state now, and the moment of counting by the queue's clock."""
    counts = await queue.counts("")
    return {State.DEAD: counts.dead, State.TRASH: counts.trash}[state], counts.at
