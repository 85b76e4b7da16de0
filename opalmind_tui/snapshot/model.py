"""What the engine tells a screen, frozen at one moment.

All moments are epoch seconds (float) by the clock of whoever answered: Redis time for what Redis counts, the engine's
clock for the rest. All durations are seconds, all sizes bytes, unless a name says otherwise. Text from outside is raw
here: `opalmind_tui.text` makes it safe, at the last step before a screen or a terminal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """One part of a snapshot: its newest value, when it was read, and why the newest try failed.

    `value` survives a failed try, so that a panel can go on showing it with its age.
    """

    value: T | None = None
    at: float = 0.0
    error: str | None = None

    def age(self, now: float) -> float:
        """Seconds since the value was read; infinite when it never was."""
        return max(0.0, now - self.at) if self.at else float("inf")


class Mode(StrEnum):
    """Which store serves: the shared one, or this process's memory while Redis is away (degraded)."""

    REDIS = "redis"
    MEMORY = "memory"


class State(StrEnum):
    """Where a request is. The words of the design, section 4."""

    PENDING = "pending"
    SCHEDULED = "scheduled"
    INFLIGHT = "inflight"
    DEAD = "dead"
    TRASH = "trash"
    """Purged, and kept for 15 minutes: out of the queue, but it can be restored."""
    REJECTED = "rejected"
    """Matomo counted it invalid: out of the queue for good, the newest 1,000 are kept to be looked at."""


class Verdict(StrEnum):
    """The state of a part, as a word."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """Where the data lives now."""

    mode: Mode = Mode.REDIS
    since: float = 0.0
    reason: str = ""
    """Why memory serves (a sentence), empty on Redis."""
    remedy: str = ""
    only_here: int = 0
    """Requests that exist in this process's memory only."""
    hand_over: str = ""
    """The folder where they would be saved if the process ended now."""
    durability: str = ""
    """The guarantee that holds now, in plain words (I2)."""
    address: str = ""
    """Host, port and database without secrets, or the socket's path."""
    recovering: bool = False


class GateKind(StrEnum):
    """Why an endpoint is closed now."""

    COOLDOWN = "cooldown"
    BREAKER = "breaker"
    TOKEN = "token"
    RECORDING_OFF = "recording-off"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Gate:
    """A closed endpoint: nothing is sent to it before `until` but probes."""

    kind: GateKind
    since: float
    until: float
    """Epoch seconds of the next probe or the end; infinite where only an operator opens it."""
    reason: str
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Pause:
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


@dataclass(frozen=True, slots=True)
class RateLimit:
    """An operator limits delivery to an endpoint: hits per second, of all processes together."""

    by: str
    reason: str
    since: float
    per_second: float


@dataclass(frozen=True, slots=True)
class Control:
    """What operators ask of delivery. It lives apart from the gates, which are facts about Matomo: both can stand."""

    paused: Pause | None = None
    rate: RateLimit | None = None


