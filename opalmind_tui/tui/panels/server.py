"""REDIS: the server that keeps it all, or why it does not."""

from __future__ import annotations

from opalmind_tui.snapshot.model import Figure, KeyCounts, Mode, Reading, ServerView, Snapshot, Verdict
from opalmind_tui.text import safe_text
from opalmind_tui.tui import figures
from opalmind_tui.tui.charts import bar
from opalmind_tui.tui.grid import Cell, Columns, beside, grid, trimmed
from opalmind_tui.tui.lines import Area, Line, Span, Tone, line, outside, paragraph, width_of
from opalmind_tui.tui.panels.history import picture
from opalmind_tui.tui.sheet import Sheet, sheet, verdict_of

CHECK = "redis-connection"
_SINGLE = Columns(9, 7)
_NARROW = Columns(5, 5, 1, 6, 5)
_MEDIUM = Columns(9, 8, 3, 9, 8)


def render(snapshot: Snapshot, area: Area) -> Sheet:
    """The panel."""
    if snapshot.store.mode is Mode.MEMORY:
        return Sheet("REDIS", tuple(_away(snapshot, area)), Verdict.FAIL, note="away")
    nodes = len(snapshot.server.value.nodes) if snapshot.server.value is not None else 0
    return sheet(
        "REDIS", snapshot, snapshot.server, area, lambda view, room: _body(snapshot, view, room),
        verdict=verdict_of(snapshot, CHECK), note=f"{nodes} nodes" if nodes else "",
    )  # fmt: skip


