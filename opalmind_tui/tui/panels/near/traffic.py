"""LATENCY, OUR COST, SLOW LOG, CLIENTS: who asks what of the server, how long that takes, and what of it is ours."""

from __future__ import annotations

from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.snapshot.redis_report import MOST_BYTES, MOST_COMMANDS, ClientRow, RedisReport, SlowCommand
from opalmind_tui.tui import figures
from opalmind_tui.tui.charts import bar, chart
from opalmind_tui.tui.lines import Area, Line, Span, Tone, line, outside
from opalmind_tui.tui.panels.near.parts import near, row
from opalmind_tui.tui.sheet import Sheet
from opalmind_tui.tui.table import Column, head
from opalmind_tui.tui.table import row as table_row

_GAUGE = 12
_TALL = 45
MOST_CLIENTS = 24
_MOST_SLOW = 8


def latency(snapshot: Snapshot, area: Area) -> Sheet:
    """LATENCY: round trips of our own commands."""
    return near("LATENCY", snapshot, area, lambda report, inner: _latency(report, inner), note="of our own commands")


def cost(snapshot: Snapshot, area: Area) -> Sheet:
    """OUR COST."""
    delivering = bool(snapshot.queue.value and snapshot.queue.value.delivering_here)

    def body(report: RedisReport, inner: Area) -> list[Line]:
        return _cost(report, delivering=delivering)

    return near("OUR COST", snapshot, area, body, note="of this dashboard" + (", which delivers" if delivering else ""))


def slow_log(snapshot: Snapshot, area: Area) -> Sheet:
    """SLOW LOG: the newest."""

    def body(report: RedisReport, inner: Area) -> list[Line]:
        if not report.slow:
            return [line(Span("empty", Tone.DIM))]
        return [head(_slow(report.at), inner.width), *(
            table_row(_slow(report.at), one, inner.width) for one in report.slow[:_MOST_SLOW]
        )]  # fmt: skip

    return near("SLOW LOG", snapshot, area, body, needs="SLOWLOG")


def clients(snapshot: Snapshot, area: Area) -> Sheet:
    """CLIENTS: connections by program."""

    def body(report: RedisReport, inner: Area) -> list[Line]:
        if report.clients is None:
            return [line(Span("too many to list", Tone.DIM))]
        rows = [table_row(_CLIENTS, one, inner.width) for one in report.clients[:MOST_CLIENTS]]
        more = len(report.clients) - MOST_CLIENTS
        return [head(_CLIENTS, inner.width), *rows, *([line(Span(f"and {more:,} more", Tone.DIM))] if more > 0 else [])]

    return near("CLIENTS", snapshot, area, body, needs="CLIENT", note="* an OpalMind process")


def _latency(report: RedisReport, area: Area) -> list[Line]:
    found = report.latency
    head_ = line(
        Span("p50 ", Tone.DIM), Span(f"{figures.milliseconds(found.p50):<8}", Tone.STRONG),
        Span("p99 ", Tone.DIM), Span(f"{figures.milliseconds(found.p99):<8}", Tone.STRONG),
    )  # fmt: skip
    rows = 3 if area.height >= _TALL else 1
    return [head_, *(line(Span(one, Tone.CHART)) for one in chart(found.points, area.width, rows))]


def _cost(report: RedisReport, *, delivering: bool) -> list[Line]:
    spent = report.cost
    if not spent.commands:
        return [row("", Span("…", Tone.DIM))] * 3
    octets = spent.sent + spent.received
    server = "…" if spent.server is None else f"about {spent.server * 1e6:,.0f} µs/s of its time"
    # Who delivers adds the traffic of that: the budget is that of one that looks.
    return [
        _spent(
            "commands", f"{spent.commands:.1f}/s", spent.commands, MOST_COMMANDS, f"{MOST_COMMANDS:g}/s", delivering
        ),
        _spent("bytes", f"{figures.size(octets)}/s", octets, MOST_BYTES, f"{figures.size(MOST_BYTES)}/s", delivering),
        row("server", server),
    ]


def _spent(label: str, text: str, value: float, most: float, budget: str, delivering: bool) -> Line:
    if delivering:
        return row(label, Span(text, Tone.STRONG))
    full, empty = bar(value / most, _GAUGE)
    tone = Tone.WARN if value > most else Tone.STRONG
    gauge = (Span(full, Tone.CHART if value <= most else Tone.WARN), Span(empty, Tone.DIM))
    return row(label, Span(f"{text:<8}", tone), *gauge, Span(f"  budget {budget}", Tone.DIM))


def _slow(now: float) -> tuple[Column[SlowCommand], ...]:
    return (
        Column("command", 12, lambda one: outside(one.name, Tone.STRONG, 40), share=1),
        Column("took", 8, lambda one: Span(figures.milliseconds(one.seconds)), to_right=True),
        Column("ago", 8, lambda one: Span(figures.words(now - one.at), Tone.DIM), to_right=True),
    )


def _name(one: ClientRow) -> Span:
    name = outside(one.name or one.address or "(no name)", limit=200)
    return Span(f"{'* ' if one.ours else '  '}{name.text}", Tone.ACCENT if one.ours else Tone.PLAIN)


_CLIENTS: tuple[Column[ClientRow], ...] = (
    Column("  name or address", 17, _name, share=2),
    Column("address", 15, lambda one: outside(one.address, Tone.DIM, 60), share=1, from_width=64),
    Column("conn", 4, lambda one: Span(figures.count(one.connections, 4)), to_right=True),
    Column("idle", 7, lambda one: Span(figures.words(one.idle), Tone.DIM), to_right=True),
    Column("last", 12, lambda one: outside(one.command, Tone.DIM, 12)),
)
