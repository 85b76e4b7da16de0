"""CACHE: whether reports come from the cache, and what it costs when they do not."""

from __future__ import annotations

from opalmind_tui.snapshot.model import CacheView, Figure, Snapshot
from opalmind_tui.tui import figures
from opalmind_tui.tui.grid import Cell, Columns, beside, grid, trimmed
from opalmind_tui.tui.lines import Area, Line, Span, Tone, left, line
from opalmind_tui.tui.panels.history import picture
from opalmind_tui.tui.sheet import Sheet, sheet, verdict_of

CHECK = "reports-cache"
_SINGLE = Columns(9, 7)
_NARROW = Columns(13, 7)
_MEDIUM = Columns(12, 6, 2, 8, 9)


def render(snapshot: Snapshot, area: Area) -> Sheet:
    """The panel."""
    verdict = verdict_of(snapshot, CHECK)
    return sheet(
        "CACHE", snapshot, snapshot.cache, area, lambda view, room: _body(snapshot, view, room), verdict=verdict,
    )  # fmt: skip


def _body(snapshot: Snapshot, cache: CacheView, area: Area) -> list[Line]:
    if area.width < _MEDIUM.width:
        columns = _SINGLE if area.width < _NARROW.width else _NARROW
        rows = grid([*_traffic(cache, columns), *_stock(snapshot, cache, columns)], [], columns)
        return trimmed([*_mistake(cache), *rows, _ttl_line(cache, area.width)], area.height)
    stock = [
        *_stock(snapshot, cache, _MEDIUM),
        Cell("corrupt", figures.count(cache.corrupt), _alarm(cache.corrupt)),
        Cell("errors", figures.count(cache.errors), _alarm(cache.errors)),
    ]
    rows = grid(_traffic(cache, _MEDIUM), stock, _MEDIUM)
    if area.width >= _MEDIUM.width + 12:
        chart = picture(snapshot, Figure.HIT_RATE, area.width - _MEDIUM.width - 3, 5, zero=False)
        rows = beside([*rows, *_rest(cache, area)], chart, 0, area, gap=3, caption="hit rate")
        return trimmed(rows, area.height)
    rows += _rest(cache, area)
    height = min(3, area.height - len(rows))
    chart = picture(snapshot, Figure.HIT_RATE, area.width - 10, height, zero=False) if height > 0 else []
    labels = [*[""] * (height - 1), "hit rate"]
    rows += [line(left(label, 10, Tone.DIM), Span(text, Tone.CHART)) for label, text in zip(labels, chart, strict=True)]
    return trimmed(rows, area.height)


def _rest(cache: CacheView, area: Area) -> list[Line]:
    fetch = figures.milliseconds(cache.fetch_ms / cache.sets / 1000) if cache.sets else figures.UNKNOWN
    return [
        *_mistake(cache),
        _ttl_line(cache, area.width),
        line(
            Span("sent keys kept ", Tone.DIM), figures.lifetime(cache.idempotency_ttl),
            Span("  fetch ", Tone.DIM), fetch,
        ),
        line(
            Span("served stale ", Tone.DIM), figures.count(cache.stale_served),
            Span("  memory ", Tone.DIM), _memory(cache),
        ),
    ]  # fmt: skip


def _mistake(cache: CacheView) -> list[Line]:
    """Reports of one Matomo would be given for those of another one."""
    return [line(Span(f"{len(cache.other_sources) + 1} Matomos, one prefix", Tone.WARN))] if cache.other_sources else []


def _memory(cache: CacheView) -> str:
    return f"about {figures.size(cache.memory_bytes)}" if cache.memory_bytes else figures.UNKNOWN


def _traffic(cache: CacheView, columns: Columns) -> list[Cell | None]:
    minutes = f" {figures.short(cache.window / 60)}m" if cache.window >= 60 and columns.label >= 12 else ""
    width = columns.value - 1
    stale = "stale evict." if columns.label >= 12 else "stale ev."
    return [
        Cell(f"hit rate{minutes}", figures.percent(cache.hit_rate)),
        Cell("hits", figures.count(cache.hits, width)),
        Cell("misses", figures.count(cache.misses, width)),
        Cell("sets", figures.count(cache.sets, width)),
        Cell(stale, figures.count(cache.stale_evictions, width)),
    ]


def _stock(snapshot: Snapshot, cache: CacheView, columns: Columns) -> list[Cell | None]:
    server = snapshot.server.value
    evicted = figures.rate(server.evicted_rate) if server else figures.UNKNOWN
    return [
        _entries(cache, columns),
        Cell("evicted", evicted, _alarm(server.evicted_rate if server else 0)),
        Cell("saved", f"{figures.short(cache.saved_per_hour)}/h"),
    ]


def _entries(cache: CacheView, columns: Columns) -> Cell:
    """An estimate says so, in the words that there is room for."""
    if cache.entries_exact:
        return Cell("entries", figures.count(cache.entries, 6))
    if columns is _NARROW:
        return Cell("entries about", figures.count(cache.entries, 6))
    return Cell("entries", f"{'about' if columns is _MEDIUM else 'abt'} {figures.short(cache.entries)[:3]}")


def _alarm(number: float) -> Tone:
    return Tone.WARN if number > 0 else Tone.STRONG


def _ttl_line(cache: CacheView, width: int) -> Line:
    changed = f"  {cache.ttls_changed} changed" if cache.ttls_changed else ""
    text = f"TTL {figures.lifetime(cache.ttl)}"
    if width >= _MEDIUM.width:
        return line(Span("reports  ", Tone.DIM), text, Span(changed, Tone.WARN))
    return line(Span("TTL ", Tone.DIM), text[4:], Span(changed, Tone.WARN))
