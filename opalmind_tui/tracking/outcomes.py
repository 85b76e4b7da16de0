"""What a tracking queue is told, and what it answers: plain values, of either store."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct, field

from opalmind_tui.snapshot.listing import Attempt
from opalmind_tui.snapshot.model import Control, Gate, QueueFigures, RequestRow
from opalmind_tui.tracking.gist import Gist
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


class Answer(Struct, frozen=True):
    """What `enqueue` says of one request: the outcome, and the id under which it is queued (empty if it is not)."""

    outcome: Acceptance
    id: str = ""
    reason: str = ""
    """Why it was refused: the limit and its number (FULL)."""


class Claimed(Struct, frozen=True, gc=False):
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


class Claim(Struct, frozen=True):
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
        posting: it may be posted at once: the store has noted that, and no pause was in force.
    """

    token: str
    requests: tuple[Claimed, ...] = ()
    gate: Gate | None = None
    probe: bool = False
    next_due: float | None = None
    at: float | None = None
    wakes: bool = False
    control: Control = field(default_factory=Control)
    posting: bool = False


class Fate(StrEnum):
    """What became of a claimed request."""

    DELIVERED = "delivered"
    RETRY = "retry"
    DEAD = "dead"
    REJECTED = "rejected"
    DROPPED = "dropped"
    UNSENT = "unsent"
    """Never posted though its claim is marked so: back to its old place, nothing noted."""


class Settlement(Struct, frozen=True, gc=False):
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
        duplicate: it came in although its key was delivered before, which was found out late (DELIVERED).
        gist: of the request, where the caller has read it; else the queue reads its body (DELIVERED).
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
    duplicate: bool = False
    gist: Gist | None = None


class Settled(Struct, frozen=True):
    """Counts of one `settle`: done under our token; late (our lease was gone, nobody had it, so it counts once; what
    was delivered leaves even the trash then, for a restore would send it twice); lost (another process holds it, or it
    is gone already); forgotten (settled before by this process, and the store, set back meanwhile, knows no more of it:
    it may be sent again, by another process, and is counted as an unknown outcome)."""

    done: int = 0
    late: int = 0
    lost: int = 0
    forgotten: int = 0

    def plus(self, other: Settled) -> Settled:
        """Both together."""
        return Settled(
            self.done + other.done, self.late + other.late, self.lost + other.lost, self.forgotten + other.forgotten
        )


class QueueCounts(QueueFigures, frozen=True):
    """All counts, read at one moment. The ledger's right side is the sum of eight of its terms (I1)."""

    at: float = 0.0

    @property
    def ledger_difference(self) -> int:
        """accepted - (everything that we can account for); 0 unless something was lost or doubled."""
        return self.accepted - (
            self.delivered + self.rejected + self.dropped + self.purged
            + self.dead + self.pending + self.scheduled + self.inflight
        )  # fmt: skip


class Window(Struct, frozen=True):
    """A part of a list: its rows, the number of the first of them, and how long the list is."""

    rows: tuple[RequestRow, ...] = ()
    first: int = 0
    total: int = 0


class Stored(NamedTuple):
    """A request as a list shows it, and its parameters (empty where the bytes are no request, or are not kept)."""

    row: RequestRow
    params: Mapping[str, str]


class Closer(Struct, frozen=True):
    """All that the store has of one request.

    Args:
        body: the stored bytes; empty for one that was delivered.
        attempts: the failed tries that are remembered, oldest first.
        record: the beginning of the idempotency record under its key, None where there is none.
        record_ends: seconds that the record will stay.
    """

    stored: Stored
    body: bytes = b""
    attempts: tuple[Attempt, ...] = ()
    record: bytes | None = None
    record_ends: float | None = None


class Walked(Struct, frozen=True):
    """A step through a list: what is there, how many were looked at, and the cursor to go on with (empty: the end)."""

    found: tuple[Stored, ...] = ()
    examined: int = 0
    cursor: str = ""


class Moved(Struct, frozen=True):
    """How many of the named requests an operator's act changed, and how many it did not apply to any more."""

    done: int = 0
    skipped: int = 0


class Restored(Struct, frozen=True):
    """What became of requests that were to come back from the trash.

    Args:
        done: how many are where they were before.
        skipped: how many are not in the trash (restored already, or gone for good).
        taken: ids whose idempotency key was taken meanwhile; they stay in the trash.
    """

    done: int = 0
    skipped: int = 0
    taken: tuple[str, ...] = ()


class Repairs(Struct, frozen=True):
    """What one step of `reconcile` found: `cursor` to go on with (empty: the round is complete)."""

    cursor: str = ""
    returned: int = 0
    """Requests that stood in no set and are due again."""
    missing: int = 0
    """Ids in a set whose request is gone (an evicting server): removed and counted; the ledger shows them."""


class Adopted(Struct, frozen=True):
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


class LedgerShare(Struct, frozen=True):
    """What memory settled by itself while Redis was away; added to the shared ledger once, under `nonce`."""

    nonce: str
    delivered: int = 0
    rejected: int = 0
    dropped: int = 0
    purged: int = 0
    retried: int = 0
    unknown: int = 0


class KeptRecord(Struct, frozen=True):
    """An idempotency record of what memory delivered; `ttl` is what is left of its time to live, in seconds."""

    key: str
    record: bytes
    ttl: int


def cut(text: str, limit: int = 300) -> str:
    """Text of at most `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
