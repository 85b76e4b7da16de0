"""The cache as a screen shows it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from opalmind_tui.reports.counters import Count, Totals
from opalmind_tui.reports.features import NAMES
from opalmind_tui.reports.ttl import Ttls
from opalmind_tui.snapshot.model import CacheView, FeatureView

_HOUR = 3600.0


class Census(Struct, frozen=True):
    """Entries by feature, all keys under the prefix, and whether these are exact."""

    features: Mapping[str, int]
    total: int
    exact: bool


def cache_view(
    totals: Totals, census: Census, ttls: Ttls, memory_bytes: int, other_sources: tuple[str, ...] = ()
) -> CacheView:
    """The snapshot's part. `saved_per_hour`: requests to Matomo that hits made needless, at the window's rate."""
    hits, misses = (sum(totals.window.get((name, count), 0) for name in NAMES) for count in (Count.HITS, Count.MISSES))
    return CacheView(
        **{field: sum(totals.all.get((name, count), 0) for name in NAMES) for field, count in _FIELDS.items()},
        entries=census.total,
        entries_exact=census.exact,
        window=totals.seconds,
        window_hits=hits,
        window_misses=misses,
        saved_per_hour=hits * _HOUR / totals.seconds,
        ttl=ttls.reports().seconds,
        idempotency_ttl=ttls.idempotency().seconds,
        ttls_changed=ttls.changed(),
        features=tuple(_feature_view(name, totals, census, ttls) for name in NAMES),
        memory_bytes=memory_bytes,
        other_sources=other_sources,
    )


_FIELDS = {
    "hits": Count.HITS,
    "misses": Count.MISSES,
    "sets": Count.SETS,
    "stale_evictions": Count.STALE_EVICTIONS,
    "stale_served": Count.STALE_SERVED,
    "corrupt": Count.CORRUPT,
    "errors": Count.ERRORS,
    "bytes": Count.BYTES,
    "fetch_ms": Count.FETCH_MS,
}


def _feature_view(name: str, totals: Totals, census: Census, ttls: Ttls) -> FeatureView:
    ttl = ttls.report(name)
    return FeatureView(
        feature=name,
        hits=totals.all.get((name, Count.HITS), 0),
        misses=totals.all.get((name, Count.MISSES), 0),
        sets=totals.all.get((name, Count.SETS), 0),
        stale_evictions=totals.all.get((name, Count.STALE_EVICTIONS), 0),
        stale_served=totals.all.get((name, Count.STALE_SERVED), 0),
        corrupt=totals.all.get((name, Count.CORRUPT), 0),
        errors=totals.all.get((name, Count.ERRORS), 0),
        bytes=totals.all.get((name, Count.BYTES), 0),
        fetch_ms=totals.all.get((name, Count.FETCH_MS), 0),
        entries=census.features.get(name, 0),
        ttl=ttl.seconds,
        ttl_origin=ttl.origin,
        window_hits=totals.window.get((name, Count.HITS), 0),
        window_misses=totals.window.get((name, Count.MISSES), 0),
    )
