"""The one table of places: keys, key bar, help and palette follow from it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from opalmind_tui.engine.port import EnginePort
from opalmind_tui.tui.places.audit import AuditPlace
from opalmind_tui.tui.places.cache import CachePlace
from opalmind_tui.tui.places.doctor import DoctorPlace
from opalmind_tui.tui.places.fleet import FleetPlace
from opalmind_tui.tui.places.history import HistoryPlace
from opalmind_tui.tui.places.overview import Overview
from opalmind_tui.tui.places.place import Place
from opalmind_tui.tui.places.queue import QueuePlace
from opalmind_tui.tui.places.redis import RedisPlace


class Entry(Struct, frozen=True):
    """One place.

    Args:
        id: stable name; also the name of the action that goes there.
        make: builds it, at the first visit.
    """

    id: str
    make: Callable[[str, EnginePort], Place]


PLACES: tuple[Entry, ...] = (
    Entry("overview", Overview),
    Entry("queue", QueuePlace),
    Entry("cache", CachePlace),
    Entry("redis", RedisPlace),
    Entry("fleet", FleetPlace),
    Entry("doctor", DoctorPlace),
    Entry("audit", AuditPlace),
    Entry("history", HistoryPlace),
)
