"""Retry, purge and restore of requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from opalmind_tui.engine.acts.batches import BATCH, all_in, in_batches
from opalmind_tui.engine.acts.kind import OnProgress, count, unseen
from opalmind_tui.engine.acts.selecting import Selection, select, which
from opalmind_tui.snapshot.commands import ELIGIBLE, PURGED_FOR_GOOD, Act, Command, Outcome, Plan
from opalmind_tui.snapshot.model import QueueView, State
from opalmind_tui.tracking.queue import TRASH_KEPT, Moved, TrackingQueue

ASKED = 50
"""Requests whose keys a plan looks up one by one."""
NEARLY_FULL = 0.8
"""Share of Redis's memory limit from which the plan of a purge speaks of memory."""
KEPT = f"{TRASH_KEPT // 60} minutes"
NAMED = 100
"""Requests up to which a purge is taken back by their names; a larger one by the time in which it happened."""
COUNTED = 10_000
"""Requests up to which a plan counts what came into the trash within a time."""
UNDO_RESTORE = "They can be purged again."


class Retry(Struct):
    """Makes requests due, at once or later.

    Args:
        look: reads the queue now.
    """

    queue: TrackingQueue
    look: Callable[[], Awaitable[QueueView]]

    async def plan(self, command: Command, on_progress: OnProgress = unseen) -> Plan:
        when = f"in {command.seconds:g} s" if command.seconds else "at once"
        about = (f"They are due {when}, with attempts set to 0. Their history is kept.",)
        undo = "Retrying cannot be undone; a request that fails again waits or is given up again."
        if command.all_dead:
            number, now = await all_in(self.queue, State.DEAD)
            seconds = await self._takes(number)
            title = f"Retry {count(number, 'dead request')}"
            return Plan(command, title, number, (), about, undo, state=State.DEAD, until=now, seconds=seconds)
        found = await select(self.queue, command, ELIGIBLE[command.act], on_progress)
        seconds = await self._takes(len(found))
        return Plan(
            command, f"Retry {count(len(found), 'request')}{which(command)}", len(found), found.skipped, about,
            undo, found.ids, bytes=found.bytes, seconds=seconds,
        )  # fmt: skip

    async def _takes(self, number: int) -> float | None:
        rate = (await self.look()).delivered_rate
        return number / rate if rate > 0 and number else None

    async def run(self, plan: Plan, on_progress: OnProgress) -> Outcome:
        async def retry(ids: Sequence[str]) -> Moved:
            return await self.queue.retry(ids, delay=plan.command.seconds)

        word = f"due in {plan.command.seconds:g} s" if plan.command.seconds else "due again"
        return await in_batches(self.queue, plan, retry, word, on_progress)


class Purge:
    """Takes requests out of the queue, to the trash or for good.

    Args:
        memory_used: share of the memory limit that Redis uses; None where there is no limit, or it is not known.
    """

    def __init__(self, queue: TrackingQueue, memory_used: Callable[[], float | None]) -> None:
        self._queue, self._memory_used = queue, memory_used

    async def plan(self, command: Command, on_progress: OnProgress = unseen) -> Plan:
        undo = f"They can be brought back for {KEPT}."
        if command.hard:
            undo = "This cannot be undone."
        about = ("What is purged never reaches Matomo. Its idempotency key is free again.", *self._memory(command.hard))
        word = " for good" if command.hard else ""
        if command.all_dead:
            number, now = await all_in(self._queue, State.DEAD)
            title = f"Purge {count(number, 'dead request')}{word}"
            return Plan(command, title, number, (), about, undo, state=State.DEAD, until=now)
        eligible = ELIGIBLE[command.act] | (PURGED_FOR_GOOD if command.hard else frozenset())
        found = await select(self._queue, command, eligible, on_progress)
        title = f"Purge {count(len(found), 'request')}{which(command)}{word}"
        return Plan(command, title, len(found), found.skipped, about, undo, found.ids, bytes=found.bytes)

    def _memory(self, hard: bool) -> tuple[str, ...]:
        used = self._memory_used()
        if used is None or used < NEARLY_FULL or hard:
            return ()
        return (
            f"Redis is {used:.0%} full, and the trash frees no memory for {KEPT}: a purge for good frees it at once.",
        )

    async def run(self, plan: Plan, on_progress: OnProgress) -> Outcome:
        hard = plan.command.hard

        async def purge(ids: Sequence[str]) -> Moved:
            return await self._queue.purge(ids, hard=hard)

        began = (await self._queue.counts("")).at
        done = await in_batches(
            self._queue,
            plan,
            purge,
            "purged for good" if hard else f"purged; can be brought back for {KEPT}",
            on_progress,
        )
        if hard or not done.done:
            return done
        if 0 < len(plan.ids) <= NAMED:
            return replace(done, inverse=Command(Act.RESTORE, ids=tuple(plan.ids)))
        ended = (await self._queue.counts("")).at
        return replace(done, inverse=Command(Act.RESTORE, since=began, until=ended))


