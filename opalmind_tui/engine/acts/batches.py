"""Runs an act over any number of requests: in batches, paced, with progress, until it is cancelled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from opalmind_tui.engine.acts.kind import OnProgress, outcome
from opalmind_tui.errors import OpalmindError
from opalmind_tui.snapshot.commands import Outcome, Plan, Progress
from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking.queue import Moved, TrackingQueue

BATCH = 500
"""Requests of one call to the queue."""


async def pages(queue: TrackingQueue, plan: Plan) -> AsyncIterator[Sequence[str]]:
    """The requests of a plan: those that it names, else those that came into its state within its time."""
    if plan.state is None:
        for start in range(0, len(plan.ids), BATCH):
            yield plan.ids[start : start + BATCH]
        return
    after, more = "", True
    while more:
        # A page at a time, so that a million of them need no memory. What leaves meanwhile shifts nothing.
        found, after = await queue.ids(plan.state, after=after, limit=BATCH, since=plan.since, until=plan.until)
        more = bool(after)
        if found:
            yield found


async def in_batches(
    queue: TrackingQueue,
    plan: Plan,
    act: Callable[[Sequence[str]], Awaitable[Moved]],
    done_word: str,
    on_progress: OnProgress,
) -> Outcome:
    """Run it. A later run of the same plan goes on where this one was stopped."""
    done = skipped = 0
    error, cancelled = "", False
    try:
        async for ids in pages(queue, plan):
            began = time.monotonic()
            moved = await act(ids)
            done, skipped = done + moved.done, skipped + moved.skipped
            on_progress(Progress(done + skipped, max(plan.eligible, done + skipped)))
            # As long as the script took the server is left to others.
            await asyncio.sleep(time.monotonic() - began)
    except OpalmindError as trouble:
        error = str(trouble)
    except asyncio.CancelledError:
        cancelled = True
    left = max(0, plan.eligible - done - skipped) if error or cancelled else 0
    return outcome(done, skipped, left, done_word, error, cancelled)


async def all_in(queue: TrackingQueue, state: State) -> tuple[int, float]:
    """How many requests are in a state now, and the moment of counting by the queue's clock."""
    counts = await queue.counts("")
    return {State.DEAD: counts.dead, State.TRASH: counts.trash}[state], counts.at
