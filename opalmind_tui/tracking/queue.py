"""What a tracking queue promises. `redis_queue` and `memory_queue` keep it and pass the same tests.

Moments are epoch seconds by the store's own clock (Redis ``TIME``, or the clock given to the memory queue), durations
are seconds. Every call is safe to send twice: ids and tokens come from the caller. Redis trouble is raised as
`StoreUnavailable`, never as a client library's error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from opalmind_tui.snapshot.listing import Order, Tab
from opalmind_tui.snapshot.model import Control, Gate, GateKind, RateLimit, RequestRow, State
from opalmind_tui.tracking.control import ControlChange
from opalmind_tui.tracking.outcomes import (
    HELD,
    REJECTED_KEPT,
    TRASH_KEPT,
    Acceptance,
    Adopted,
    Answer,
    Claim,
    Claimed,
    Closer,
    Fate,
    KeptRecord,
    LedgerShare,
    Moved,
    QueueCounts,
    Repairs,
    Restored,
    Settled,
    Settlement,
    Stored,
    Walked,
    Window,
    cut,
)
from opalmind_tui.tracking.request import TrackingRequest


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

    async def claim(self, endpoint: str, token: str, *, limit: int, lease: float, posting: bool = False) -> Claim:
        """Lease up to `limit` due requests of `endpoint`, no visitor of which is leased elsewhere (I5).

        The same token again returns what it already holds. A closed gate gives nothing; after its end a breaker
        gives one probe to one caller. A pause gives nothing, a rate as many as are free now.

        Args:
            posting: the caller posts at once what it gets (`Claim.posting`): as `mark_posted`, a lost lease makes the
                outcome unknown, but `release` still gives back what was not posted after all.
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

    async def window(
        self, tab: Tab, order: Order, *, first: int = 0, rows: int = 50, anchor: str = "", above: int = 0
    ) -> Window:
        """A window on a list, in one of its own orders (`OWN_ORDERS`); the cost does not grow with the list.

        Args:
            first: number of the window's first row, from 0; the window ends with the list at the latest.
            rows: how many, at most 500.
            anchor: id of a request of the list that is `above` rows below the first one, whatever `first` says.

        Raises `BadArgument` for an order that is not the list's own.
        """
        ...

    async def walk(self, tab: Tab, *, after: str = "", limit: int = 500, until: float = 0.0) -> Walked:
        """A bounded step through a list, to look at every request in it: those that begin with the newest in that
        order, the others in any.

        Args:
            after: the cursor of the step before.
            limit: most requests, at most 500.
            until: only those that came into the list until then (epoch seconds by the store's clock; 0: no bound),
                where the list begins with the newest.
        """
        ...

    async def rows_of(self, ids: Sequence[str]) -> tuple[RequestRow, ...]:
        """The named requests that still exist, in trash and among the rejected too."""
        ...

    async def closer(self, request_id: str) -> Closer | None:
        """All that the store has of a request, also of one that was delivered lately; None where it has nothing."""
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

    async def retry(self, ids: Sequence[str], *, delay: float = 0.0) -> Moved:
        """Make dead or scheduled requests due after so many seconds, with attempts 0, history kept. Any number, in
        bounded scripts."""
        ...

    async def kill(self, ids: Sequence[str], why: str) -> Moved:
        """Give up requests that wait (pending or scheduled): they are dead, and `why` is the last error."""
        ...

    async def take_back(self, ids: Sequence[str]) -> int:
        """End the claims that hold these requests, as if their leases had run out: all that they hold is due again, and
        what may have been posted may be sent twice. Returns how many requests came back."""
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


__all__ = [
    "HELD",
    "REJECTED_KEPT",
    "TRASH_KEPT",
    "Acceptance",
    "Adopted",
    "Answer",
    "Claim",
    "Claimed",
    "Closer",
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
    "Stored",
    "TrackingQueue",
    "Walked",
    "Window",
    "cut",
]
