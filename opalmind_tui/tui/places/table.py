"""The one table of places: keys, key bar, help and palette follow from it."""

from __future__ import annotations

from importlib import import_module

from msgspec import Struct

from opalmind_tui.engine.port import EnginePort
from opalmind_tui.tui.places.place import Place


class Entry(Struct, frozen=True):
    """One place.

    Args:
        id: stable name; also the name of the action that goes there, and of its module in this folder.
        kind: its class.
    """

    id: str
    kind: str

    def make(self, engine: EnginePort) -> Place:
        """Build it. Its module is loaded not before, because most dashboards never visit most places."""
        place = getattr(import_module(f"opalmind_tui.tui.places.{self.id}"), self.kind)(self.id, engine)
        assert isinstance(place, Place)
        return place


PLACES: tuple[Entry, ...] = (
    Entry("overview", "Overview"),
    Entry("queue", "QueuePlace"),
    Entry("cache", "CachePlace"),
    Entry("redis", "RedisPlace"),
    Entry("fleet", "FleetPlace"),
    Entry("doctor", "DoctorPlace"),
    Entry("audit", "AuditPlace"),
    Entry("history", "HistoryPlace"),
)
