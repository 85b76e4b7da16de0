"""Giving requests up, and taking them back from whoever holds them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from opalmind_tui.engine.acts.batches import in_batches
from opalmind_tui.engine.acts.kind import OnProgress, count, unseen
from opalmind_tui.engine.acts.selecting import select, which
from opalmind_tui.snapshot.commands import ELIGIBLE, Command, Outcome, Plan
from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking.queue import Moved, TrackingQueue


class Kill(Struct):
    """Gives up requests that wait: they are dead, and stay until somebody retries or purges them.

    Args:
        user: who acts when a command does not say.
    """

    queue: TrackingQueue
    user: str

    async def plan(self, command: Command, on_progress: OnProgress = unseen) -> Plan:
        found = await select(self.queue, command, ELIGIBLE[command.act], on_progress)
        about = ("They are not sent until somebody retries them. They stay in the queue, and keep their keys.",)
        title = f"Give up {count(len(found), 'request')}{which(command)}"
        undo = "A retry makes them due again."
        return Plan(command, title, len(found), found.skipped, about, undo, found.ids, bytes=found.bytes)

    async def run(self, plan: Plan, on_progress: OnProgress) -> Outcome:
        command = plan.command
        why = f"given up by {command.by or self.user}" + (f": {command.reason}" if command.reason else "")

        async def kill(ids: Sequence[str]) -> Moved:
            return await self.queue.kill(ids, why)

        return await in_batches(self.queue, plan, kill, "given up", on_progress)


class Release(Struct):
    """Ends the leases of requests in flight, as if they had run out."""

    queue: TrackingQueue

    async def plan(self, command: Command, on_progress: OnProgress = unseen) -> Plan:
        found = await select(self.queue, command, ELIGIBLE[command.act], on_progress)
        about = (
            "The claims that hold them end, with all that they hold, and others may send it at once.",
            f"Up to {count(len(found), 'request')} named here may be sent twice: a process that is alive may have"
            " posted them, or be about to. What was posted counts as an unknown outcome.",
            "Do it where that process is dead; a lease that is not renewed ends by itself.",
        )
        title = f"Release the leases of {count(len(found), 'request')}{which(command)}"
        return Plan(command, title, len(found), found.skipped, about, ids=found.ids, bytes=found.bytes)

    async def run(self, plan: Plan, on_progress: OnProgress) -> Outcome:
        async def take_back(ids: Sequence[str]) -> Moved:
            before = {row.id for row in await self.queue.rows_of(ids) if row.state is State.INFLIGHT}
            await self.queue.take_back(ids)
            after = {row.id for row in await self.queue.rows_of(ids) if row.state is State.INFLIGHT}
            done = len(before - after)
            return Moved(done, len(ids) - done)

        return await in_batches(self.queue, plan, take_back, "released", on_progress)
