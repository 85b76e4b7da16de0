"""What an operator asks for and what came of it: plain data, made by a screen or a command line, run by the engine."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from opalmind_tui.snapshot.filters import NO_FILTER, Filter
from opalmind_tui.snapshot.listing import Tab
from opalmind_tui.snapshot.model import State


class Act(StrEnum):
    """The kinds of command."""

    RETRY = "retry"
    PURGE = "purge"
    RESTORE = "restore"
    KILL = "kill"
    RELEASE = "release"
    PURGE_CACHE = "purge-cache"
    REFETCH = "refetch"
    SET_TTL = "set-ttl"
    DELIVER = "deliver"
    TEST_TOKEN = "test-token"
    ACKNOWLEDGE = "acknowledge"
    PAUSE = "pause"
    RESUME = "resume"
    LIMIT = "limit"
    UNDO = "undo"


ELIGIBLE: dict[Act, frozenset[State]] = {
    Act.RETRY: frozenset({State.DEAD, State.SCHEDULED}),
    Act.PURGE: frozenset({State.DEAD, State.SCHEDULED, State.PENDING}),
    Act.KILL: frozenset({State.PENDING, State.SCHEDULED}),
    Act.RELEASE: frozenset({State.INFLIGHT}),
    Act.RESTORE: frozenset({State.TRASH}),
}
"""Which requests each act can touch."""
PURGED_FOR_GOOD = frozenset({State.TRASH, State.REJECTED})
"""What only a purge past the trash can touch, besides."""


class TtlTarget(StrEnum):
    """Which time to live is meant."""

    REPORTS = "reports"
    IDEMPOTENCY = "idempotency"


class Command(Struct, frozen=True):
    """One wish. Fields that an act does not use stay at their defaults.

    Args:
        act: what to do.
        ids: the captured request ids (retry, purge, restore, kill, release); empty with `all_dead` or a `tab`.
        tab: everything in this list of the queue that fits the `filter` when the plan is made (the same acts). A group
            of failures is the filter ``group:key`` on the list of the failed.
        filter: what must fit; empty for the whole list.
        limit: of a list, of cached reports (purge-cache), or of those that exist (set-ttl), no more than so many, the
            first that are come upon; 0 for no limit.
        all_dead: every request that is dead when the plan is made.
        hard: past the trash, for good (purge).
        since, until: what came into the trash within this time by the queue's clock (restore); 0 for no bound.
        feature: a report feature, or empty for all of them (purge-cache, set-ttl).
        match, key: only entries whose key holds this text (purge-cache), only this entry (purge-cache, refetch).
        target: which TTL (set-ttl).
        seconds: the new TTL in seconds (set-ttl); 0 resets to the environment's value. How long delivery is paused
            (pause); 0 until it is resumed. How long the next try waits (retry).
        per_second: hits per second of all processes (limit); 0 for no limit.
        reason: why, for those who meet it (pause, limit); the note (acknowledge).
        existing: apply the new TTL to the entries that exist, too (set-ttl).
        undo: what was set before the newest change, in place of `seconds` (set-ttl).
        deliver: whether this process shall deliver (deliver).
        by: who asked, for the audit.
    """

    act: Act
    ids: tuple[str, ...] = ()
    all_dead: bool = False
    tab: Tab | None = None
    filter: Filter = NO_FILTER
    limit: int = 0
    hard: bool = False
    feature: str = ""
    match: str = ""
    key: str = ""
    target: TtlTarget = TtlTarget.REPORTS
    seconds: float = 0.0
    per_second: float = 0.0
    reason: str = ""
    existing: bool = False
    undo: bool = False
    deliver: bool = False
    since: float = 0.0
    until: float = 0.0
    by: str = ""


class Plan(Struct, frozen=True):
    """What a command would do, shown before it is done (I12). It acts on that, never on what came later.

    Args:
        command: the wish.
        title: a sentence with the count: "Retry 3 dead requests".
        eligible: how many it would touch.
        skipped: why some are not eligible, with their counts.
        consequences: sentences about what comes of it; `facts` are those that a preview shows.
        undo: how it can be undone, or that it cannot.
        ids: the captured request ids, unless there is a `state`; there may be a million of them.
        position: how many of them are behind it: a plan that was stopped goes on from there (`resumed`).
        bytes: of what it touches, where that is known.
        seconds: how long until what it makes due is delivered at the present rate; None where that is not known.
        state: acts on every request that came into this state from `since` until `until` (epoch seconds by the
            queue's clock; `since` 0: ever): there may be a million of them.
        estimated: true when `eligible` is an estimate (cache entries of a large database).
        undoes: the `ref` of the audit entry whose act it takes back; empty for a new act.
    """

    command: Command
    title: str
    eligible: int
    skipped: tuple[tuple[str, int], ...] = ()
    consequences: tuple[str, ...] = ()
    undo: str = "This cannot be undone."
    ids: Sequence[str] = ()
    position: int = 0
    bytes: int = 0
    seconds: float | None = None
    estimated: bool = False
    state: State | None = None
    since: float = 0.0
    until: float = 0.0
    undoes: str = ""

    @property
    def facts(self) -> tuple[str, ...]:
        """Sentences that every preview shows: what comes of it, how much it is, how long it takes."""
        facts = list(self.consequences)
        if self.bytes:
            facts.append(f"{'It holds' if self.eligible == 1 else 'They hold'} {self.bytes:,} bytes.")
        if self.seconds is not None:
            within = "1 min" if self.seconds <= 60 else f"{round(self.seconds / 60):,} min"
            facts.append(f"At the present rate that is delivered within about {within}.")
        return tuple(facts)

    @property
    def nothing_to_do(self) -> bool:
        """It would touch nothing. A setting is set also where no entry is there to follow it, and where not all was
        gone through there may be some."""
        return not (self.eligible or self.estimated) and self.command.act not in (Act.SET_TTL, Act.DELIVER)

    def resumed(self, outcome: Outcome) -> Plan:
        """The rest of a plan that was stopped; what was done is not done again."""
        return replace(self, position=outcome.position)


class Progress(Struct, frozen=True):
    """How far a running plan is."""

    done: int
    total: int


def looked_at(progress: Progress) -> str:
    """How far a look through a long list is, which a plan needs."""
    return f"looked at {progress.done:,} of {progress.total:,}"


class Outcome(Struct, frozen=True):
    """What came of a plan.

    Args:
        sentence: one line for people.
        done: how many were changed. skipped: how many were no longer eligible. failed: how many could not be changed.
        error: why it ended early, if it did.
        position: how far it came in the plan's ids.
        doubtful: how many of the skipped may have been done by a try whose answer was lost.
        inverse: what takes it back; None where nothing does.
    """

    sentence: str
    done: int = 0
    skipped: int = 0
    failed: int = 0
    error: str = ""
    cancelled: bool = False
    position: int = 0
    doubtful: int = 0
    inverse: Command | None = None
