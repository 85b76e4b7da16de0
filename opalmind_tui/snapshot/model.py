"""What the engine tells a screen, frozen at one moment.

All moments are epoch seconds (float) by the clock of whoever answered: Redis time for what Redis counts, the engine's
clock for the rest. All durations are seconds, all sizes bytes, unless a name says otherwise. Text from outside is raw
here: `opalmind_tui.text` makes it safe, at the last step before a screen or a terminal.

The parts of the queue, the cache and the server lie in files of their own; everybody imports them from here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Generic, TypeVar

from msgspec import Struct, field

from opalmind_tui.snapshot.audit import AuditPage, Undoable
from opalmind_tui.snapshot.cache import CacheView, FeatureView, PreviewPoint, TtlPreview
from opalmind_tui.snapshot.entries import CacheDay, EntryListing
from opalmind_tui.snapshot.history import Figure, History, Series
from opalmind_tui.snapshot.listing import Groups, Listing
from opalmind_tui.snapshot.queue import (
    Acknowledged,
    Control,
    Gate,
    GateKind,
    Pause,
    QueueFigures,
    QueueView,
    RateLimit,
    RequestRow,
    State,
)
from opalmind_tui.snapshot.redis_report import RedisReport
from opalmind_tui.snapshot.server import KeyCounts, ServerView
from opalmind_tui.snapshot.services import ServicesView

T = TypeVar("T")


class Reading(Struct, Generic[T], frozen=True):
    """One part of a snapshot: its newest value, when it was read, and why the newest try failed.

    `value` survives a failed try, so that a panel can go on showing it with its age. `every` is the number of seconds
    between two tries, where that is not every frame.
    """

    value: T | None = None
    at: float = 0.0
    error: str | None = None
    every: float = 0.0

    def age(self, now: float) -> float:
        """Seconds since the value was read; infinite when it never was."""
        return max(0.0, now - self.at) if self.at else float("inf")


class Mode(StrEnum):
    """Which store serves: the shared one, or this process's memory while Redis is away (degraded)."""

    REDIS = "redis"
    MEMORY = "memory"


class Verdict(StrEnum):
    """The state of a part, as a word."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


class StoreStatus(Struct, frozen=True):
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
    """Host, port and database without secrets, or the socket's path; of a Cluster the node that was named."""
    nodes: int = 0
    """Primaries of a Cluster, as far as they are known."""
    home: str = ""
    """Address of the one that has the queue."""
    recovering: bool = False


class Check(Struct, frozen=True):
    """One line of the health document; `details` as the reference spells them."""

    name: str
    verdict: Verdict
    output: str
    component: str = "service"
    observed: float | None = None
    unit: str = ""
    details: tuple[tuple[str, Any], ...] = ()


class HealthView(Struct, frozen=True):
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


class Identity(Struct, frozen=True):
    """Whose screen this is and what it looks at."""

    environment: str = ""
    read_only: bool = False
    demo: str = ""
    """The stand-in's mood in the demo, empty otherwise."""
    matomo: str = ""
    """Matomo's address without secrets, empty when none is configured."""
    user: str = ""


class ProcessView(Struct, frozen=True):
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
    client: str = ""
    """The address from which the SSH session came that it runs in; empty for none."""


class Snapshot(Struct, frozen=True):
    """Everything that one frame needs."""

    taken_at: float = 0.0
    interval: float = 1.0
    identity: Identity = field(default_factory=Identity)
    store: StoreStatus = field(default_factory=StoreStatus)
    queue: Reading[QueueView] = field(default_factory=Reading)
    requests: Reading[tuple[RequestRow, ...]] = field(default_factory=Reading)
    listing: Reading[Listing] | None = None
    """The list that was asked for; None where none was."""
    groups: Reading[Groups] | None = None
    """The groups of failures that were asked for; None where none were."""
    audit: Reading[AuditPage] | None = None
    """The part of the audit trail that was asked for; None where none was."""
    undo: Undoable | None = None
    """The last act that can be undone, as far as is known without asking."""
    entries: Reading[EntryListing] | None = None
    """The entries of the cache that were asked for; None where none were."""
    cache_day: Reading[CacheDay] = field(default_factory=Reading)
    """The cache's look-ups of the day; empty unless its entries were asked for."""
    sites: tuple[tuple[str, str], ...] = ()
    """Numbers and Matomo's names of the sites of those requests, groups and entries, as far as they are known. Raw."""
    cache: Reading[CacheView] = field(default_factory=Reading)
    server: Reading[ServerView] = field(default_factory=Reading)
    keys: Reading[KeyCounts] = field(default_factory=Reading)
    health: Reading[HealthView] = field(default_factory=Reading)
    processes: Reading[tuple[ProcessView, ...]] = field(default_factory=Reading)
    services: Reading[ServicesView] = field(default_factory=Reading)
    """OpalMind services that run beside us; without a value where none is attached."""
    redis: Reading[RedisReport] = field(default_factory=Reading)
    """A closer look at the server; empty unless it was asked for."""
    history: tuple[Series, ...] = ()
    """What this process saw in the last minutes."""
    past: Reading[History] = field(default_factory=Reading)
    """What all processes noted, by the minute, in the last day."""
    cause: str = ""
    """Line 2 of the screen: what is wrong, since when, what follows; or that nothing is."""
    cause_verdict: Verdict = Verdict.OK

    def series(self, name: str) -> Series:
        """The history of one figure, empty if there is none."""
        return next((series for series in self.history if series.name == name), Series(name))


__all__ = [
    "Acknowledged",
    "CacheView",
    "Check",
    "Control",
    "FeatureView",
    "Figure",
    "Gate",
    "GateKind",
    "Groups",
    "HealthView",
    "History",
    "Identity",
    "KeyCounts",
    "Listing",
    "Mode",
    "Pause",
    "PreviewPoint",
    "ProcessView",
    "QueueFigures",
    "QueueView",
    "RateLimit",
    "Reading",
    "RequestRow",
    "Series",
    "ServerView",
    "ServicesView",
    "Snapshot",
    "State",
    "StoreStatus",
    "TtlPreview",
    "Verdict",
]
