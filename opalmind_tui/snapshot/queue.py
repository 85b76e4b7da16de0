"""The tracking queue in a snapshot: states of a request, why an endpoint is closed, figures, rows."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct, field


class State(StrEnum):
    """Where a request is. The words of the design, section 4."""

    PENDING = "pending"
    SCHEDULED = "scheduled"
    INFLIGHT = "inflight"
    DEAD = "dead"
    TRASH = "trash"
    """Purged, and kept for 15 minutes: out of the queue, but it can be restored."""
    DELIVERED = "delivered"
    """Out of the queue, and known by name for a while: the newest 10,000."""
    REJECTED = "rejected"
    """Matomo counted it invalid: out of the queue for good, the newest 1,000 are kept to be looked at."""


class GateKind(StrEnum):
    """Why an endpoint is closed now."""

    COOLDOWN = "cooldown"
    BREAKER = "breaker"
    TOKEN = "token"
    RECORDING_OFF = "recording-off"
    PAUSED = "paused"


class Gate(Struct, frozen=True):
    """A closed endpoint: nothing is sent to it before `until` but probes."""

    kind: GateKind
    since: float
    until: float
    """Epoch seconds of the next probe or the end; infinite where only an operator opens it."""
    reason: str
    failures: int = 0


class Pause(Struct, frozen=True):
    """An operator holds delivery to an endpoint, for all processes."""

    by: str
    reason: str
    since: float
    until: float
    """Epoch seconds; infinite where only an operator ends it."""

    @property
    def gate(self) -> Gate:
        """How a claim says it."""
        why = f"{self.by}: {self.reason}" if self.reason else self.by
        return Gate(GateKind.PAUSED, self.since, self.until, why)


class RateLimit(Struct, frozen=True):
    """An operator limits delivery to an endpoint: hits per second, of all processes together."""

    by: str
    reason: str
    since: float
    per_second: float


class Control(Struct, frozen=True):
    """What operators ask of delivery. It lives apart from the gates, which are facts about Matomo: both can stand."""

    paused: Pause | None = None
    rate: RateLimit | None = None


class QueueFigures(Struct, frozen=True):
    """What the queue counts, all at one moment. `accepted` to `conflicts` are totals since counting began."""

    pending: int = 0
    scheduled: int = 0
    inflight: int = 0
    dead: int = 0
    held: int = 0
    """Of all: those that wait for a usable token."""
    trash: int = 0
    """Purged requests that can still be restored; counted as purged."""
    rejected_kept: int = 0
    """Rejected requests that can still be looked at; counted as rejected."""
    failed: int = 0
    """Of all in the queue: those that failed at least once."""
    delivered_kept: int = 0
    """Delivered requests that can still be looked at; counted as delivered."""
    unknown_waiting: int = 0
    """Of pending, scheduled, inflight and dead: those that were posted once and got no answer."""
    accepted: int = 0
    delivered: int = 0
    rejected: int = 0
    dropped: int = 0
    purged: int = 0
    retried: int = 0
    recovered: int = 0
    unknown: int = 0
    """Posts whose answer never came (they may have been counted twice by Matomo)."""
    late: int = 0
    duplicates: int = 0
    conflicts: int = 0
    other_endpoints: int = 0
    """Of pending and scheduled: requests for a Matomo that this process does not send to."""
    epoch: str = ""
    oldest_accepted: float | None = None
    next_due: float | None = None
    gate: Gate | None = None
    """Why Matomo is not served now, of itself."""
    control: Control = field(default_factory=Control)
    """What operators ask for."""
    refused: int = 0
    """Requests that were not taken because a limit was reached; they were never accepted."""
    refused_at: float = 0.0
    refused_by: str = ""
    """The limit that refused last, with its number."""
    last_error: str = ""
    last_error_at: float = 0.0
    last_status: int | None = None
    last_retry_at: float = 0.0
    last_backoff: float = 0.0

    @property
    def closed(self) -> Gate | None:
        """Why nothing is sent now: an operator's pause before Matomo's own reasons."""
        return self.control.paused.gate if self.control.paused is not None else self.gate


class Acknowledged(Struct, frozen=True):
    """A difference of the ledger that an operator took note of. Text is from outside."""

    difference: int
    by: str
    at: float
    note: str


class QueueView(QueueFigures, frozen=True):
    """The tracking queue as a screen shows it: its figures, and what follows from them over time."""

    ledger_difference: int = 0
    ledger_acknowledged: Acknowledged | None = None
    epoch_changed: bool = False
    endpoint: str = ""
    accepted_rate: float = 0.0
    delivered_rate: float = 0.0
    retried_rate: float = 0.0
    slope: float = 0.0
    """Requests per second by which the backlog grows (negative: shrinks)."""
    clears_in: float | None = None
    """Seconds until the backlog is gone at the present slope, if it shrinks."""
    delivering_here: bool = False
    workers: int = 0
    """Processes that announced within the last 15 s that they deliver to this Matomo."""

    @property
    def ledger_alarm(self) -> int:
        """The ledger's difference, less what somebody took note of."""
        return self.ledger_difference - (self.ledger_acknowledged.difference if self.ledger_acknowledged else 0)

    @property
    def backlog(self) -> int:
        """Everything accepted that waits or is under way (dead ones wait for an operator)."""
        return self.pending + self.scheduled + self.inflight


class RequestRow(Struct, frozen=True):
    """One queued request as a list shows it."""

    id: str
    state: State
    kind: str
    """``pageview``, ``event``, ``goal`` or ``raw``."""
    label: str
    """What it is about: url, event category and action, or goal id. Raw text from outside."""
    site: str
    key: str
    accepted: float
    attempts: int = 0
    next_try: float | None = None
    status: int | None = None
    error: str = ""
    failed_at: float | None = None
    unknown: int = 0
    recovered: int = 0
    size: int = 0
    left_at: float | None = None
    """When it was delivered; None as long as it was not."""
