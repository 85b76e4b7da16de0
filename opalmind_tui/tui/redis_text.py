"""The Redis screen in words: the server from near, then its keys. Pure."""

from __future__ import annotations

from opalmind_tui.snapshot.model import ServerView, Snapshot
from opalmind_tui.snapshot.redis_report import MOST_BYTES, MOST_COMMANDS, Cost, RedisReport
from opalmind_tui.text import safe_text
from opalmind_tui.tui import figures
from opalmind_tui.tui.census_text import census_text, progress_text
from opalmind_tui.tui.charts import sparkline
from opalmind_tui.tui.lines import left
from opalmind_tui.tui.node_text import server_rows, table_of

_LABEL = 12
_FORBIDDEN = "not permitted (ACL)"
_MOST_CLIENTS = 12
_POINTS = 24
_WIDTH = 70
"""Cells that a row takes with the bounds of estimates."""


def redis_text(snapshot: Snapshot, width: int = _WIDTH) -> str:
    """Everything that the screen shows; empty where the look was not taken from near.

    Args:
        width: cells that a row may take.
    """
    report, server = snapshot.redis.value, snapshot.server.value
    if report is None:
        return ""
    delivering = bool(snapshot.queue.value and snapshot.queue.value.delivering_here)
    trouble = [safe_text(snapshot.redis.error), ""] if snapshot.redis.error else []
    nodes = [*table_of(server_rows(server)).splitlines(), ""] if server is not None and server.nodes else []
    lines = [*trouble, *nodes, *_server(server, snapshot.taken_at, report), *_network(report), *_slow(report)]
    lines += [*_cost(report.cost, delivering=delivering), *_replicas(report, server), *_clients(report)]
    return "\n".join(lines) + "\n\n" + _keys(report, bounds=width >= _WIDTH)


def _row(label: str, value: str) -> str:
    return f"{label:<{_LABEL}}{value}"


def _server(server: ServerView | None, now: float, report: RedisReport) -> list[str]:
    if server is None or "INFO" in report.denied:
        said = _FORBIDDEN if "INFO" in report.denied else "..."
        return [_row(label, said) for label in ("server", "memory", "policy", "load", "on disk")]
    limit = f" of {figures.size(server.max_memory)}" if server.max_memory else ", no limit"
    full = "" if server.full_in is None or not server.max_memory else f", full in about {figures.words(server.full_in)}"
    saved = figures.words(now - server.last_save) + " ago" if server.last_save else "never"
    aof = f"on ({server.appendfsync or 'appendfsync ' + _FORBIDDEN})" if server.aof_enabled else "off"
    named = f"{server.product} {server.version}, {server.role}, up {figures.words(server.uptime)}"
    used = f"{figures.size(server.used_memory)}{limit}, peak {figures.size(server.peak_memory)}{full}"
    return [
        _row("server", safe_text(named)),
        _row("memory", f"{used}, fragmentation {server.fragmentation:.2f}"),
        _row("policy", safe_text(f"{server.policy}, evicted {figures.rate(server.evicted_rate)}, ")
             + f"expired {figures.rate(server.expired_rate)}"),
        _row("load", f"{figures.rate(server.ops_rate)}, key hits {figures.percent(server.keyspace_hit_rate)}, "
             f"clients {server.clients:,}, blocked {server.blocked_clients:,}"),
        _row("on disk", f"AOF {aof}{', fails to write' if server.aof_error else ''}; saved {saved}"
             f"{', the last try failed' if server.bgsave_error else ''}, {report.changes:,} writes since"
             f"{', saving now' if report.rewriting else ''}"),
    ]  # fmt: skip


def _network(report: RedisReport) -> list[str]:
    if "INFO" in report.denied:
        return [_row("network", _FORBIDDEN)]
    known = report.input is not None and report.output is not None
    traffic = f"in {figures.size(report.input or 0)}/s, out {figures.size(report.output or 0)}/s" if known else "..."
    latency = report.latency
    line = f"p50 {figures.milliseconds(latency.p50)}, p99 {figures.milliseconds(latency.p99)}  "
    return [
        _row("network", traffic),
        _row("our trips", line + sparkline(latency.points[-_POINTS:], _POINTS, zero=True)),
    ]


def _slow(report: RedisReport) -> list[str]:
    if "SLOWLOG" in report.denied:
        return [_row("slow log", _FORBIDDEN)]
    if not report.slow:
        return [_row("slow log", "empty")]
    return [
        _row("slow log" if not number else "", f"{safe_text(slow.name, 20)} {figures.milliseconds(slow.seconds)}, "
             f"{figures.words(report.at - slow.at)} ago")
        for number, slow in enumerate(report.slow)
    ]  # fmt: skip


def _cost(cost: Cost, *, delivering: bool) -> list[str]:
    if not cost.commands:
        return [_row("our cost", "...")]
    traffic = f"{figures.size(cost.sent)}/s to it, {figures.size(cost.received)}/s from it"
    server = "" if cost.server is None else f"about {cost.server * 1e6:,.0f} µs/s of the server's time"
    # Who delivers adds the traffic of that.
    budget = "" if delivering else f"budget {MOST_COMMANDS:g}/s, {figures.size(MOST_BYTES)}/s"
    more = "; ".join(filter(None, (server, budget)))
    rows = [_row("our cost", f"{cost.commands:.1f} commands/s, {traffic}")]
    return [*rows, _row("", more)] if more else rows


def _replicas(report: RedisReport, server: ServerView | None) -> list[str]:
    if not report.replicas:
        link = server.master_link_up if server else None
        return [] if link is None else [_row("replication", "link to the primary " + ("up" if link else "DOWN"))]
    return [
        _row("replica", f"{safe_text(one.address, 40)} {safe_text(one.state, 12)}, lag {one.lag:,} s")
        for one in report.replicas
    ]


def _clients(report: RedisReport) -> list[str]:
    if "CLIENT" in report.denied:
        return [_row("clients", _FORBIDDEN)]
    if report.clients is None:
        return [_row("clients", "too many to list")]
    rows = [
        f"{left(safe_text(one.name or one.address or '(no name)'), 22).text} x{one.connections:<4}"
        f"idle {figures.words(one.idle):<7} {safe_text(one.command, 12)}{'  ours' if one.ours else ''}"
        for one in report.clients[:_MOST_CLIENTS]
    ]
    if len(report.clients) > _MOST_CLIENTS:
        rows.append(f"and {len(report.clients) - _MOST_CLIENTS:,} more")
    return [_row("clients" if not number else "", row) for number, row in enumerate(rows)]


def _keys(report: RedisReport, *, bounds: bool) -> str:
    counting, parts = report.counting, []
    if counting is not None and counting.census is None:
        parts.append(f"Counting every key: {progress_text(counting)}")
    if counting is not None and counting.census is not None:
        parts.append(f"Every key was counted.\n{census_text(counting.census, bounds=bounds)}")
    elif report.census is not None:
        parts.append(census_text(report.census, bounds=bounds))
    return "\n".join(parts)
