"""`queue`: what waits, what failed, and what may be done about it, for people and scripts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from opalmind_tui import exits
from opalmind_tui.cli.asking import iso, table, with_engine
from opalmind_tui.cli.changing import How, change, change_options
from opalmind_tui.cli.options import GroupWithSettings, WithSettings, settings_options
from opalmind_tui.cli.output import answer, say
from opalmind_tui.cli.transfer import export, import_
from opalmind_tui.snapshot.commands import Act, Command
from opalmind_tui.snapshot.model import RequestRow, State
from opalmind_tui.text import safe_text

if TYPE_CHECKING:
    from opalmind_tui.engine.engine import Engine

MOST_LISTED = 500
_as_json = click.option("--json", "as_json", is_flag=True, help="The answer as JSON.")
_ids = click.argument("ids", nargs=-1, metavar="[ID]...")
_dead = click.option("--dead", is_flag=True, help="Every request that is dead now.")


@click.group(cls=GroupWithSettings)
@settings_options
def queue() -> None:
    """Look at the tracking queue, and act on requests.

    \b
    Examples:
      opalmind-tui queue list --state dead --json
      opalmind-tui queue show order-7
      opalmind-tui queue retry --dead --dry-run
      opalmind-tui queue purge 1aD0K4jW8ZPq3x --yes
      opalmind-tui queue pause --for 10m --reason 'Matomo is upgraded' --yes
      opalmind-tui queue restore 1aD0K4jW8ZPq3x --yes
      opalmind-tui queue export --state dead --to dead.jsonl

    Exit code: 0 done, 1 nothing of that name or a part failed, 2 refused, 3 Redis is away.
    """


@queue.command("list", cls=WithSettings)
@click.option("--state", type=click.Choice([str(state) for state in State]), help="Only those in this state.")
@click.option("--unknown", is_flag=True, help="Only those that were posted and got no answer.")
@click.option("--limit", type=click.IntRange(1, MOST_LISTED), default=50, show_default=True, help="How many.")
@_as_json
@settings_options
@click.pass_context
def list_requests(ctx: click.Context, state: str | None, unknown: bool, limit: int, as_json: bool) -> int:
    """List requests: newest failures first, then those in flight, then the oldest due."""
    wanted = None if state is None else State(state)

    async def ask(engine: Engine) -> tuple[RequestRow, ...]:
        return await engine.queue.rows(limit=limit, state=wanted, unknown_only=unknown)

    rows = with_engine(ctx, ask)
    if as_json:
        answer(json.dumps([request(row) for row in rows], indent=2))
    else:
        answer(_listed(rows) if rows else "no requests")
    return exits.OK


@queue.command(cls=WithSettings)
@click.argument("name", metavar="ID_OR_KEY")
@_as_json
@settings_options
@click.pass_context
def show(ctx: click.Context, name: str, as_json: bool) -> int:
    """Show a request by its id, or all that came with an idempotency key."""
    rows = with_engine(ctx, lambda engine: engine.queue.find(name))
    if not rows:
        say(f"There is no request {safe_text(name, 200)} in the queue, the trash or among the rejected")
        return exits.DEGRADED
    found = [request(row) for row in rows]
    if as_json:
        answer(json.dumps(found, indent=2))
    else:
        answer("\n\n".join("\n".join(f"{key:<14}{_cell(value)}" for key, value in one.items()) for one in found))
    return exits.OK


@queue.command(cls=WithSettings)
@_ids
@_dead
@change_options
@settings_options
@click.pass_context
def retry(ctx: click.Context, ids: tuple[str, ...], dead: bool, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Make dead or scheduled requests due now, with attempts 0. Their history is kept."""
    _need_one(ids, dead, "--dead")
    return change(ctx, Command(Act.RETRY, ids=ids, all_dead=dead), How(dry_run, yes, as_json))


@queue.command(cls=WithSettings)
@_ids
@_dead
@click.option("--hard", is_flag=True, help="For good, past the trash; frees the memory at once.")
@change_options
@settings_options
@click.pass_context
def purge(
    ctx: click.Context, ids: tuple[str, ...], dead: bool, hard: bool, dry_run: bool, yes: bool, as_json: bool
) -> int:
    """Take requests out of the queue: to the trash for 15 minutes, or for good."""
    _need_one(ids, dead, "--dead")
    return change(ctx, Command(Act.PURGE, ids=ids, all_dead=dead, hard=hard), How(dry_run, yes, as_json))