@dataclass(frozen=True, slots=True)
class QueueFigures:
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


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A difference of the ledger that an operator took note of. Text is from outside."""

    difference: int
    by: str
    at: float
    note: str


@dataclass(frozen=True, slots=True)
class QueueView(QueueFigures):
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


@dataclass(frozen=True, slots=True)
class RequestRow:
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


@dataclass(frozen=True, slots=True)
class FeatureView:
    """One report feature of the cache. `ttl` in seconds."""

    feature: str
    hits: int = 0
    misses: int = 0
    sets: int = 0
    stale_evictions: int = 0
    stale_served: int = 0
    corrupt: int = 0
    errors: int = 0
    bytes: int = 0
    """Bytes of the entries that were stored."""
    fetch_ms: int = 0
    """Milliseconds that Matomo took for them."""
    entries: int = 0
    ttl: float = 60.0
    ttl_origin: str = "default"
    """``default``, ``environment`` or ``configured`` (run-time configuration in Redis)."""
    window_hits: int = 0
    window_misses: int = 0

    @property
    def hit_rate(self) -> float | None:
        """Percent of look-ups in the window that were hits, or None without look-ups."""
        return _hit_rate(self.window_hits, self.window_misses)


@dataclass(frozen=True, slots=True)
class CacheView:
    """The report cache: totals since counting began, and rates over the last minutes."""

    hits: int = 0
    misses: int = 0
    sets: int = 0
    stale_evictions: int = 0
    stale_served: int = 0
    corrupt: int = 0
    errors: int = 0
    bytes: int = 0
    fetch_ms: int = 0
    entries: int = 0
    entries_exact: bool = True
    window: float = 0.0
    """Seconds that the window figures cover."""
    window_hits: int = 0
    window_misses: int = 0
    saved_per_hour: float = 0.0
    ttl: float = 60.0
    idempotency_ttl: float = 86_400.0
    ttls_changed: int = 0
    features: tuple[FeatureView, ...] = ()
    memory_bytes: int = 0
    other_sources: tuple[str, ...] = ()
    """Other Matomos whose reports processes keep under the same prefix: they would be taken for this one's."""

    @property
    def hit_rate(self) -> float | None:
        """Percent of look-ups in the window that were hits, or None without look-ups."""
        return _hit_rate(self.window_hits, self.window_misses)


def _hit_rate(hits: int, misses: int) -> float | None:
    return 100.0 * hits / (hits + misses) if hits + misses else None


@dataclass(frozen=True, slots=True)
class PreviewPoint:
    """What one time to live would do to the cache, if look-ups go on as they were.

    Args:
        ttl: seconds.
        hit_rate, margin: 0 to 1; the true rate lies within the margin in about nine of ten cases. None: see `reason`.
        requests_per_hour: fetches from Matomo.
        entries, memory: how many there would be on average, and their bytes.
        expiring: entries that are there now and would be too old at once.
        reason: why nothing can be said, empty where it can.
    """

    ttl: float
    hit_rate: float | None = None
    margin: float = 0.0
    requests_per_hour: float = 0.0
    entries: float = 0.0
    memory: float = 0.0
    expiring: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TtlPreview:
    """Predictions for one feature (empty: all reports).

    Args:
        present: at the time to live in force.
        proposed: at the one that somebody thinks of.
        candidates: for a chart, by time to live.
        measured: the hit rate that was counted while the sample was taken, 0 to 1; None where nobody counted.
        share: of the keys, that is in the sample.
        seconds: that the sample covers.
    """

    feature: str
    present: PreviewPoint
    proposed: PreviewPoint | None = None
    candidates: tuple[PreviewPoint, ...] = ()
    measured: float | None = None
    share: float = 1.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ServerView:
    """The Redis or Valkey server, from one INFO. Rates are over the last interval."""

    product: str = "redis"
    version: str = ""
    role: str = ""
    used_memory: int = 0
    peak_memory: int = 0
    max_memory: int = 0
    total_system_memory: int = 0
    policy: str = ""
    fragmentation: float = 0.0
    full_in: float | None = None
    """Seconds until maxmemory at the present slope, if memory grows."""
    clients: int = 0
    blocked_clients: int = 0
    max_clients: int = 0
    keyspace_hits: int = 0
    keyspace_misses: int = 0
    evicted_keys: int = 0
    expired_keys: int = 0
    evicted_rate: float = 0.0
    expired_rate: float = 0.0
    ops_rate: float = 0.0
    keyspace_hit_rate: float | None = None
    """Percent over the last interval."""
    total_keys: int = 0
    uptime: float = 0.0
    aof_enabled: bool = False
    appendfsync: str = ""
    """Empty when the server does not let us ask."""
    save_enabled: bool | None = None
    last_save: float = 0.0
    aof_error: bool = False
    bgsave_error: bool = False
    loading: bool = False
    replicas: int = 0
    master_link_up: bool | None = None
    round_trip: float = 0.0
    """Seconds of one PING, the smallest of the last few."""


