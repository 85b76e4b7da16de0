"""Purge of cached reports, and times to live."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from opalmind_tui.engine.acts.kind import OnProgress, count, outcome, unseen
from opalmind_tui.errors import OpalmindError
from opalmind_tui.reports.selection import Selection
from opalmind_tui.snapshot.commands import Act, Command, Outcome, Plan, Progress, TtlTarget
from opalmind_tui.text import safe_text

SHOWN = 100
"""Cells of a text or a key that a title shows."""


class CacheActs(Protocol):
    """What the acts need of the report cache."""

    async def count(self, selection: Selection) -> tuple[int, bool]:
        """How many entries, and whether that is exact."""
        ...

    async def purge(
        self, selection: Selection, on_progress: Callable[[int], None] | None = None, limit: int = 0
    ) -> int:
        """Delete them, no more than `limit` (0: all); returns how many."""
        ...


class TtlActs(Protocol):
    """What the acts need to change a time to live."""

    def current(self, target: TtlTarget, feature: str) -> float:
        """Seconds in force."""
        ...

    def check(self, target: TtlTarget, seconds: float) -> None:
        """Raise `OpalmindError` with what is accepted."""
        ...

    def former(self, target: TtlTarget, feature: str) -> float:
        """Seconds that were set before the newest change, 0 for none. Raises `OpalmindError` where none was made."""
        ...

    async def set(self, target: TtlTarget, feature: str, seconds: float, by: str) -> bool:
        """Set it (0: forget it). Returns false when it holds for this process only."""
        ...

    async def count_existing(self, target: TtlTarget, feature: str) -> tuple[int, bool]:
        """How many entries or records exist, and whether that is exact."""
        ...

    async def apply(
        self,
        target: TtlTarget,
        feature: str,
        former: float,
        seconds: float,
        on_progress: Callable[[int], None] | None = None,
        limit: int = 0,
    ) -> int:
        """Give the existing ones the new TTL, no more than `limit` (0: all); returns how many changed."""
        ...


class PurgeCache(Struct):
    """Deletes cached reports."""

    cache: CacheActs

    async def plan(self, command: Command, on_progress: OnProgress = unseen) -> Plan:
        selection = _selection(command)
        number, exact = await self.cache.count(selection)
        number = _at_most(command, number)
        consequences = ["Purged reports will be fetched anew from Matomo when they are next asked for."]
        if not (number or exact):
            consequences.append("None was among the keys that were counted; there may be a few.")
        return Plan(
            command,
            f"Purge {'' if exact else 'about '}{count(number, 'cache entry', 'cache entries')}{_which(selection)}",
            number,
            (),
            tuple(consequences),
            "This cannot be undone, and need not be: the entries fill again.",
            estimated=not exact,
        )

    async def run(self, plan: Plan, on_progress: OnProgress) -> Outcome:
        selection = _selection(plan.command)
        return await counted(
            plan, lambda seen: self.cache.purge(selection, seen, plan.command.limit), "purged", on_progress
        )


def _at_most(command: Command, number: int) -> int:
    # An estimate, too, may be too high; what is changed is counted.
    return min(number, command.limit) if command.limit else number


def _selection(command: Command) -> Selection:
    return Selection(command.feature, command.match, command.key)


def _which(selection: Selection) -> str:
    """The words for it; texts from outside made safe to be shown."""
    of = f" of {selection.feature}" if selection.feature else ""
    holds = f" whose key holds {safe_text(selection.match, SHOWN)}" if selection.match else ""
    under = f" under {safe_text(selection.key, SHOWN)}" if selection.key else ""
    return of + holds + under


class SetTtl(Struct):
    """Changes a time to live.

    Args:
        user: who acts when a command does not say.
    """

    ttls: TtlActs
    user: str

    async def plan(self, command: Command, on_progress: OnProgress = unseen) -> Plan:
        if command.undo:
            seconds = self.ttls.former(command.target, command.feature)
            command = replace(command, seconds=seconds, undo=False)
        if command.seconds:
            self.ttls.check(command.target, command.seconds)
        former = self.ttls.current(command.target, command.feature)
        number, exact = (
            await self.ttls.count_existing(command.target, command.feature) if command.existing else (0, True)
        )
        number = _at_most(command, number)
        what = _ttl_name(command)
        new = f"{command.seconds:g} s" if command.seconds else "the environment's value"
        consequences = [
            f"It is {former:g} s now. Every opalmind-tui process on this Redis takes it up within two seconds.",
            "OpalMind services keep their own setting.",
        ]
        if command.existing:
            about = "" if exact else "about "
            consequences.append(f"{about}{number:,} that exist get the new time to live, too.".capitalize())
        return Plan(
            command,
            f"Set {what} to {new}",
            number,
            (),
            tuple(consequences),
            f"It can be set back; {'those that exist keep it' if command.limit else 'what expired meanwhile is gone'}.",
            estimated=not exact,
        )

    async def run(self, plan: Plan, on_progress: OnProgress) -> Outcome:
        command = plan.command
        former = self.ttls.current(command.target, command.feature)
        shared = await self.ttls.set(command.target, command.feature, command.seconds, command.by or self.user)
        where = "" if shared else " (in this process only, while Redis is away)"
        said = f"{_ttl_name(command).capitalize()} is {self.ttls.current(command.target, command.feature):g} s{where}"
        before = self.ttls.former(command.target, command.feature)
        # Which of them were given it, no entry says: where not all were, taking it back would shorten the others, too.
        inverse = Command(
            Act.SET_TTL,
            target=command.target,
            feature=command.feature,
            seconds=before,
            existing=command.existing and not command.limit,
        )
        if not command.existing:
            return Outcome(said, done=1, inverse=inverse)
        seconds = self.ttls.current(command.target, command.feature)
        found = await counted(
            plan,
            lambda seen: self.ttls.apply(command.target, command.feature, former, seconds, seen, command.limit),
            "changed",
            on_progress,
        )
        return replace(found, sentence=f"{said}; {found.sentence}", inverse=inverse)


async def counted(
    plan: Plan,
    work: Callable[[Callable[[int], None]], Awaitable[int]],
    done_word: str,
    on_progress: OnProgress,
) -> Outcome:
    """Run work over an uncounted set; `work` reports how many it did so far."""
    done, error, cancelled = 0, "", False

    def seen(number: int) -> None:
        nonlocal done
        done = number
        on_progress(Progress(number, max(plan.eligible, number)))

    try:
        done = await work(seen)
    except OpalmindError as trouble:
        error = str(trouble)
    except asyncio.CancelledError:
        cancelled = True
    return outcome(done, 0, 0, done_word, error, cancelled)


def _ttl_name(command: Command) -> str:
    if command.target is TtlTarget.IDEMPOTENCY:
        return "the time to live of idempotency records"
    return f"the time to live of {command.feature or 'report'} entries"
