"""What a tracking queue promises. `redis_queue` and `memory_queue` keep it and pass the same tests.

Moments are epoch seconds by the store's own clock (Redis ``TIME``, or the clock given to the memory queue), durations
are seconds. Every call is safe to send twice: ids and tokens come from the caller. Redis trouble is raised as
`StoreUnavailable`, never as a client library's error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from opalmind_tui.snapshot.model import Control, Gate, GateKind, QueueFigures, RateLimit, RequestRow, State
from opalmind_tui.tracking.control import ControlChange
from opalmind_tui.tracking.request import TrackingRequest

TRASH_KEPT = 900
"""Seconds that a purged request can be restored."""
REJECTED_KEPT = 1_000
"""Rejected requests that can be looked at: the newest."""
HELD = "held:"
"""What a reason begins with where a request waits for a usable token; such requests are counted."""


class Acceptance(StrEnum):
    """What became of an offered request."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    """Its key was delivered, or waits in the queue, with the same payload."""
    CONFLICT = "conflict"
    """Its key is taken by another payload."""
    FULL = "full"
    """Refused: a limit is reached, which the answer names. Nothing was stored."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What `enqueue` says of one request: the outcome, and the id under which it is queued (empty if it is not)."""

    outcome: Acceptance
    id: str = ""
    reason: str = ""
    """Why it was refused: the limit and its number (FULL)."""


class Claimed(NamedTuple):
    """A request under our lease. `accepted` is when the queue took it (the time that `cdt` gets)."""

    id: str
    body: bytes
    accepted: float
    attempts: int = 0
    recovered: int = 0
    unknown: int = 0
    alone: bool = False
    """It was the only one in a bulk that failed, last time or earlier."""
    suspect: bool = False
    """Another hit got through since: it may be to blame, and not the endpoint."""
    token_suspect: bool = False
    """Another hit that needs the token got through since."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer of `claim`: what may be sent now, or why nothing may.

    Args:
        token: the fencing token, given by the caller.
        requests: in order of acceptance for each visitor; empty if nothing is due or the gate is closed.
        gate: why nothing was given, if the endpoint is closed or paused; with `probe` the gate that is being tested.
        probe: true when this is the single request that may test a closed endpoint.
        next_due: when the next request of this endpoint may be claimed (None: none waits).
        at: the store's clock when it answered.
        wakes: the process is told when another one accepts something, so that it need not look often.
        control: what operators ask of this endpoint's delivery.
    """

    token: str
    requests: tuple[Claimed, ...] = ()
    gate: Gate | None = None
    probe: bool = False
    next_due: float | None = None
    at: float | None = None
    wakes: bool = False
    control: Control = field(default_factory=Control)


class Fate(StrEnum):
    """What became of a claimed request."""

    DELIVERED = "delivered"
    RETRY = "retry"
    DEAD = "dead"
    REJECTED = "rejected"
    DROPPED = "dropped"
    UNSENT = "unsent"
    """Never posted though its claim is marked so: back to its old place, nothing noted."""


