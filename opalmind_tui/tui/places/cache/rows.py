"""A kind of report with all that is known of it: counts, look-ups of the day, entries."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from opalmind_tui.snapshot.entries import OTHERS, FeatureEntries, Lookups
from opalmind_tui.snapshot.model import CacheView, FeatureView, Snapshot

ALL = "all reports"
OTHERS_NAME = "other keys"
_HOUR = 3600.0


class FeatureRow(Struct, frozen=True):
    """One line of the table.

    Args:
        id: the feature, empty for all of them, `OTHERS` for keys that are no report's.
        counts: None for `OTHERS`: nobody asks for them.
        entries: how many there are, as the census knows; None where it counts no such.
        exact: whether that is counted.
        stored: the sums of what was gone through; None before the first walk.
        complete: all keys were gone through, just now.
    """

    id: str
    counts: FeatureView | None
    day: Lookups
    entries: int | None
    exact: bool
    stored: FeatureEntries | None
    complete: bool
    window: float

    @property
    def name(self) -> str:
        """What it is called."""
        return OTHERS_NAME if self.id == OTHERS else self.id or ALL

    @property
    def number(self) -> int:
        """Entries: those that were gone through, where that is all of them, else those of the census."""
        if self.stored is not None and (self.complete or self.entries is None):
            return self.stored.entries
        return self.entries or 0

    @property
    def about(self) -> bool:
        """Whether number and bytes are estimates."""
        return not self.complete and not (self.exact and self.entries is not None)

    @property
    def bytes(self) -> float | None:
        """Of all entries: as they were seen, else by the mean of those that were seen or stored. None: not known."""
        if self.stored is not None and self.complete:
            return self.stored.bytes
        each = self.each
        return None if each is None else each * self.number

    @property
    def each(self) -> float | None:
        """Bytes of one entry."""
        if self.stored is not None and self.stored.entries:
            return self.stored.bytes / self.stored.entries
        return self.counts.bytes / self.counts.sets if self.counts is not None and self.counts.sets else None

    @property
    def lookups(self) -> int:
        """Since counting began."""
        return self.counts.hits + self.counts.misses if self.counts is not None else 0

    @property
    def saved_per_hour(self) -> float:
        """Requests to Matomo that hits make needless, at the rate of the last minutes."""
        return self.counts.window_hits * _HOUR / self.window if self.counts is not None and self.window else 0.0


class FeatureOrder(StrEnum):
    """How the table is sorted."""

    BUSIEST = "most look-ups first"
    WORST = "lowest hit rate of the day first"
    NAME = "by name"


_KEYS: dict[FeatureOrder, Callable[[FeatureRow], tuple[float, str]]] = {
    FeatureOrder.BUSIEST: lambda row: (-row.lookups, row.id),
    FeatureOrder.WORST: lambda row: (200.0 if row.day.hit_rate is None else row.day.hit_rate, row.id),
    FeatureOrder.NAME: lambda row: (0.0, row.id),
}


def feature_rows(snapshot: Snapshot, order: FeatureOrder) -> tuple[FeatureRow, ...]:
    """The table: all of them in one line, then one line each; what is no report's comes last, if there is any."""
    cache = snapshot.cache.value
    if cache is None:
        return ()
    listing = snapshot.entries.value if snapshot.entries is not None else None
    day = snapshot.cache_day.value
    complete = listing is not None and listing.done and listing.age(snapshot.taken_at) is None

    def row(name: str, counts: FeatureView | None, entries: int | None) -> FeatureRow:
        looked = day.of(name) if day is not None else Lookups(name)
        stored = listing.of(name) if listing is not None else None
        if stored is None and complete:
            stored = FeatureEntries(name)
        return FeatureRow(name, counts, looked, entries, cache.entries_exact, stored, complete, cache.window)

    rows = [row(one.feature, one, one.entries) for one in cache.features]
    shown = [row("", _all(cache), cache.entries), *sorted(rows, key=_KEYS[order])]
    if listing is not None and listing.of(OTHERS) is not None:
        shown.append(row(OTHERS, None, None))
    return tuple(shown)


def _all(cache: CacheView) -> FeatureView:
    same = ("hits", "misses", "sets", "stale_evictions", "stale_served", "corrupt", "errors", "bytes", "fetch_ms",
            "entries", "ttl", "window_hits", "window_misses")  # fmt: skip
    return FeatureView("", **{name: getattr(cache, name) for name in same}, ttl_origin="")
