"""`track`: puts page views, events and goals into the queue; workers deliver them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import click

from opalmind_tui import exits
from opalmind_tui.cli.options import (
    GroupWithSettings,
    WithSettings,
    need_matomo,
    need_writing,
    settings_options,
    store_of,
)
from opalmind_tui.cli.output import answer
from opalmind_tui.running import run
from opalmind_tui.settings import Settings
from opalmind_tui.tracking import values
from opalmind_tui.tracking.fields import FIELDS, SITE, Field
from opalmind_tui.tracking.lines import CALLS
from opalmind_tui.tracking.request import TrackingRequest


def _json(ctx: click.Context, parameter: click.Parameter, value: str | None) -> object:
    try:
        return None if value is None else json.loads(value)
    except (ValueError, RecursionError):
        raise click.BadParameter("is not JSON.", ctx, parameter) from None


TYPES: dict[Callable[[str, object], str], Any] = {
    values.whole: click.INT,
    values.number: click.FLOAT,
}
"""How the command line reads a field, by how the intake does; the others are text."""


@click.group(cls=GroupWithSettings, invoke_without_command=True)
@click.option("--from", "source", metavar="FILE", help="Read JSON lines from this file, or from stdin with -.")
@click.option("--limit", type=click.IntRange(1), help="Only the first lines, so many (with --from).")
@click.option("--dry-run", is_flag=True, help="Check every line, say what would be done, and do nothing (with --from).")
@click.option("--json", "as_json", is_flag=True, help="The summary as JSON (with --from).")
@settings_options
@click.pass_context
def track(ctx: click.Context, source: str | None, limit: int | None, dry_run: bool, as_json: bool) -> int:
    """Accept tracking requests into the queue; workers deliver them.

    \b
    With --from each line is one request:
      {"kind":"pageview","url":"https://example.org/","siteId":1}
      {"kind":"event","category":"Video","action":"play","value":3}
      {"kind":"goal","goalId":2,"revenue":19.99,"idempotencyKey":"order-7"}
      {"kind":"raw","params":{"idsite":"1","url":"https://example.org/"}}

    With --dry-run nothing is taken: each line is read and checked, and its idempotency key is looked for in the queue
    and in the lines before it; not among what was delivered already.

    Exit code: 0 all accepted (or known already), 1 some were refused or conflict, 3 Redis is away or a limit of the
    queue is reached: nothing more was accepted, and the first line not taken is named with the reason.
    """
    if ctx.invoked_subcommand is not None:
        if source is not None or as_json or limit or dry_run:
            raise click.UsageError("--from, --limit, --dry-run and --json before a command make no sense.")
        return exits.OK
    if source is None:
        raise click.UsageError("Give --from FILE, or one of: " + ", ".join(CALLS) + ".")
    from opalmind_tui.cli.intake import foresee_file, take_file

    with store_of(ctx) as settings:
        need_matomo(settings)
        if dry_run:
            return foresee_file(settings, source, as_json=as_json, limit=limit)
        need_writing(settings, "track")
        return take_file(settings, source, as_json=as_json, limit=limit)


def _command(kind: str) -> click.Command:
    @click.pass_context
    def call(ctx: click.Context, /, as_json: bool, **given: object) -> int:
        fields = {field.name: given[_option_name(field)] for field in FIELDS[kind] if field != SITE}
        with store_of(ctx) as settings:
            need_matomo(settings)
            need_writing(settings, "track")
            request = CALLS[kind](fields, default_site_id=settings.matomo_default_site_id)
            return _report(request, run(_offer(settings, request)), as_json)

    command: Callable[..., Any] = settings_options(call)
    command = click.option("--json", "as_json", is_flag=True, help="The answer as JSON.")(command)
    for field in reversed(FIELDS[kind]):
        if field != SITE:
            command = click.option(
                f"--{_kebab(field.name)}", _option_name(field), type=TYPES.get(field.read, click.STRING),
                callback=_json if field.read is values.custom_variables else None, required=field.required,
                help=field.meaning[0].upper() + field.meaning[1:] + ".",
            )(command)  # fmt: skip
    help_text = f"Accept one {kind} into the queue. The site is --site, or MATOMO_DEFAULT_SITE_ID."
    return click.command(kind, cls=WithSettings, help=help_text)(command)


def _kebab(name: str) -> str:
    return re.sub("([A-Z])", r"-\1", name).lower()


def _option_name(field: Field) -> str:
    return "field_" + _kebab(field.name).replace("-", "_")


async def _offer(settings: Settings, request: TrackingRequest) -> Any:
    from opalmind_tui.engine.engine import Engine

    engine = Engine(settings, role="track")
    try:
        await engine.start()
        return (await engine.offer([request]))[0]
    finally:
        await engine.stop()


def _report(request: TrackingRequest, found: Any, as_json: bool) -> int:
    outcome = str(found.outcome)
    if as_json:
        told = {"outcome": outcome, "id": found.id, "idempotencyKey": request.key}
        answer(json.dumps(told | ({"reason": found.reason} if found.reason else {})))
    else:
        answer(f"{outcome}  {found.id or found.reason}".rstrip())
    if outcome == "full":
        return exits.CANNOT_TELL
    return exits.OK if outcome in ("accepted", "duplicate") else exits.DEGRADED


for _kind in CALLS:
    track.add_command(_command(_kind))
