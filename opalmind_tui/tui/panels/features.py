"""FEATURES: the report cache, one line for each kind of report."""

from __future__ import annotations

from collections.abc import Callable

from opalmind_tui.snapshot.model import CacheView, FeatureView, Snapshot
from opalmind_tui.tui import figures
from opalmind_tui.tui.drawn import remembered
from opalmind_tui.tui.lines import Area, Line, Span, Tone, outside, paragraph
from opalmind_tui.tui.sheet import Sheet, sheet
from opalmind_tui.tui.table import Column, head, row

_ORIGINS = {"default": "", "environment": "env", "configured": "set"}


def render(snapshot: Snapshot, area: Area) -> Sheet:
    """The panel."""
    return sheet("FEATURES", snapshot, snapshot.cache, area, _body)


@remembered
def _body(cache: CacheView, area: Area) -> list[Line]:
    if not cache.features:
        return paragraph("No report has been asked for yet.", area, Tone.DIM)
    features = sorted(cache.features, key=lambda one: (-(one.hits + one.misses), -one.entries, one.feature))
    return [head(COLUMNS, area.width), *(row(COLUMNS, feature, area.width) for feature in features)]


def _share(feature: FeatureView) -> Span:
    lookups = feature.hits + feature.misses
    return Span(figures.percent(100 * feature.hits / lookups if lookups else None), Tone.STRONG)


def _fault(number: int) -> Span:
    return Span(figures.count(number, 5), Tone.WARN if number else Tone.PLAIN)


def _each(feature: FeatureView, total: float, shown: Callable[[float], str]) -> str:
    """For one fetch."""
    return shown(total / feature.sets) if feature.sets else figures.UNKNOWN


def _ttl(feature: FeatureView) -> Span:
    changed = feature.ttl_origin == "configured"
    return Span(figures.lifetime(feature.ttl), Tone.ACCENT if changed else Tone.PLAIN)


COLUMNS: tuple[Column[FeatureView], ...] = (
    Column("report", 10, lambda one: outside(one.feature, limit=60), share=1),
    Column("hit", 5, _share, to_right=True),
    Column("hits", 6, lambda one: Span(figures.count(one.hits, 6)), to_right=True, from_width=60),
    Column("misses", 6, lambda one: Span(figures.count(one.misses, 6)), to_right=True, from_width=60),
    Column("sets", 6, lambda one: Span(figures.count(one.sets, 6)), to_right=True, from_width=72),
    Column("stale", 6, lambda one: Span(figures.count(one.stale_evictions, 6)), to_right=True, from_width=60),
    Column("old", 5, lambda one: _fault(one.stale_served), to_right=True, from_width=84),
    Column("corrupt", 7, lambda one: _fault(one.corrupt), to_right=True, from_width=84),
    Column("errors", 6, lambda one: _fault(one.errors), to_right=True, from_width=84),
    Column("size", 6, lambda one: Span(_each(one, one.bytes, figures.size)), to_right=True, from_width=98),
    Column(
        "fetch",
        7,
        lambda one: Span(_each(one, one.fetch_ms / 1000, figures.milliseconds)),
        to_right=True,
        from_width=98,
    ),
    Column("entries", 7, lambda one: Span(figures.count(one.entries, 7)), to_right=True),
    Column("TTL", 6, _ttl, to_right=True),
    Column("from", 4, lambda one: Span(_ORIGINS.get(one.ttl_origin, ""), Tone.DIM), from_width=46),
)
