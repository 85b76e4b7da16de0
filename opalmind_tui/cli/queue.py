"""`queue`: what waits, what failed, and what may be done about it, for people and scripts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from opalmind_tui import exits
from opalmind_tui.cli.asking import with_engine
from opalmind_tui.cli.changing import How, change, change_options
from opalmind_tui.cli.options import GroupWithSettings, WithSettings, settings_options
from opalmind_tui.cli.output import answer, say, typed
from opalmind_tui.cli.requests import detail, detail_lines, group, group_lines, request, row_lines, rows_of
from opalmind_tui.cli.transfer import FILTER_HELP, export, import_
from opalmind_tui.snapshot.commands import Act, Command
from opalmind_tui.snapshot.filters import parse_filter
from opalmind_tui.snapshot.listing import TAB_OF, Groups, GroupView, RequestDetail, Tab
from opalmind_tui.snapshot.model import RequestRow, State
from opalmind_tui.text import safe_text

if TYPE_CHECKING:
    from opalmind_tui.engine.engine import Engine

MOST_LISTED = 500
STATES = [str(state) for state in State]
_as_json = click.option("--json", "as_json", is_flag=True, help="The answer as JSON.")
_ids = click.argument("ids", nargs=-1, metavar="[ID]...")
_dead = click.option("--dead", is_flag=True, help="Every request that is dead now.")
_filter = click.option("--filter", "wanted", metavar="TEXT", default="", help=FILTER_HELP)
_of = click.option(
    "--state", type=click.Choice(STATES), help="With --filter: in this state (default: all that failed)."
)
_WAYS = {"--dead": "dead", "--all": "everything", "--filter": "wanted"}
"""How requests are named other than by their ids: option and parameter."""
_most = click.option("--limit", type=click.IntRange(1), help="No more than so many; not with ids.")


@click.group(cls=GroupWithSettings)
@settings_options
def queue() -> None:
    """Look at the tracking queue, and act on requests.

    Exit code: 0 done, 1 nothing of that name or a part failed, 2 refused, 3 Redis is away.
    """


@queue.command("list", cls=WithSettings)
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@click.option("--unknown", is_flag=True, help="Only those that were posted and got no answer.")
@_filter
@click.option("--limit", type=click.IntRange(1, MOST_LISTED), default=50, show_default=True, help="How many.")
@_as_json
@settings_options
@click.pass_context
def list_requests(ctx: click.Context, state: str | None, unknown: bool, wanted: str, limit: int, as_json: bool) -> int:
    """List requests: newest failures first, then those in flight, then the oldest due."""
    in_state, fitting = None if state is None else State(state), parse_filter(wanted)

    async def ask(engine: Engine) -> tuple[RequestRow, ...]:
        return await rows_of(engine, in_state, unknown=unknown, wanted=fitting, limit=limit)

    rows = with_engine(ctx, ask)
    if as_json:
        answer(json.dumps([request(row) for row in rows], indent=2))
    else:
        answer(row_lines(rows) if rows else "no requests")
    return exits.OK


@queue.command(cls=WithSettings)
@click.argument("name", metavar="ID_OR_KEY")
@_as_json
@settings_options
@click.pass_context
def show(ctx: click.Context, name: str, as_json: bool) -> int:
    """Show a request by its id, or all that came with an idempotency key."""

    async def ask(engine: Engine) -> list[RequestDetail]:
        rows = await engine.queue.find(name)
        found = [await engine.request_detail(request_id) for request_id in [row.id for row in rows] or [name]]
        return [one for one in found if one is not None]

    found = with_engine(ctx, ask)
    if not found:
        named = safe_text(typed(name), 200)
        say(f"There is no request {named} in the queue, the trash, or among the rejected and delivered")
        return exits.DEGRADED
    if as_json:
        answer(json.dumps([detail(one) for one in found], indent=2))
    else:
        answer("\n\n".join(map(detail_lines, found)))
    return exits.OK


@queue.command(cls=WithSettings)
@_filter
@click.option("--limit", type=click.IntRange(1, MOST_LISTED), default=50, show_default=True, help="How many groups.")
@_as_json
@settings_options
@click.pass_context
def groups(ctx: click.Context, wanted: str, limit: int, as_json: bool) -> int:
    """Group the failures in the queue by what is alike: error, status, site and kind; the largest groups first.

    Act on a group with --filter group:KEY.
    """
    view = GroupView(parse_filter(wanted), limit)

    async def ask(engine: Engine) -> Groups:
        from opalmind_tui.engine.finding.once import all_groups

        return await all_groups(engine.queue, view)

    found = with_engine(ctx, ask)
    if as_json:
        answer(json.dumps([group(one) for one in found.groups], indent=2))
    else:
        answer(group_lines(found) if found.groups else "no failures")
    return exits.OK


@queue.command(cls=WithSettings)
@_ids
@_dead
@_filter
@_of
@_most
@click.option("--delay", metavar="DURATION", help="How long they wait, such as 90s or 10m; else due now.")
@change_options
@settings_options
@click.pass_context
def retry(ctx: click.Context, /, delay: str | None, **how: Any) -> int:
    """Make dead or scheduled requests due, with attempts 0. Their history is kept."""
    from opalmind_tui.reports.ttl import parse_duration

    seconds = 0.0 if delay is None else parse_duration(delay, "--delay")
    return _act(ctx, Command(Act.RETRY, seconds=seconds), **how)


@queue.command(cls=WithSettings)
@_ids
@_dead
@_filter
@_of
@_most
@click.option("--hard", is_flag=True, help="For good, past the trash; frees the memory at once.")
@change_options
@settings_options
@click.pass_context
def purge(ctx: click.Context, /, hard: bool, **how: Any) -> int:
    """Take requests out of the queue: to the trash for 15 minutes, or for good."""
    return _act(ctx, Command(Act.PURGE, hard=hard), **how)


@queue.command(cls=WithSettings)
@_ids
@_filter
@_of
@_most
@click.option("--reason", metavar="TEXT", default="", help="Why, for those who meet it.")
@change_options
@settings_options
@click.pass_context
def kill(ctx: click.Context, /, reason: str, **how: Any) -> int:
    """Give up requests that wait: they are dead, and stay until somebody retries or purges them."""
    return _act(ctx, Command(Act.KILL, reason=reason), **how)


@queue.command(cls=WithSettings)
@_ids
@click.option("--all", "everything", is_flag=True, help="All that is in flight now.")
@_filter
@_most
@change_options
@settings_options
@click.pass_context
def release(ctx: click.Context, /, **how: Any) -> int:
    """Release the leases of requests in flight, whose process is dead. What it posted may be sent twice."""
    return _act(ctx, Command(Act.RELEASE), state=str(State.INFLIGHT), **how)


@queue.command(cls=WithSettings)
@_ids
@click.option("--all", "everything", is_flag=True, help="All that is in the trash.")
@_most
@change_options
@settings_options
@click.pass_context
def restore(
    ctx: click.Context, ids: tuple[str, ...], everything: bool, limit: int | None, dry_run: bool, yes: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Bring purged requests back from the trash, to where they were."""
    if bool(ids) == everything or (ids and limit):
        raise click.UsageError("Name requests by their ids, or say --all.")
    command = Command(Act.RESTORE, ids=ids)
    if limit:
        command = replace(command, tab=Tab.TRASH, limit=limit)
    return change(ctx, command, How(dry_run, yes, as_json))


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


def _act(
    ctx: click.Context, command: Command, *, ids: tuple[str, ...], dry_run: bool, yes: bool, as_json: bool,
    dead: bool = False, everything: bool = False, wanted: str = "", state: str | None = None, limit: int | None = None,
) -> int:  # fmt: skip
    """Act on the named requests, on every dead one, on what fits, or on `everything` in a state."""
    fitting = parse_filter(wanted)
    named = [bool(ids), dead, bool(fitting), everything]
    if sum(named) != 1 or (not fitting and ctx.params.get("state")) or (ids and limit):
        ways = [way for way, option in _WAYS.items() if option in ctx.params]
        raise click.UsageError(f"Name requests by their ids, or say {' or '.join(ways)}.")
    tab = None if not (fitting or everything) else Tab.FAILED if state is None else TAB_OF[State(state)]
    if dead and limit:
        tab, dead = Tab.DEAD, False
    chosen = replace(command, ids=ids, all_dead=dead, tab=tab, filter=fitting, limit=limit or 0)
    return change(ctx, chosen, How(dry_run, yes, as_json))
