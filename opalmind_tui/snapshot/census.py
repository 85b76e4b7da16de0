"""What the keys of a database are, how much memory they take and when they expire, as a sample or a count tells it."""

from __future__ import annotations

from msgspec import Struct


class Estimate(Struct, frozen=True):
    """A figure and its 95 % interval. One that was counted has all three the same."""

    value: float = 0.0
    low: float = 0.0
    high: float = 0.0
    """Infinite where too little was seen to say how much it may be at the most."""

    @property
    def exact(self) -> bool:
        """It was counted."""
        return self.low == self.high


NOTHING = Estimate()


class KeyGroup(Struct, frozen=True):
    """Keys that belong together: under one prefix, of one feature, expiring in one span of time.

    Args:
        keys: how many.
        memory: bytes that the server needs for them; None where it may not be asked (MEMORY USAGE forbidden).
    """

    name: str
    keys: Estimate = NOTHING
    memory: Estimate | None = None


class Expiry(Struct, frozen=True):
    """Keys that the server will drop by itself: from `after` on, before `before` (seconds from now, infinite last)."""

    after: float
    before: float
    group: KeyGroup


class SeenKey(Struct, frozen=True):
    """One key that was looked at. `name` is raw text from outside, cut where it is long; `ttl` None: none is set."""

    name: str
    place: str
    size: int
    ttl: float | None


class KeyCensus(Struct, frozen=True):
    """All keys of the database.

    Args:
        total: keys of the database, by its own count.
        all: all of them, and the memory that they take.
        looked_at: different looks at keys that the figures rest on; memory and times always come from such looks.
        prefixes: idempotency, cache, queue, stats, foreign.
        features: of the cache, the one with the most memory first.
        expiries: when keys expire, soonest first.
        lasting: keys that never expire, wherever they belong.
        forgotten: keys under idempotency and cache that never expire, and should.
        corrupt: keys under idempotency and cache that are none of ours by type or text; None where it is not looked at.
        biggest: the biggest keys that were seen, biggest first; all the queue's own are among those seen.
        counted: the keys of prefixes and features were counted, not estimated.
        note: what could not be read, and why.
        nodes: of a Cluster the same for each primary; what stands beside it is the sum.
    """

    total: int = 0
    all: KeyGroup = KeyGroup("all")
    looked_at: int = 0
    prefixes: tuple[KeyGroup, ...] = ()
    features: tuple[KeyGroup, ...] = ()
    expiries: tuple[Expiry, ...] = ()
    lasting: KeyGroup = KeyGroup("lasting")
    forgotten: KeyGroup = KeyGroup("forgotten")
    corrupt: KeyGroup | None = None
    biggest: tuple[SeenKey, ...] = ()
    counted: bool = False
    note: str = ""
    nodes: tuple[NodeKeys, ...] = ()


class NodeKeys(Struct, frozen=True):
    """The keys of one node of a Cluster. `census` is of its keys alone."""

    address: str
    census: KeyCensus


class CountProgress(Struct, frozen=True):
    """How far a count of all keys is.

    Args:
        done, total: keys.
        running: it goes on; else it was stopped, and can go on from there.
        seconds_left: at the present pace; None before that is known.
        census: the result, once it is complete.
        error: why it stopped by itself.
    """

    done: int = 0
    total: int = 0
    running: bool = False
    seconds_left: float | None = None
    census: KeyCensus | None = None
    error: str = ""