class Restore(Struct):
    """Brings requests back from the trash: named ones, those of a time, or all."""

    queue: TrackingQueue

    async def plan(self, command: Command, on_progress: OnProgress = unseen) -> Plan:
        if command.ids or command.tab is not None:
            return await self._named(command, await select(self.queue, command, ELIGIBLE[command.act], on_progress))
        inside, now = await all_in(self.queue, State.TRASH)
        about = [_back(inside)]
        title, exact = f"Restore {count(inside, 'request')} from the trash", True
        if command.since:
            inside, exact = await self._within(command, inside)
            title = f"Restore {'' if exact else 'up to '}{count(inside, 'request')}"
            about.append("Whose idempotency key was taken meanwhile stays in the trash.")
        return Plan(
            command, title, inside, (), tuple(about), UNDO_RESTORE, state=State.TRASH, since=command.since,
            until=command.until or now, estimated=not exact,
        )  # fmt: skip

    async def _within(self, command: Command, inside: int) -> tuple[int, bool]:
        """How many of the trash came there in the command's time, counted in pages, and whether that is exact."""
        found, after = 0, ""
        while found < COUNTED:
            ids, after = await self.queue.ids(
                State.TRASH, after=after, limit=BATCH, since=command.since, until=command.until
            )
            found += len(ids)
            if not after:
                return found, True
        return inside, False

    async def _named(self, command: Command, found: Selection) -> Plan:
        inside, _ = await all_in(self.queue, State.TRASH)
        taken = await self._taken(found.ids)
        left = [request_id for request_id in found.ids if request_id not in taken] if taken else found.ids
        skipped = found.skipped
        if taken:
            skipped += (("idempotency key taken meanwhile", len(taken)),)
        title = f"Restore {count(len(left), 'request')}{which(command)}"
        return Plan(command, title, len(left), skipped, (_back(inside),), UNDO_RESTORE, left, bytes=found.bytes)

    async def _taken(self, ids: Sequence[str]) -> set[str]:
        """Those whose key another request in the queue holds now."""
        found = set()
        for row in await self.queue.rows_of(ids[:ASKED]):
            if row.key and any(
                other.id != row.id and other.state not in (State.TRASH, State.REJECTED)
                for other in await self.queue.find(row.key)
            ):
                found.add(row.id)
        return found

    async def run(self, plan: Plan, on_progress: OnProgress) -> Outcome:
        taken = 0

        async def restore(ids: Sequence[str]) -> Moved:
            nonlocal taken
            found = await self.queue.restore(ids)
            taken += len(found.taken)
            return Moved(found.done, found.skipped + len(found.taken))

        done = await in_batches(self.queue, plan, restore, "restored", on_progress)
        if not taken:
            return done
        sentence = f"{done.sentence}; of those {taken:,} stay in the trash: their key was taken meanwhile"
        return replace(done, sentence=sentence)


def _back(inside: int) -> str:
    return f"They will be where they were before. The trash keeps requests for {KEPT}, and holds {inside:,} now."
