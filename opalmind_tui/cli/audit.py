"""`audit`: who did what, when, and what came of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from opalmind_tui import exits
from opalmind_tui.cli.asking import iso, table, with_engine
from opalmind_tui.cli.options import WithSettings, settings_options
from opalmind_tui.cli.output import answer
from opalmind_tui.text import safe_text

if TYPE_CHECKING:
    from opalmind_tui.snapshot.audit import AuditEntry

MOST_LISTED = 10_000


@click.command(cls=WithSettings)
@click.option("--limit", type=click.IntRange(1, MOST_LISTED), default=50, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON.")
@settings_options
@click.pass_context
def audit(ctx: click.Context, limit: int, as_json: bool) -> int:
    """List what operators did, the newest first: by key in a dashboard, or by command.

    Exit code: 0 answered, 3 Redis is away.
    """
    entries = with_engine(ctx, lambda engine: engine.audit(limit))
    if as_json:
        answer(json.dumps([_entry(entry) for entry in entries], indent=2))
    else:
        answer(_listed(entries) if entries else "nobody did anything")
    return exits.OK


def _entry(entry: AuditEntry) -> dict[str, str | int | None]:
    return {
        "at": iso(entry.at), "by": entry.by, "act": entry.act, "what": entry.what, "outcome": entry.outcome,
        "login": entry.login or None, "client": entry.client or None, "host": entry.host or None, "done": entry.done,
    }  # fmt: skip


def _listed(entries: tuple[AuditEntry, ...]) -> str:
    heads: tuple[str, ...] = ("when", "who", "what", "outcome")
    rows = [
        (iso(entry.at) or "-", safe_text(entry.who, 30), safe_text(entry.what, 70), safe_text(entry.outcome, 90))
        for entry in entries
    ]
    return table([heads, *rows])