class Settlement(NamedTuple):
    """The fate of one claimed request.

    Args:
        delay: seconds until the next try (RETRY).
        status: HTTP status, if there was an answer.
        error: short reason with secrets masked; cut to 300 characters by the queue.
        costs_attempt: false where the endpoint is to blame and not the request (I4).
        unknown: it was posted and no answer came.
        alone: it was the only one in its bulk (RETRY).
        token: Matomo took it by virtue of the token (DELIVERED).
        unposted: nothing was sent for it: what it took of a rate is free again (always so for UNSENT).
        record: idempotency record to write (DELIVERED with a key); its TTL is the queue's present setting. The queue
            adds the payload's `fingerprint`, which it alone knows.
    """

    id: str
    fate: Fate
    delay: float = 0.0
    status: int | None = None
    error: str = ""
    costs_attempt: bool = True
    unknown: bool = False
    alone: bool = False
    token: bool = False
    unposted: bool = False
    record: bytes | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """Counts of one `settle`: done under our token; late (our lease was gone, nobody had it, so it counts once; what
    was delivered leaves even the trash then, for a restore would send it twice); lost (another process holds it, or it
    is gone already)."""

    done: int = 0
    late: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class QueueCounts(QueueFigures):
    """All counts, read at one moment. The ledger's right side is the sum of eight of its terms (I1)."""

    at: float = 0.0

    @property
    def ledger_difference(self) -> int:
        """accepted - (everything that we can account for); 0 unless something was lost or doubled."""
        return self.accepted - (
            self.delivered + self.rejected + self.dropped + self.purged
            + self.dead + self.pending + self.scheduled + self.inflight
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moved:
    """How many of the named requests an operator's act changed, and how many it did not apply to any more."""

    done: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of requests that were to come back from the trash.

    Args:
        done: how many are where they were before.
        skipped: how many are not in the trash (restored already, or gone for good).
        taken: ids whose idempotency key was taken meanwhile; they stay in the trash.
    """

    done: int = 0
    skipped: int = 0
    taken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Repairs:
    """What one step of `reconcile` found: `cursor` to go on with (empty: the round is complete)."""

    cursor: str = ""
    returned: int = 0
    """Requests that stood in no set and are due again."""
    missing: int = 0
    """Ids in a set whose request is gone (an evicting server): removed and counted; the ledger shows them."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """A request that memory accepted while Redis was away, with what memory knows of it."""

    id: str
    request: TrackingRequest
    endpoint: str
    accepted: float
    attempts: int = 0
    status: int | None = None
    error: str = ""
    unknown: int = 0
    dead: bool = False
    in_doubt: bool = False
    """Redis may have it already: its answer was lost."""


@dataclass(frozen=True, slots=True)
class LedgerShare:
    """What memory settled by itself while Redis was away; added to the shared ledger once, under `nonce`."""

    nonce: str
    delivered: int = 0
    rejected: int = 0
    dropped: int = 0
    purged: int = 0
    retried: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """An idempotency record of what memory delivered; `ttl` is what is left of its time to live, in seconds."""

    key: str
    record: bytes
    ttl: int


class TrackingQueue(Protocol):
    """The queue."""

    async def enqueue(
        self, endpoint: str, requests: Sequence[TrackingRequest], ids: Sequence[str] | None = None
    ) -> list[Answer]:
        """Accept requests for the Matomo at `endpoint`; returns when the store has them (I2), one answer each.

        Any number; the queue splits it into bounded scripts. `ids` (from `new_id`) make a repeat safe: a repeat
        with the same id answers ACCEPTED again.
        """
        ...

    async def claim(self, endpoint: str, token: str, *, limit: int, lease: float) -> Claim:
        """Lease up to `limit` due requests of `endpoint`, no visitor of which is leased elsewhere (I5).

        The same token again returns what it already holds. A closed gate gives nothing; after its end a breaker
        gives one probe to one caller. A pause gives nothing, a rate as many as are free now.
        """
        ...

    async def mark_posted(self, token: str) -> Gate | None:
        """Say that the claim's requests are about to be posted: a lost lease makes their outcome unknown now.

        Returns the pause that forbids it, if there is one; then nothing is marked. What was marked before stays so.
        Raises `LeaseLost` where the claim is not ours any more: others may be sending what it held.
        """
        ...

    async def extend(self, tokens: Sequence[str], lease: float) -> tuple[str, ...]:
        """Renew leases; returns the tokens that are lost."""
        ...

    async def settle(self, token: str, settlements: Sequence[Settlement]) -> Settled:
        """Apply the fates; what a claim held is free once all of it is settled. Twice is as good as once."""
        ...

    async def release(self, token: str) -> int:
        """Give back what was claimed and not settled: at its old place, no attempt spent. Returns how many."""
        ...

    async def reap(self) -> int:
        """Return requests whose lease has run out to due (`recovered` + 1; the third time they are dead), and remove
        what has been in the trash for `TRASH_KEPT` seconds. Bounded; returns how many requests came back."""
        ...

    async def reconcile(self, cursor: str = "") -> Repairs:
        """One bounded step of a walk over all requests that finds what stands in no set or in a set without a body."""
        ...

    async def counts(self, endpoint: str) -> QueueCounts:
        """All counts in one script; cost does not grow with the queue (I8)."""
        ...

    async def rows(
        self, *, limit: int, state: State | None = None, unknown_only: bool = False
    ) -> tuple[RequestRow, ...]:
        """What an operator acts on: newest failures first (dead ones too), then inflight, then the oldest due.

        Args:
            state: only those in this state; dead, trash and rejected ones newest first, the others as `ids` has them.
            unknown_only: only those of the queue that were posted and got no answer, newest first (`state`: any).
        """
        ...

    async def rows_of(self, ids: Sequence[str]) -> tuple[RequestRow, ...]:
        """The named requests that still exist, in trash and among the rejected too."""
        ...

    async def find(self, id_or_key: str) -> tuple[RequestRow, ...]:
        """The request with this id, and those with this idempotency key: the one in the queue, and the newest of what
        is kept outside it (trash, rejected). Cost does not grow with the queue."""
        ...

    async def ids(
        self,
        state: State | None,
        *,
        after: str = "",
        limit: int = 500,
        unknown_only: bool = False,
        since: float = 0.0,
        until: float = 0.0,
    ) -> tuple[tuple[str, ...], str]:
        """A page of ids in one state, and the cursor of the next page (empty: that was the last).

        Args:
            since, until: only those that came into the state within this time (dead, trash, rejected; epoch seconds by
                the store's clock; 0: no bound), so that an act over many pages stays with what was there at first.
            state: None, with `unknown_only`: wherever they are in the queue.
            unknown_only: only those that were posted and got no answer. A page may then be short, or empty, before
                the last.
        """
        ...

    async def retry(self, ids: Sequence[str]) -> Moved:
        """Make dead or scheduled requests due now with attempts 0, history kept. Any number, in bounded scripts."""
        ...

    async def purge(self, ids: Sequence[str], *, hard: bool = False) -> Moved:
        """Take requests that are not in flight out of the queue, and free their idempotency keys.

        They stay in the trash for `TRASH_KEPT` seconds, then any process's `reap` removes them. `hard`: gone at once;
        also what is in the trash or among the rejected already. Only a hard purge frees memory at once.
        """
        ...

    async def restore(self, ids: Sequence[str]) -> Restored:
        """Bring requests back from the trash to where they were, with their keys; `purged` falls. Whatever the length
        of the queue: they were accepted once."""
        ...

    async def close_gate(
        self, endpoint: str, kind: GateKind, *, seconds: float, reason: str, failures: int = 0
    ) -> Gate:
        """Close an endpoint for a while (a longer closing of the same kind wins)."""
        ...

    async def open_gate(self, endpoint: str) -> None:
        """Open it again."""
        ...

    async def pause(self, endpoint: str, *, by: str, reason: str, seconds: float | None = None) -> Gate:
        """Give nothing of an endpoint to any process, until `seconds` are over or somebody resumes (None).

        Posts under way finish. The newest pause takes the place of an older one. Raises `BadArgument`.
        """
        ...

    async def resume(self, endpoint: str, *, by: str) -> bool:
        """End the pause; returns whether there was one. Raises `BadArgument`."""
        ...

    async def limit_rate(self, endpoint: str, per_second: float | None, *, by: str, reason: str) -> RateLimit | None:
        """Give at most so many hits per second of an endpoint to all processes together (None: no limit).

        At most one second's worth goes at once, and always at least one hit. Raises `BadArgument`.
        """
        ...

    async def control(self, endpoint: str) -> Control:
        """What operators ask for now."""
        ...

    async def adopt(self, requests: Sequence[Adopted]) -> list[Answer]:
        """Take over what memory accepted, in order, keeping its acceptance time. Twice is as good as once."""
        ...

    async def merge_ledger(self, share: LedgerShare) -> None:
        """Add what memory settled to the ledger, once for each nonce."""
        ...


class SharedQueue(TrackingQueue, Protocol):
    """A queue that several processes share, into which a process's memory moves over."""

    async def keep_records(self, records: Sequence[KeptRecord]) -> None:
        """Write the idempotency records of what memory delivered; a record that is there already stays. What waits
        under such a key with the same payload is sent no more, and counts as the duplicate that it was."""
        ...

    async def keep_control(self, endpoint: str, change: ControlChange) -> None:
        """Take over what an operator asked of a process while it ran on memory, unless something newer stands here."""
        ...


def cut(text: str, limit: int = 300) -> str:
    """Text of at most `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


__all__ = [
    "REJECTED_KEPT",
    "TRASH_KEPT",
    "Acceptance",
    "Adopted",
    "Answer",
    "Claim",
    "Claimed",
    "Fate",
    "Gate",
    "GateKind",
    "KeptRecord",
    "LedgerShare",
    "Moved",
    "QueueCounts",
    "Repairs",
    "RequestRow",
    "Restored",
    "Settled",
    "Settlement",
    "SharedQueue",
    "State",
    "TrackingQueue",
    "cut",
]  # fmt: skip
