"""OpalMind services beside us, frozen at one moment, as their health documents tell.

Texts are raw and foreign; secrets in them are masked. Moments are epoch seconds by our clock unless a name says that
they are the service's: its clock may be minutes off, so the two are never compared.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Reach(StrEnum):
    """What came of asking a service."""

    UNASKED = "unasked"
    """Not yet."""
    UP = "up"
    """It answered: with its health document, or that its own health check failed."""
    AWAY = "away"
    """No answer: no connection, none in time, or it broke."""
    DENIED = "denied"
    """It will not tell us: the token is refused, or we ask too often."""
    STRANGE = "strange"
    """Something answered, and it was no health document."""


class ServiceFigures(Struct, frozen=True):
    """What a health document tells. None where it does not."""

    status: str
    """``healthy``, ``degraded`` or ``unhealthy``."""
    moment: float | None = None
    """When, by the service's clock."""
    error: str = ""
    """Why the service's check itself failed; then it knows no figure (its Redis is away, as a rule)."""
    pending: int | None = None
    inflight: int | None = None
    processed: int | None = None
    """Delivered since the service started; given up requests are in no total."""
    retried: int | None = None
    backlog_age: float | None = None
    """Seconds. Of an empty queue: since its last retry, a figure that says nothing."""
    last_error: str = ""
    last_error_status: int | None = None
    last_error_age: float | None = None
    """Seconds, at `moment`."""
    cooldown: float = 0.0
    """Seconds that it still waited for Matomo at `moment`; 0 for none."""
    hits: int | None = None
    misses: int | None = None
    entries: int | None = None
    """Keys under the cache prefix of its Redis: what a look costs that Redis."""
    matomo: float | None = None
    """Seconds that Matomo took to answer it."""
    failing: tuple[tuple[str, str, str], ...] = ()
    """Checks that do not pass: name, ``warn`` or ``fail``, and why."""

    @property
    def lookups(self) -> int:
        """Reports that it looked for."""
        return (self.hits or 0) + (self.misses or 0)

    @property
    def hit_rate(self) -> float | None:
        """Percent; None where nothing was looked for."""
        return None if self.hits is None or not self.lookups else 100 * self.hits / self.lookups

    @property
    def idle(self) -> bool:
        """Its queue is empty. Then the age that its own check judges counts from its last retry, and fails for ever."""
        return self.pending == 0 and self.inflight == 0


class ServiceChanges(Struct, frozen=True):
    """What happened between the newest two looks that told figures."""

    seconds: float
    """Between the two."""
    processed: int = 0
    retried: int = 0
    pending: int = 0
    """Pending and in flight, more or less."""
    status_before: str = ""
    """Its former status, where that changed."""
    restarted: bool = False
    """Its totals fell: another process answers; the differences are since its start."""


class ServiceView(Struct, frozen=True):
    """One service."""

    url: str
    reach: Reach = Reach.UNASKED
    asked_at: float = 0.0
    """When the newest answer, or the lack of one, was known."""
    took: float | None = None
    """Seconds until the answer."""
    trouble: str = ""
    """Why the newest look told nothing; empty when it did."""
    since: float = 0.0
    """Since when `reach` is what it is."""
    figures: ServiceFigures | None = None
    """The newest that were told; they survive a look that fails."""
    told_at: float = 0.0
    """When they were told."""
    changes: ServiceChanges | None = None
    open_only: bool = False
    """The open ``/health`` was read, without a token."""

    @property
    def cost(self) -> int:
        """Commands that one look costs the service's Redis: two KEYS over all its keys, and a GET for each entry."""
        entries = self.figures.entries if self.figures is not None else None
        return 2 + (entries or 0)


class ServicesView(Struct, frozen=True):
    """All attached services."""

    services: tuple[ServiceView, ...] = ()
    interval: float = 0.0
    """Seconds from one look to the next."""
    next_at: float = 0.0
    """When the next look is due; 0 while one is under way."""

    @property
    def cost(self) -> int:
        """Commands that a look at all of them costs their Redis servers."""
        return sum(one.cost for one in self.services)
