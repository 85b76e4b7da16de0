"""The report cache in a snapshot: figures by kind of report, and what another time to live would do."""

from __future__ import annotations

from msgspec import Struct


class FeatureView(Struct, frozen=True):
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


class CacheView(Struct, frozen=True):
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


class PreviewPoint(Struct, frozen=True):
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


class TtlPreview(Struct, frozen=True):
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
