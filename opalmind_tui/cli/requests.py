"""Requests in the answers of `queue`: rows, groups, and all that is known of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opalmind_tui.cli.asking import iso, table
from opalmind_tui.snapshot.filters import Filter
from opalmind_tui.snapshot.listing import OWN_ORDERS, TAB_OF, Group, Groups, RequestDetail, Tab
from opalmind_tui.snapshot.model import RequestRow, State
from opalmind_tui.text import safe_text

if TYPE_CHECKING:
    from opalmind_tui.engine.engine import Engine

IN_THE_QUEUE = (Tab.FAILED, Tab.INFLIGHT, Tab.PENDING, Tab.SCHEDULED)


async def rows_of(
    engine: Engine, state: State | None, *, unknown: bool, wanted: Filter, limit: int
) -> tuple[RequestRow, ...]:
    """The first requests in this state (None: in the queue) that fit."""
    tab = Tab.UNKNOWN if unknown else None if state is None else TAB_OF[state]
    if wanted:
        from opalmind_tui.engine.finding.once import first_fitting

        return await first_fitting(engine.queue, IN_THE_QUEUE if tab is None else (tab,), wanted, limit)
    if tab is Tab.DELIVERED:
        return (await engine.queue.window(tab, OWN_ORDERS[tab][0], rows=limit)).rows
    return await engine.queue.rows(limit=limit, state=state, unknown_only=unknown)


def request(row: RequestRow) -> dict[str, Any]:
    """A request by its names in JSON. Text in it is raw: JSON escapes it."""
    return {
        "id": row.id, "state": str(row.state), "kind": row.kind, "what": row.label, "site": row.site, "key": row.key,
        "accepted": iso(row.accepted), "attempts": row.attempts,
        "nextTry": None if row.next_try is None else iso(row.next_try), "status": row.status, "error": row.error,
        "failedAt": None if row.failed_at is None else iso(row.failed_at), "unknownOutcomes": row.unknown,
        "recovered": row.recovered, "bytes": row.size,
    }  # fmt: skip


def detail(found: RequestDetail) -> dict[str, Any]:
    """The same with all that is known."""
    return {
        **request(found.row),
        "parameters": [
            {"name": one.name, "meaning": one.meaning, "value": one.value, "masked": one.masked} for one in found.params
        ],
        "tries": [
            {"at": iso(one.at), "status": one.status, "answer": one.answer, "worker": one.worker, "delay": one.delay}
            for one in found.attempts
        ],
        "record": found.record,
        "recordEndsIn": found.record_ends,
    }


def detail_lines(found: RequestDetail) -> str:
    """For people."""
    lines = [f"{key:<16}{_cell(value)}" for key, value in request(found.row).items()]
    if found.params:
        lines.append("parameters")
        rows = [(f"  {safe_text(one.name, 20)}", one.meaning, safe_text(one.value, 200)) for one in found.params]
        lines.append(table(rows))
    if found.attempts:
        lines.append("tries")
        tries = [
            (f"  {iso(one.at) or '-'}", str(one.status or "-"), safe_text(one.worker, 60) or "-",
             "-" if one.delay is None else f"{one.delay:g} s", safe_text(one.answer, 120))
            for one in found.attempts
        ]  # fmt: skip
        lines.append(table(tries))
    if found.record:
        lines.append(f"{'record':<16}{safe_text(found.record, 300)}")
    return "\n".join(lines)


def group(found: Group) -> dict[str, Any]:
    """A group of failures by its names in JSON."""
    return {
        "key": found.key, "error": found.error, "status": found.status, "site": found.site, "kind": found.kind,
        "count": found.count, "dead": found.dead, "first": iso(found.first), "last": iso(found.last),
        "example": found.example,
    }  # fmt: skip


def group_lines(found: Groups) -> str:
    """For people."""
    heads: tuple[str, ...] = ("key", "count", "dead", "status", "site", "kind", "first", "last", "error")
    lines = [
        (one.key, f"{one.count:,}", f"{one.dead:,}", str(one.status or "-"), safe_text(one.site, 8),
         safe_text(one.kind, 10), iso(one.first) or "-", iso(one.last) or "-", safe_text(one.error, 80))
        for one in found.groups
    ]  # fmt: skip
    others = f"\nin other groups: {found.others:,}" if found.others else ""
    return table([heads, *lines], numbers=(1, 2)) + others


def row_lines(rows: tuple[RequestRow, ...]) -> str:
    """For people."""
    heads: tuple[str, ...] = ("id", "state", "accepted", "tries", "kind", "site", "what", "last error")
    lines = [
        (row.id, str(row.state), iso(row.accepted) or "-", str(row.attempts), safe_text(row.kind, 10),
         safe_text(row.site, 8), safe_text(row.label, 60), safe_text(row.error, 80))
        for row in rows
    ]  # fmt: skip
    return table([heads, *lines], numbers=(3,))


def _cell(value: object) -> str:
    return "-" if value in (None, "") else safe_text(str(value))
