"""Where each request in memory stands: in exactly one place. All moments are whole microseconds."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from heapq import merge
from typing import Any

from msgspec import Struct, field
from sortedcontainers import SortedList

from opalmind_tui.snapshot.listing import Attempt
from opalmind_tui.tracking.request import TrackingRequest

Shard = tuple[str, str]
"""Endpoint and visitor shard."""
Entry = tuple[int, str]
"""Moment and id: what the sorted lists hold."""
LAST = chr(0x10FFFF)
"""Sorts after every id."""


class Place(Enum):
    """The place of a request."""

    DUE = "due"
    HELD = "held"
    """Due or scheduled, but not to be sent from here: it moves to Redis, or Redis may have it."""
    INFLIGHT = "inflight"
    DEAD = "dead"


class Item(Struct):
    """A request and what is known of it. `due` is also its place in the order while it is in flight."""

    id: str
    request: TrackingRequest
    endpoint: str
    accepted: int
    due: int
    place: Place = Place.DUE
    token: str = ""
    attempts: int = 0
    recovered: int = 0
    unknown: int = 0
    status: int | None = None
    error: str = ""
    failed: int = 0
    doubted: int = 0
    """When its outcome became unknown last; 0 if it never was."""
    alone: int = 0
    died: int = 0
    history: tuple[Attempt, ...] = ()
    adopting: bool = False
    in_doubt: bool = False
    size: int = 0

    @property
    def shard(self) -> Shard:
        """What a claim leases to send it."""
        return self.endpoint, self.id[2]


class Lease(Struct):
    """A claim: what it holds, until when, and whether it was posted, or is going to be at once."""

    ends: int
    shards: tuple[Shard, ...]
    ids: list[str] = field(default_factory=list)
    posted: bool = False
    posting: bool = False

    @property
    def may_be_posted(self) -> bool:
        """Should it be lost, nobody knows whether Matomo has what it holds."""
        return self.posted or self.posting


class Places:
    """All requests."""

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        self.bytes = 0
        """Of all bodies."""
        self.due: dict[Shard, Any] = {}
        self.held: dict[str, Item] = {}
        self.inflight: Any = SortedList()
        self.dead: Any = SortedList()
        self.failed: Any = SortedList()
        self.doubted: Any = SortedList()
        self._by_age: Any = SortedList()
        self._alive: Any = SortedList()

    def add(self, item: Item) -> None:
        """A new request, at the place that it names."""
        self.items[item.id] = item
        item.size = item.size or len(item.request.encode())
        self.bytes += item.size
        self._by_age.add((item.accepted, item.id))
        if item.failed:
            self.failed.add((item.failed, item.id))
        if item.doubted:
            self.doubted.add((item.doubted, item.id))
        self._enter(item, item.place)

    def move(self, item: Item, place: Place) -> None:
        """To another place (or the same, when `due` changes: set it through `reschedule`)."""
        self._leave(item)
        self._enter(item, place)

    def reschedule(self, item: Item, due: int) -> None:
        """Due at another time."""
        self._leave(item)
        item.due = due
        self._enter(item, Place.DUE)

    def remove(self, item: Item) -> None:
        """Out of the queue."""
        self._leave(item)
        self._by_age.remove((item.accepted, item.id))
        if item.failed:
            self.failed.remove((item.failed, item.id))
        if item.doubted:
            self.doubted.remove((item.doubted, item.id))
        del self.items[item.id]
        self.bytes -= item.size

    def mark_failed(self, item: Item, now: int) -> None:
        """Its newest failure was now."""
        if item.failed:
            self.failed.remove((item.failed, item.id))
        item.failed = now
        self.failed.add((now, item.id))

    def mark_unknown(self, item: Item, now: int) -> None:
        """It was posted, and no answer came."""
        item.unknown += 1
        if item.doubted:
            self.doubted.remove((item.doubted, item.id))
        item.doubted = now
        self.doubted.add((now, item.id))

    def _enter(self, item: Item, place: Place) -> None:
        item.place = place
        if place is Place.DUE:
            self.due.setdefault(item.shard, SortedList()).add((item.due, item.id))
        elif place is Place.HELD:
            self.held[item.id] = item
        elif place is Place.INFLIGHT:
            self.inflight.add((item.accepted, item.id))
        else:
            self.dead.add((item.died, item.id))
        if place is not Place.DEAD:
            self._alive.add((item.accepted, item.id))

    def _leave(self, item: Item) -> None:
        if item.place is Place.DUE:
            entries = self.due[item.shard]
            entries.remove((item.due, item.id))
            if not entries:
                del self.due[item.shard]
        elif item.place is Place.HELD:
            del self.held[item.id]
        elif item.place is Place.INFLIGHT:
            self.inflight.remove((item.accepted, item.id))
        else:
            self.dead.remove((item.died, item.id))
        if item.place is not Place.DEAD:
            self._alive.remove((item.accepted, item.id))

    def oldest_accepted(self) -> int | None:
        """Acceptance of the oldest request that is not dead."""
        return self._alive[0][0] if self._alive else None

    def oldest_first(self) -> Iterator[Item]:
        """Every request in order of acceptance."""
        return (self.items[request_id] for _, request_id in self._by_age)

    def oldest_due(self) -> Iterator[str]:
        """Ids of what is due or scheduled, held ones too, the earliest first."""
        held = sorted((item.due, item.id) for item in self.held.values())
        return (request_id for _, request_id in merge(held, *self.due.values()))

    def is_due_at(self, shard: Shard, moment: int) -> bool:
        """Whether a request of this shard has exactly this due time."""
        return next(self.due.get(shard, SortedList()).irange((moment, ""), (moment, LAST)), None) is not None

    def heads(self, endpoint: str) -> list[tuple[int, str, Shard]]:
        """The earliest due time of each of an endpoint's shards, in order."""
        return sorted((entries[0][0], shard[1], shard) for shard, entries in self.due.items() if shard[0] == endpoint)
