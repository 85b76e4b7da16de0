"""NODES: a Cluster node by node: how each is, its keys, and when they expire. Nothing where there is no Cluster."""

from __future__ import annotations

from collections.abc import Sequence

from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.snapshot.redis_report import RedisReport
from opalmind_tui.text import cells, safe_text
from opalmind_tui.tui.addresses import ending
from opalmind_tui.tui.lines import EMPTY, Area, Line, Span, Tone, line
from opalmind_tui.tui.node_text import expiry_rows, node_rows, server_rows, table_of
from opalmind_tui.tui.panels.near.keys import census_of
from opalmind_tui.tui.panels.near.parts import near
from opalmind_tui.tui.sheet import Sheet

_BOUNDS = 3
"""The column of `node_rows` that gives way where there is no room."""
_LEAST = 8
"""Cells of a node's address."""


def servers(snapshot: Snapshot, area: Area) -> Sheet:
    """NODES: how each of them is."""
    server = snapshot.server.value
    if server is None or not server.nodes:
        return Sheet("")
    rows = server_rows(server)
    return near("NODES", snapshot, area, lambda report, inner: _lines(rows, inner.width), note="of the cluster")


def census(snapshot: Snapshot, area: Area) -> Sheet:
    """NODES: their keys."""
    found = census_of(snapshot.redis.value) if snapshot.redis.value is not None else None
    if found is None or not found.nodes:
        return Sheet("")

    def body(report: RedisReport, inner: Area) -> list[Line]:
        keys, expiring = node_rows(found), expiry_rows(found)
        if _width(keys) > inner.width:
            keys = [row[:_BOUNDS] + row[_BOUNDS + 1 :] for row in keys]
        return [*_lines(keys, inner.width), EMPTY, *_lines(expiring, inner.width)]

    return near("NODES", snapshot, area, body, note="of the cluster")


def _width(rows: Sequence[Sequence[str]]) -> int:
    return max((cells(text) for text in table_of(rows).split("\n")), default=0)


def _short(names: Sequence[str], room: int) -> list[str]:
    """As much of each address as there is room for; where nodes differ in the end of it, that."""
    begins = [safe_text(name, room) for name in names]
    return begins if len(set(begins)) == len(set(names)) else [ending(name, room) for name in names]


def _lines(rows: Sequence[Sequence[str]], width: int) -> list[Line]:
    """The table; where it would be wider than its room, titles are short and addresses cut."""
    if _width(rows) > width:
        titles = [
            title.replace("to ", "<").replace(" min", "m").replace(" ", "") if title.startswith("to ") else title
            for title in rows[0][1:]
        ]
        rows = [("", *titles), *rows[1:]]
    excess = _width(rows) - width
    if excess > 0:
        room = max(_LEAST, max(cells(row[0]) for row in rows) - excess)
        rows = [(name, *row[1:]) for name, row in zip(_short([row[0] for row in rows], room), rows, strict=True)]
    head, *others = table_of(rows).split("\n")
    return [line(Span(head, Tone.DIM)), *(line(text) for text in others)]
