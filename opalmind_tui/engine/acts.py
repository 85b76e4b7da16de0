"""Plans commands and runs the plans: one table from act to planner and runner. Read-only is enforced here (I12)."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from opalmind_tui.errors import OpalmindError, ReadOnly
from opalmind_tui.snapshot.commands import Act, Command, Outcome, Plan, Progress, TtlTarget
from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking.queue import Moved, TrackingQueue

BATCH = 500
"""Requests of one script call."""
OnProgress = Callable[[Progress], None]


class CacheActs(Protocol):
    """What the acts need of the report cache."""

    async def count(self, feature: str | None) -> tuple[int, bool]:
        """How many entries, and whether that is exact."""
        ...

    async def purge(self, feature: str | None, on_progress: Callable[[int], None] | None = None) -> int:
        """Delete them; returns how many."""
        ...


class TtlActs(Protocol):
    """What the acts need to change a time to live."""

    def current(self, target: TtlTarget, feature: str) -> float:
        """Seconds in force."""
        ...

    def check(self, target: TtlTarget, seconds: float) -> None:
        """Raise `OpalmindError` with what is accepted."""
        ...

    async def set(self, target: TtlTarget, feature: str, seconds: float, by: str) -> bool:
        """Set it (0: forget it). Returns false when it holds for this process only."""
        ...

    async def count_existing(self, target: TtlTarget, feature: str) -> tuple[int, bool]:
        """How many entries or records exist, and whether that is exact."""
        ...

    async def apply(
        self, target: TtlTarget, feature: str, former: float, seconds: float, on_progress: Callable[[int], None] | None
    ) -> int:
        """Give the existing ones the new TTL; returns how many changed."""
        ...


class AuditTrail(Protocol):
    """Where acts are noted."""

    async def write(self, *, by: str, act: str, what: str, outcome: str) -> None:
        """Note one act."""
        ...


@dataclass(slots=True)
class Acts:
    """Plans and runs commands.

    Args:
        deliver: switches this process's delivery from Redis on or off.
        test_token: lets Matomo's token be used again after it was refused.
        user: who acts when a command does not say.
    """

    queue: TrackingQueue
    cache: CacheActs
    ttls: TtlActs
    audit: AuditTrail
    deliver: Callable[[bool], None]
    test_token: Callable[[], Awaitable[str]]
    read_only: bool
    user: str

    async def plan(self, command: Command) -> Plan:
        """What the command would do. Raises `OpalmindError` where that cannot be told."""
        planners: dict[Act, Callable[[Command], Awaitable[Plan]]] = {
            Act.RETRY: self._plan_retry,
            Act.PURGE: self._plan_purge,
            Act.PURGE_CACHE: self._plan_purge_cache,
            Act.SET_TTL: self._plan_ttl,
            Act.DELIVER: self._plan_deliver,
            Act.TEST_TOKEN: self._plan_test_token,
        }
        return await planners[command.act](command)

    async def run(self, plan: Plan, on_progress: OnProgress | None = None) -> Outcome:
        """Do it and note it. Raises `ReadOnly`."""
        if self.read_only:
            raise ReadOnly("This dashboard is read-only: it changes nothing")
        runners: dict[Act, Callable[[Plan, OnProgress], Awaitable[Outcome]]] = {
            Act.RETRY: self._run_retry,
            Act.PURGE: self._run_purge,
            Act.PURGE_CACHE: self._run_purge_cache,
            Act.SET_TTL: self._run_ttl,
            Act.DELIVER: self._run_deliver,
            Act.TEST_TOKEN: self._run_test_token,
        }
        outcome = await runners[plan.command.act](plan, on_progress or (lambda progress: None))
        await self.audit.write(
            by=plan.command.by or self.user, act=str(plan.command.act), what=plan.title, outcome=outcome.sentence
        )
        return outcome

    # -- requests ------------------------------------------------------------------------------------------------

    async def _plan_retry(self, command: Command) -> Plan:
        ids, skipped = await self._captured(command, {State.DEAD, State.SCHEDULED})
        return Plan(
            command,
            f"Retry {_count(len(ids), 'dead request' if command.all_dead else 'request')}",
            len(ids),
            skipped,
            ("They are due at once, with attempts set to 0. Their history is kept.",),
            "Retrying cannot be undone; a request that fails again waits or is given up again.",
            ids,
        )

    async def _plan_purge(self, command: Command) -> Plan:
        ids, skipped = await self._captured(command, {State.DEAD, State.SCHEDULED, State.PENDING})
        return Plan(
            command,
            f"Purge {_count(len(ids), 'dead request' if command.all_dead else 'request')}",
            len(ids),
            skipped,
            ("What is purged never reaches Matomo. Its idempotency key is free again.",),
            "This cannot be undone.",
            ids,
        )

    async def _captured(
        self, command: Command, eligible: set[State]
    ) -> tuple[tuple[str, ...], tuple[tuple[str, int], ...]]:
        """The ids that the plan holds on to, and why the others are not among them."""
        if command.all_dead:
            return await self._all_ids(State.DEAD), ()
        rows = await self.queue.rows_of(command.ids)
        others = Counter(f"{row.state} now" for row in rows if row.state not in eligible)
        if gone := len(set(command.ids)) - len(rows):
            others["no longer in the queue"] = gone
        return tuple(row.id for row in rows if row.state in eligible), tuple(others.items())

    async def _all_ids(self, state: State) -> tuple[str, ...]:
        found: list[str] = []
        after = ""
        while True:
            page, after = await self.queue.ids(state, after=after, limit=BATCH)
            found.extend(page)
            if not after:
                return tuple(dict.fromkeys(found))

    async def _run_retry(self, plan: Plan, on_progress: OnProgress) -> Outcome:
        return await self._in_batches(plan, self.queue.retry, "due again", on_progress)

    async def _run_purge(self, plan: Plan, on_progress: OnProgress) -> Outcome:
        return await self._in_batches(plan, self.queue.purge, "purged", on_progress)

    async def _in_batches(
        self, plan: Plan, act: Callable[[Sequence[str]], Awaitable[Moved]], done_word: str, on_progress: OnProgress
    ) -> Outcome:
        done = skipped = 0
        error, cancelled = "", False
        try:
            for start in range(0, len(plan.ids), BATCH):
                began = time.monotonic()
                moved = await act(plan.ids[start : start + BATCH])
                done, skipped = done + moved.done, skipped + moved.skipped
                on_progress(Progress(min(start + BATCH, len(plan.ids)), len(plan.ids)))
                # As long as the script took the server is left to others.
                await asyncio.sleep(time.monotonic() - began)
        except OpalmindError as trouble:
            error = str(trouble)
        except asyncio.CancelledError:
            cancelled = True
        failed = len(plan.ids) - done - skipped
        return _outcome(done, skipped, failed, done_word, error, cancelled)

    # -- cache and times to live ---------------------------------------------------------------------------------

    async def _plan_purge_cache(self, command: Command) -> Plan:
        count, exact = await self.cache.count(command.feature or None)
        of = f" of {command.feature}" if command.feature else ""
        return Plan(
            command,
            f"Purge {'' if exact else 'about '}{_count(count, 'cache entry', 'cache entries')}{of}",
            count,
            (),
            ("Purged reports will be fetched anew from Matomo when they are next asked for.",),
            "This cannot be undone, and need not be: the entries fill again.",
            estimated=not exact,
        )

    async def _run_purge_cache(self, plan: Plan, on_progress: OnProgress) -> Outcome:
        return await self._counted(
            plan,
            lambda seen: self.cache.purge(plan.command.feature or None, seen),
            "purged",
            on_progress,
        )

    async def _plan_ttl(self, command: Command) -> Plan:
        if command.seconds:
            self.ttls.check(command.target, command.seconds)
        former = self.ttls.current(command.target, command.feature)
        count, exact = (
            await self.ttls.count_existing(command.target, command.feature) if command.existing else (0, True)
        )
        what = _ttl_name(command)
        new = f"{command.seconds:g} s" if command.seconds else "the environment's value"
        consequences = [
            f"It is {former:g} s now. Every opalmind-tui process on this Redis takes it up within two seconds.",
            "OpalMind services keep their own setting.",
        ]
        if command.existing:
            about = "" if exact else "about "
            consequences.append(f"{about}{count:,} that exist get the new time to live, too.".capitalize())
        return Plan(
            command,
            f"Set {what} to {new}",
            count,
            (),
            tuple(consequences),
            "It can be set back; what expired meanwhile is gone.",
            estimated=not exact,
        )

    async def _run_ttl(self, plan: Plan, on_progress: OnProgress) -> Outcome:
        command = plan.command
        former = self.ttls.current(command.target, command.feature)
        shared = await self.ttls.set(command.target, command.feature, command.seconds, command.by or self.user)
        where = "" if shared else " (in this process only, while Redis is away)"
        said = f"{_ttl_name(command).capitalize()} is {self.ttls.current(command.target, command.feature):g} s{where}"
        if not command.existing:
            return Outcome(said, done=1)
        seconds = self.ttls.current(command.target, command.feature)
        outcome = await self._counted(
            plan,
            lambda seen: self.ttls.apply(command.target, command.feature, former, seconds, seen),
            "changed",
            on_progress,
        )
        return Outcome(f"{said}; {outcome.sentence}", outcome.done, 0, outcome.failed, outcome.error, outcome.cancelled)

    async def _counted(
        self,
        plan: Plan,
        work: Callable[[Callable[[int], None]], Awaitable[int]],
        done_word: str,
        on_progress: OnProgress,
    ) -> Outcome:
        """Run work over an uncounted set; `work` reports how many it did so far."""
        done, error, cancelled = 0, "", False

        def seen(count: int) -> None:
            nonlocal done
            done = count
            on_progress(Progress(count, max(plan.eligible, count)))

        try:
            done = await work(seen)
        except OpalmindError as trouble:
            error = str(trouble)
        except asyncio.CancelledError:
            cancelled = True
        return _outcome(done, 0, 0, done_word, error, cancelled)

    # -- delivery ------------------------------------------------------------------------------------------------

    async def _plan_deliver(self, command: Command) -> Plan:
        if command.deliver:
            consequences = ("This dashboard takes requests from the shared queue and sends them to its Matomo.",)
        else:
            consequences = ("It only observes from now on; what it has posted it finishes.",)
        title = "Start delivering from this dashboard" if command.deliver else "Stop delivering from this dashboard"
        return Plan(command, title, 1, (), consequences, "It can be switched back at any time.")

    async def _run_deliver(self, plan: Plan, on_progress: OnProgress) -> Outcome:
        self.deliver(plan.command.deliver)
        return Outcome("This dashboard delivers" if plan.command.deliver else "This dashboard only observes", done=1)

    # -- token ---------------------------------------------------------------------------------------------------

    async def _plan_test_token(self, command: Command) -> Plan:
        return Plan(
            command,
            "Ask Matomo again with the token",
            1,
            (),
            (
                "After one refusal nobody uses the token, until it changes or somebody asks again.",
                "Twenty-one refusals within an hour make Matomo lock tokens out for this address, good ones too.",
            ),
            "There is nothing to undo.",
        )

    async def _run_test_token(self, plan: Plan, on_progress: OnProgress) -> Outcome:
        refusal = await self.test_token()
        return Outcome(f"Matomo still says: {refusal}" if refusal else "Matomo takes the token", done=int(not refusal))


def _outcome(done: int, skipped: int, failed: int, done_word: str, error: str, cancelled: bool) -> Outcome:
    parts = [f"{done:,} {done_word}"]
    if skipped:
        parts.append(f"{skipped:,} no longer eligible")
    if cancelled:
        parts.append(f"cancelled{f' with {failed:,} left as they were' if failed else ''}")
    elif error:
        parts.append(f"stopped{f' with {failed:,} left as they were' if failed else ''}: {error}")
    return Outcome(", ".join(parts), done, skipped, failed, error, cancelled)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _ttl_name(command: Command) -> str:
    if command.target is TtlTarget.IDEMPOTENCY:
        return "the time to live of idempotency records"
    return f"the time to live of {command.feature or 'report'} entries"