@queue.command(cls=WithSettings)
@_ids
@click.option("--all", "everything", is_flag=True, help="All that is in the trash.")
@change_options
@settings_options
@click.pass_context
def restore(ctx: click.Context, ids: tuple[str, ...], everything: bool, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Bring purged requests back from the trash, to where they were."""
    _need_one(ids, everything, "--all")
    return change(ctx, Command(Act.RESTORE, ids=ids), How(dry_run, yes, as_json))


@queue.command(cls=WithSettings)
@click.option("--reason", metavar="TEXT", default="", help="Why, for those who meet it.")
@click.option("--for", "duration", metavar="DURATION", help="How long, such as 90s, 10m or 2h; else until resumed.")
@change_options
@settings_options
@click.pass_context
def pause(ctx: click.Context, reason: str, duration: str | None, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Pause delivery to this Matomo, in all processes; posts under way finish, and nothing is lost."""
    from opalmind_tui.reports.ttl import parse_duration

    seconds = 0.0 if duration is None else parse_duration(duration, "--for")
    if duration is not None and not seconds:
        raise click.BadParameter("0 is no time to pause for.", param_hint="--for")
    return change(ctx, Command(Act.PAUSE, reason=reason, seconds=seconds), How(dry_run, yes, as_json))


@queue.command(cls=WithSettings)
@change_options
@settings_options
@click.pass_context
def resume(ctx: click.Context, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Let delivery to this Matomo go on after a pause."""
    return change(ctx, Command(Act.RESUME), How(dry_run, yes, as_json))


@queue.command(cls=WithSettings)
@click.argument("per_second", type=click.FloatRange(0), metavar="PER_SECOND")
@click.option("--reason", metavar="TEXT", default="", help="Why, for those who meet it.")
@change_options
@settings_options
@click.pass_context
def limit(ctx: click.Context, per_second: float, reason: str, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Deliver at most PER_SECOND hits a second to this Matomo, all processes together; 0 takes the limit away."""
    return change(ctx, Command(Act.LIMIT, per_second=per_second, reason=reason), How(dry_run, yes, as_json))


@queue.command(cls=WithSettings)
@click.option("--note", metavar="TEXT", required=True, help="What happened, for those who come after.")
@change_options
@settings_options
@click.pass_context
def acknowledge(ctx: click.Context, note: str, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Take note of a ledger that does not come out even: the alarm is silent until the difference changes."""
    return change(ctx, Command(Act.ACKNOWLEDGE, reason=note), How(dry_run, yes, as_json))


queue.add_command(export)
queue.add_command(import_)


def _need_one(ids: tuple[str, ...], all_of_them: bool, option: str) -> None:
    if bool(ids) == all_of_them:
        raise click.UsageError(f"Name requests by their ids, or say {option}.")


def request(row: RequestRow) -> dict[str, Any]:
    """A request by its names in JSON. Text in it is raw: JSON escapes it."""
    return {
        "id": row.id, "state": str(row.state), "kind": row.kind, "what": row.label, "site": row.site, "key": row.key,
        "accepted": iso(row.accepted), "attempts": row.attempts,
        "nextTry": None if row.next_try is None else iso(row.next_try), "status": row.status, "error": row.error,
        "failedAt": None if row.failed_at is None else iso(row.failed_at), "unknownOutcomes": row.unknown,
        "recovered": row.recovered, "bytes": row.size,
    }  # fmt: skip


def _listed(rows: tuple[RequestRow, ...]) -> str:
    heads: tuple[str, ...] = ("id", "state", "accepted", "tries", "kind", "site", "what", "last error")
    lines = [
        (row.id, str(row.state), iso(row.accepted) or "-", str(row.attempts), safe_text(row.kind, 10),
         safe_text(row.site, 8), safe_text(row.label, 60), safe_text(row.error, 80))
        for row in rows
    ]  # fmt: skip
    return table([heads, *lines], numbers=(3,))


def _cell(value: object) -> str:
    return "-" if value in (None, "") else safe_text(str(value))