@dataclass(frozen=True, slots=True)
class KeyCounts:
    """Keys per prefix. `exact` by a bounded SCAN (up to 20,000 keys), otherwise an estimate from a sample."""

    idempotency: int = 0
    cache: int = 0
    queue: int = 0
    stats: int = 0
    other: int = 0
    total: int = 0
    exact: bool = True
    features: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the health document; `details` as the reference spells them."""

    name: str
    verdict: Verdict
    output: str
    component: str = "service"
    observed: float | None = None
    unit: str = ""
    details: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class HealthView:
    """All checks, in the document's order."""

    checks: tuple[Check, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Any fail is a fail, else any warn is a warn, else any unknown is unknown."""
        found = {check.verdict for check in self.checks}
        for verdict in (Verdict.FAIL, Verdict.WARN, Verdict.UNKNOWN):
            if verdict in found:
                return verdict
        return Verdict.OK


class Figure(StrEnum):
    """The names of the figures whose history a snapshot carries, in the order in which a screen shows them."""

    BACKLOG = "backlog"
    """Requests waiting or under way."""
    ACCEPTED = "accepted"
    """Per second."""
    DELIVERED = "delivered"
    """Per second."""
    RETRIED = "retried"
    """Per second."""
    DEAD = "dead"
    HIT_RATE = "hit-rate"
    """Percent."""
    MEMORY = "memory"
    """Bytes that the server uses."""
    OPS = "ops"
    """Commands per second that the server runs."""
    ROUND_TRIP = "round-trip"
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Series:
    """One figure over time, oldest first. Moments that were not measured are None."""

    name: str
    unit: str = ""
    points: tuple[float | None, ...] = ()
    step: float = 1.0
    """Seconds between two points."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose screen this is and what it looks at."""

    environment: str = ""
    read_only: bool = False
    demo: str = ""
    """The stand-in's mood in the demo, empty otherwise."""
    matomo: str = ""
    """Matomo's address without secrets, empty when none is configured."""
    user: str = ""


@dataclass(frozen=True, slots=True)
class ProcessView:
    """One of our processes on this Redis, as it announced itself. Texts are raw, and from anywhere."""

    id: str
    host: str
    pid: int
    user: str
    role: str
    version: str
    endpoint: str = ""
    """The Matomo that it sends to; empty when it has none."""
    delivers: bool = False
    """It takes requests from Redis; otherwise it observes."""
    claims: int = 0
    requests: int = 0
    """In its claims now."""
    age: float = 0.0
    """Seconds since it was last seen."""
    here: bool = False
    """It is the process that took this snapshot."""
    environment: str = ""
    """The name of its environment; empty when it has none."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that one frame needs."""

    taken_at: float = 0.0
    interval: float = 1.0
    identity: Identity = field(default_factory=Identity)
    store: StoreStatus = field(default_factory=StoreStatus)
    queue: Reading[QueueView] = field(default_factory=Reading)
    requests: Reading[tuple[RequestRow, ...]] = field(default_factory=Reading)
    cache: Reading[CacheView] = field(default_factory=Reading)
    server: Reading[ServerView] = field(default_factory=Reading)
    keys: Reading[KeyCounts] = field(default_factory=Reading)
    health: Reading[HealthView] = field(default_factory=Reading)
    processes: Reading[tuple[ProcessView, ...]] = field(default_factory=Reading)
    history: tuple[Series, ...] = ()
    cause: str = ""
    """Line 2 of the screen: what is wrong, since when, what follows; or that nothing is."""
    cause_verdict: Verdict = Verdict.OK

    def series(self, name: str) -> Series:
        """The history of one figure, empty if there is none."""
        return next((series for series in self.history if series.name == name), Series(name))
