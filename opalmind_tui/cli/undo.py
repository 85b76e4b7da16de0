"""`undo`: takes back the last act that can be taken back."""

from __future__ import annotations

import click

from opalmind_tui.cli.changing import How, change, change_options
from opalmind_tui.cli.options import WithSettings, settings_options
from opalmind_tui.snapshot.commands import Act, Command


@click.command(cls=WithSettings)
@change_options
@settings_options
@click.pass_context
def undo(ctx: click.Context, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Undo the last purge, time to live, pause or rate limit of the last 15 minutes, whoever it was.

    Exit code: 0 done, 1 a part failed, 2 nothing to undo, 3 Redis is away.
    """
    return change(ctx, Command(Act.UNDO), How(dry_run, yes, as_json))