def _away(snapshot: Snapshot, area: Area) -> list[Line]:
    store = snapshot.store
    inner = Area(area.width - 2, area.height - 1)
    zone = figures.zone_name(store.since)
    since = f"since {figures.clock(store.since)} {zone} ({figures.words(snapshot.taken_at - store.since)})"
    half = Area(inner.width, max(1, (inner.height - 3) // 2))
    return [
        *paragraph(safe_text(store.reason) or "No connection", half, Tone.FAIL),
        *paragraph(since, Area(inner.width, 2), Tone.DIM),
        *paragraph(safe_text(store.remedy), half),
        *paragraph("Trying again all the time.", Area(inner.width, 2), Tone.DIM),
    ]


def _body(snapshot: Snapshot, server: ServerView, area: Area) -> list[Line]:
    if area.width < _NARROW.width:
        return trimmed(_single(snapshot, server), area.height)
    if area.width < _MEDIUM.width:
        return trimmed(_narrow(snapshot, server, area), area.height)
    return trimmed(_wide(snapshot, server, area), area.height)


def _memory(server: ServerView) -> tuple[str, float | None, Tone]:
    """Used and limit as text, the share, and how bad that is."""
    share = server.memory_share
    if share is None:
        return f"{figures.size(server.used_memory)}, no limit", None, Tone.STRONG
    tone = Tone.FAIL if share >= 0.95 else Tone.WARN if share >= 0.8 else Tone.STRONG
    # Of a Cluster the fullest node decides, also where another has no limit.
    limit = f"/{figures.size(server.max_memory)}" if server.max_memory else ", fullest node"
    return f"{figures.size(server.used_memory)}{limit}", share, tone


def _policy(server: ServerView) -> Span:
    """The eviction policy. Every one but noeviction may throw queued requests away."""
    return outside(server.policy or figures.UNKNOWN, Tone.STRONG, 20)


def _policy_line(server: ServerView, width: int) -> Line:
    """Policy and outlook; the label gives way."""
    said = line(_policy(server), Span("  "), *_full(server))
    label = Span("policy   ", Tone.DIM)
    return (label, *said) if len(label.text) + width_of(said) <= width else said


def _full(server: ServerView) -> Line:
    if server.full_in is not None and server.max_memory:
        return line(Span(f"full in about {figures.words(server.full_in)}", Tone.WARN))
    return line(Span("memory is steady" if server.max_memory else "no memory limit", Tone.DIM))


def _about(keys: Reading[KeyCounts], number: int) -> str:
    exact = keys.value is None or keys.value.exact
    return figures.short(number) if not exact else figures.count(number, 5)


def _total(snapshot: Snapshot, server: ServerView) -> Line:
    keys = snapshot.keys.value
    total = keys.total if keys else server.total_keys
    about = "" if keys is None or keys.exact else "about "
    return line(Span("keys ", Tone.DIM), Span(f"{about}{figures.count(total, 9)}", Tone.STRONG))


def _prefixes(snapshot: Snapshot) -> list[Cell | None]:
    """Keys per prefix, or the reason in the place of the first."""
    keys, reading = snapshot.keys.value, snapshot.keys
    if keys is None:
        return [Cell("idem", figures.UNKNOWN), Cell("cache", figures.UNKNOWN), Cell("queue", figures.UNKNOWN)]
    named = [
        ("idem", keys.idempotency), ("cache", keys.cache), ("queue", keys.queue),
        ("stats", keys.stats), ("other", keys.other),
    ]  # fmt: skip
    return [Cell(name, _about(reading, number)) for name, number in named]


def _single(snapshot: Snapshot, server: ServerView) -> list[Line]:
    memory, share, tone = _memory(server)
    used = f" {figures.percent(share * 100)}" if share is not None else ""
    cells: list[Cell | None] = [
        Cell("ops", figures.rate(server.ops_rate)),
        Cell("key hits", figures.percent(server.keyspace_hit_rate)),
        Cell("evicted", figures.rate(server.evicted_rate), _alarm(server.evicted_rate)),
        Cell("clients", figures.count(server.clients)),
    ]
    rows = [line(Span(f"{memory}{used}", tone)), line(_policy(server)), _full(server), *grid(cells, [], _SINGLE)]
    return [*rows, _total(snapshot, server)]


def _narrow(snapshot: Snapshot, server: ServerView, area: Area) -> list[Line]:
    memory, share, tone = _memory(server)
    used = f" {figures.percent(share * 100)}" if share is not None else ""
    prefixes = _prefixes(snapshot)
    lefts = [
        Cell("peak", figures.size(server.peak_memory)),
        Cell("hits", figures.percent(server.keyspace_hit_rate)),
        Cell("ops", figures.rate(server.ops_rate)[:5]),
    ]
    rights = [
        Cell("frag", f"{server.fragmentation:.2f}"),
        Cell("evict", figures.rate(server.evicted_rate)[:5], _alarm(server.evicted_rate)),
        Cell("client", figures.count(server.clients, 5)),
    ]
    return [
        line(Span("mem ", Tone.DIM), Span(f"{memory}{used}", tone)),
        *grid(lefts, rights, _NARROW),
        line(Span("policy ", Tone.DIM), _policy(server)),
        _full(server),
        _total(snapshot, server),
        *grid(prefixes[0::2][:2], prefixes[1::2][:2], _NARROW),
    ]


def _wide(snapshot: Snapshot, server: ServerView, area: Area) -> list[Line]:
    memory, share, tone = _memory(server)
    used = f"  {figures.percent(share * 100)}" if share is not None else ""
    full, empty = bar(share, _MEDIUM.width - 11 - len(memory) - len(used)) if share is not None else ("", "")
    gauge = line("  ", Span(full, tone if tone is not Tone.STRONG else Tone.CHART), Span(empty, Tone.DIM))
    lefts = [
        Cell("peak", figures.size(server.peak_memory)),
        Cell("key hits", figures.percent(server.keyspace_hit_rate)),
        Cell("evicted", figures.rate(server.evicted_rate), _alarm(server.evicted_rate)),
        Cell("clients", figures.count(server.clients)),
    ]
    rights = [
        Cell("fragment.", f"{server.fragmentation:.2f}"),
        Cell("ops", figures.rate(server.ops_rate)),
        Cell("expired", figures.rate(server.expired_rate)),
        Cell("ping", figures.milliseconds(server.round_trip)),
    ]
    prefixes = _prefixes(snapshot)
    rows = [
        line(Span("memory   ", Tone.DIM), Span(f"{memory}{used}", tone), *gauge),
        _policy_line(server, area.width),
        *grid(lefts, rights, _MEDIUM),
        _total(snapshot, server),
        *grid(prefixes[0::2], prefixes[1::2], _MEDIUM),
        line(
            Span("all: evicted ", Tone.DIM), figures.short(server.evicted_keys),
            Span(" hits ", Tone.DIM), figures.short(server.keyspace_hits),
            Span(" misses ", Tone.DIM), figures.short(server.keyspace_misses),
        ),
    ]  # fmt: skip
    if area.width >= _MEDIUM.width + 12:
        chart = picture(snapshot, Figure.MEMORY, area.width - _MEDIUM.width - 3, 4, zero=False)
        rows = beside(rows, chart, 2, area, gap=3, caption="memory used")
    return rows


def _alarm(number: float) -> Tone:
    return Tone.WARN if number > 0 else Tone.STRONG
