"""The nodes of a Cluster as rows of words, for the dashboard and the command line. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from opalmind_tui.snapshot.census import KeyCensus, KeyGroup
from opalmind_tui.snapshot.model import ServerView
from opalmind_tui.snapshot.server import NodeView
from opalmind_tui.text import cells, safe_text
from opalmind_tui.tui import figures
from opalmind_tui.tui.addresses import shortened
from opalmind_tui.tui.estimate_text import memory_about

ADDRESS = 40
"""Characters of a node's address."""


def server_rows(server: ServerView) -> list[tuple[str, ...]]:
    """The primaries of a Cluster: a row of titles, one for each. Empty where there are none."""
    if not server.nodes:
        return []
    return [("node", "memory", "ops", "evicted", "on disk", "replicas"), *map(_server_row, server.nodes)]


def _server_row(node: NodeView) -> tuple[str, ...]:
    address, view = shortened(node.address, ADDRESS) + (" queue" if node.home else ""), node.view
    if node.error or view is None:
        return (address, "no answer" if node.error else "...", "", "", "", "")
    return (
        address,
        figures.size(view.used_memory) + (f" of {figures.size(view.max_memory)}" if view.max_memory else ""),
        figures.rate(view.ops_rate),
        figures.rate(view.evicted_rate),
        "AOF fails" if view.aof_error else "AOF" if view.aof_enabled else "snapshots" if view.save_enabled else "none",
        ", ".join(f"lag {one.lag:,} s" if one.state == "online" else safe_text(one.state, 12) for one in node.replicas)
        or "none",
    )


def node_rows(census: KeyCensus) -> list[tuple[str, ...]]:
    """A Cluster's keys node by node: a row of titles, one for each node, their sum. Empty where there are none."""
    if not census.nodes:
        return []
    named = [*((shortened(node.address, ADDRESS), node.census) for node in census.nodes), ("all", census)]
    rows = [
        (name, f"{one.total:,}", *_memory_of(one.all), figures.percent(100 * one.total / max(1, census.total)))
        for name, one in named
    ]
    return [("node", "keys", "memory", "", "share"), *rows]


def expiry_rows(census: KeyCensus) -> list[tuple[str, ...]]:
    """When the keys of each node of a Cluster expire: a row of titles, one for each node, and for all of them."""
    spans = [
        f"to {figures.words(expiry.before)}" if math.isfinite(expiry.before) else "later" for expiry in census.expiries
    ]
    rows = [(shortened(node.address, ADDRESS), *_expiring(node.census)) for node in census.nodes]
    return [("keys that expire", *spans, "never"), *rows, ("all", *_expiring(census))] if rows else []


def table_of(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they must be: the first to the left, the others to the right."""
    widths = [max(cells(one) for one in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        ("" if not number else "  ")
        + f"{row[0]}{' ' * (widths[0] - cells(row[0]) + 2 * (not number))}"
        + "".join(f"  {' ' * (width - cells(one))}{one}" for one, width in zip(row[1:], widths[1:], strict=True))
        for number, row in enumerate(rows)
    )


def _expiring(census: KeyCensus) -> list[str]:
    groups = [*(expiry.group for expiry in census.expiries), census.lasting]
    return [figures.count(one.keys.value, 6) if one.keys.exact else figures.short(one.keys.value)
            for one in groups]  # fmt: skip


def _memory_of(group: KeyGroup) -> tuple[str, str]:
    about, bounds = memory_about(group)
    return about, f"[{bounds}]" if bounds else ""
