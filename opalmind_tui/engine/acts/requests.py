"""Retry, purge and restore of requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from opalmind_tui.engine.acts.batches import all_in, in_batches
from opalmind_tui.engine.acts.kind import OnProgress, count
from opalmind_tui.snapshot.commands import Command, Outcome, Plan
from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking.queue import TRASH_KEPT, Moved, TrackingQueue

ASKED = 50
"""Requests whose keys a plan looks up one by one."""
NEARLY_FULL = 0.8
"""Share of Redis's memory limit from which the plan of a purge speaks of memory."""
KEPT = f"{TRASH_KEPT // 60} minutes"


async def captured(
    queue: TrackingQueue, ids: Sequence[str], eligible: set[State]
) -> tuple[tuple[str, ...], tuple[tuple[str, int], ...]]:
    """The ids that a plan holds on to, and why the others are not among them."""
    rows = await queue.rows_of(ids)
    others = Counter(f"{row.state} now" for row in rows if row.state not in eligible)
    if gone := len(set(ids)) - len(rows):
        others["no longer in the queue"] = gone
    return tuple(row.id for row in rows if row.state in eligible), tuple(others.items())


@dataclass(slots=True)
class Retry:
    """Makes requests due now."""

    queue: TrackingQueue

    async def plan(self, command: Command) -> Plan:
        about = ("They are due at once, with attempts set to 0. Their history is kept.",)
        undo = "Retrying cannot be undone; a request that fails again waits or is given up again."
        if command.all_dead:
            number, now = await all_in(self.queue, State.DEAD)
            title = f"Retry {count(number, 'dead request')}"
            return Plan(command, title, number, (), about, undo, state=State.DEAD, until=now)
        ids, skipped = await captured(self.queue, command.ids, {State.DEAD, State.SCHEDULED})
        return Plan(command, f"Retry {count(len(ids), 'request')}", len(ids), skipped, about, undo, ids)

    async def run(self, plan: Plan, on_progress: OnProgress) -> Outcome:
        return await in_batches(self.queue, plan, self.queue.retry, "due again", on_progress)


@dataclass(frozen=True, slots=True)
class Purged:
    """The last purge to the trash: the requests by name, or the time in which they got there (the queue's clock)."""

    done: int
    ids: tuple[str, ...] = ()
    since: float = 0.0
    until: float = 0.0


class Purge:
    """Takes requests out of the queue, to the trash or for good.

    Args:
        memory_used: share of the memory limit that Redis uses; None where there is no limit, or it is not known.
    """

    def __init__(self, queue: TrackingQueue, memory_used: Callable[[], float | None]) -> None:
        self._queue, self._memory_used = queue, memory_used
        self.last: Purged | None = None

    async def plan(self, command: Command) -> Plan:
        undo = f"They can be brought back for {KEPT}."
        if command.hard:
            undo = "This cannot be undone."
        about = ("What is purged never reaches Matomo. Its idempotency key is free again.", *self._memory(command.hard))
        word = " for good" if command.hard else ""
        if command.all_dead:
            number, now = await all_in(self._queue, State.DEAD)
            title = f"Purge {count(number, 'dead request')}{word}"
            return Plan(command, title, number, (), about, undo, state=State.DEAD, until=now)
        ids, skipped = await captured(self._queue, command.ids, {State.DEAD, State.SCHEDULED, State.PENDING})
        return Plan(command, f"Purge {count(len(ids), 'request')}{word}", len(ids), skipped, about, undo, ids)

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
        if done.done and not hard:
            ended = (await self._queue.counts("")).at
            self.last = Purged(done.done, plan.ids, began, ended)
        return done


class Restore:
    """Brings the last purge back; where this process knows of none, all that is in the trash."""

    def __init__(self, queue: TrackingQueue, purge: Purge) -> None:
        self._queue, self._purge = queue, purge

    async def plan(self, command: Command) -> Plan:
        inside, now = await all_in(self._queue, State.TRASH)
        last = Purged(len(command.ids), command.ids) if command.ids else self._purge.last
        about = [f"They are where they were before. The trash keeps requests for {KEPT}, and holds {inside:,} now."]
        undo = "They can be purged again."
        if last is None:
            title = f"Restore {count(inside, 'request')} from the trash"
            about.append("That is all there is in it: this process has not purged anything.")
            return Plan(command, title, inside, (), tuple(about), undo, state=State.TRASH, until=now)
        if not last.ids:
            number = min(last.done, inside)
            title = f"Restore the last purge, up to {count(number, 'request')}"
            about.append("Whose idempotency key was taken meanwhile stays in the trash.")
            return Plan(
                command, title, number, (), tuple(about), undo, state=State.TRASH, since=last.since, until=last.until,
                estimated=True,
            )  # fmt: skip
        ids, skipped = await captured(self._queue, last.ids, {State.TRASH})
        taken = await self._taken(ids)
        left = tuple(request_id for request_id in ids if request_id not in taken)
        if taken:
            skipped += (("idempotency key taken meanwhile", len(taken)),)
        what = "" if command.ids else "the last purge: "
        return Plan(
            command, f"Restore {what}{count(len(left), 'request')}", len(left), skipped, tuple(about), undo,
            left,
        )  # fmt: skip

    async def _taken(self, ids: Sequence[str]) -> set[str]:
        """Those whose key another request in the queue holds now."""
        found = set()
        for row in await self._queue.rows_of(ids[:ASKED]):
            if row.key and any(
                other.id != row.id and other.state not in (State.TRASH, State.REJECTED)
                for other in await self._queue.find(row.key)
            ):
                found.add(row.id)
        return found

    async def run(self, plan: Plan, on_progress: OnProgress) -> Outcome:
        taken = 0

        async def restore(ids: Sequence[str]) -> Moved:
            nonlocal taken
            found = await self._queue.restore(ids)
            taken += len(found.taken)
            return Moved(found.done, found.skipped + len(found.taken))

        done = await in_batches(self._queue, plan, restore, "restored", on_progress)
        if not done.cancelled and not done.error:
            self._purge.last = None
        if not taken:
            return done
        sentence = f"{done.sentence}; of those {taken:,} stay in the trash: their key was taken meanwhile"
        return Outcome(sentence, done.done, done.skipped, done.failed, done.error, done.cancelled)
