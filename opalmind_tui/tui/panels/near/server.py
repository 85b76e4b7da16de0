"""SERVER and ON DISK: what it is, how full, how busy, and what of it survives."""

from __future__ import annotations

from opalmind_tui.snapshot.model import Figure, ServerView, Snapshot
from opalmind_tui.snapshot.redis_report import RedisReport
from opalmind_tui.text import cells, safe_text
from opalmind_tui.tui import figures
from opalmind_tui.tui.charts import bar
from opalmind_tui.tui.lines import Area, Line, Span, Tone, outside, width_of
from opalmind_tui.tui.panels.history import picture
from opalmind_tui.tui.panels.near.parts import FORBIDDEN, LABEL, near, row, said, waiting
from opalmind_tui.tui.sheet import Sheet, verdict_of

CHECK = "redis-connection"
_CHART_ROWS = 3
_GAUGE = 16


def render(snapshot: Snapshot, area: Area) -> Sheet:
    """SERVER."""
    server, report = snapshot.server.value, snapshot.redis.value
    inner = Area(max(1, area.width - 2), area.height)
    if report is None or server is None:
        return Sheet("SERVER", tuple(waiting(snapshot, inner)))
    if "INFO" in report.denied:
        return Sheet("SERVER", (row("", Span(FORBIDDEN, Tone.WARN)),))
    rows = [*_what(server, inner.width), *_memory(snapshot, server, inner), *_busy(server, report, inner.width)]
    return Sheet("SERVER", (*rows, *_replicas(report, server, inner.width)), verdict_of(snapshot, CHECK))


def on_disk(snapshot: Snapshot, area: Area) -> Sheet:
    """ON DISK."""
    server = snapshot.server.value
    if server is None:
        return near("ON DISK", snapshot, area, lambda report, inner: [])
    return near("ON DISK", snapshot, area, lambda report, inner: _saved(snapshot, server, report, inner), needs="INFO")


def _what(server: ServerView, width: int) -> list[Line]:
    named = f"{server.product} {server.version}, {server.role}, up {figures.words(server.uptime)}"
    return said("server", safe_text(named), width)


def _memory(snapshot: Snapshot, server: ServerView, area: Area) -> list[Line]:
    used = figures.size(server.used_memory)
    rows: list[Line] = []
    if server.max_memory:
        share = server.used_memory / server.max_memory
        tone = Tone.FAIL if share >= 0.95 else Tone.WARN if share >= 0.8 else Tone.STRONG
        full, empty = bar(share, min(_GAUGE, max(0, area.width - LABEL - 24)))
        spans = (Span(f"{used} of {figures.size(server.max_memory)}  {figures.percent(100 * share)}  ", tone),)
        rows.append(row("memory", *spans, Span(full, tone), Span(empty, Tone.DIM)))
    else:
        rows.append(row("memory", Span(f"{used}, no limit", Tone.STRONG)))
    steady = "memory is steady" if server.max_memory else ""
    full_in = (
        "" if server.full_in is None or not server.max_memory else f"full in about {figures.words(server.full_in)}"
    )
    more = [f"peak {figures.size(server.peak_memory)}", f"fragmentation {server.fragmentation:.2f}", full_in or steady]
    rows += said("", ", ".join(filter(None, more)), area.width, Tone.WARN if full_in else Tone.PLAIN)
    if area.width >= 60 and area.height >= 45:
        rows += [row("", Span(one, Tone.CHART)) for one in _chart(snapshot, area.width - LABEL)]
    rows.append(row("policy", outside(server.policy or figures.UNKNOWN, Tone.STRONG, 20)))
    evicted = Span(f"evicted {figures.rate(server.evicted_rate)}", Tone.WARN if server.evicted_rate else Tone.PLAIN)
    rows.append(row("", evicted, f" ({figures.short(server.evicted_keys)} so far), expired "
                    f"{figures.rate(server.expired_rate)} ({figures.short(server.expired_keys)})"))  # fmt: skip
    return rows


def _chart(snapshot: Snapshot, width: int) -> list[str]:
    return picture(snapshot, Figure.MEMORY, width, _CHART_ROWS, zero=False)


def _busy(server: ServerView, report: RedisReport, width: int) -> list[Line]:
    known = report.input is not None and report.output is not None
    traffic = f"in {figures.size(report.input or 0)}/s, out {figures.size(report.output or 0)}/s" if known else "…"
    blocked = f", blocked {server.blocked_clients:,}" if server.blocked_clients else ""
    limit = f" of {server.max_clients:,}" if server.max_clients else ""
    hits = figures.percent(server.keyspace_hit_rate)
    return [
        row("load", Span(figures.rate(server.ops_rate), Tone.STRONG), f", key hits {hits}"),
        row("network", traffic),
        *said("clients", f"{server.clients:,}{limit}{blocked}", width, Tone.PLAIN),
    ]


def _replicas(report: RedisReport, server: ServerView, width: int) -> list[Line]:
    if not report.replicas:
        if server.master_link_up is None:
            return []
        up = server.master_link_up
        return said("primary", f"the link to it is {'up' if up else 'DOWN'}", width, Tone.PLAIN if up else Tone.FAIL)
    rows: list[Line] = []
    for number, one in enumerate(report.replicas):
        tail = f"  {safe_text(one.state, 10)}, lag {one.lag:,} s"
        address = outside(one.address, limit=max(8, width - LABEL - cells(tail)))
        tone = Tone.PLAIN if one.state == "online" and one.lag < 10 else Tone.WARN
        rows.append(row("replicas" if not number else "", address, Span(tail, tone)))
    return rows


def _saved(snapshot: Snapshot, server: ServerView, report: RedisReport, area: Area) -> list[Line]:
    how = safe_text(server.appendfsync, 12) or f"appendfsync {FORBIDDEN}"
    aof = Span(f"on, {how}", Tone.STRONG) if server.aof_enabled else Span("off", Tone.WARN)
    wrong = (Span("  ✗ cannot be written", Tone.FAIL),) if server.aof_error else ()
    when = f"{figures.words(snapshot.taken_at - server.last_save)} ago" if server.last_save else "never"
    failed = (Span("  ✗ the last try failed", Tone.FAIL),) if server.bgsave_error else ()
    saving = (Span("  saving now", Tone.ACCENT),) if report.rewriting else ()
    changes = f", {report.changes:,} writes since"
    snap = row("snapshot", Span(when, Tone.STRONG), *failed, *saving)
    if width_of(snap) + cells(changes) <= area.width:
        snap = (*snap, Span(changes))
    return [row("AOF", aof, *wrong), snap]
