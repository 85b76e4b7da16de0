"""`summary`: the hand-over of an incident, in Markdown."""

from __future__ import annotations

import click

from opalmind_tui import exits
from opalmind_tui.cli.asking import with_engine
from opalmind_tui.cli.options import WithSettings, settings_options
from opalmind_tui.cli.output import answer


@click.command(cls=WithSettings)
@settings_options
@click.pass_context
def summary(ctx: click.Context) -> int:
    """Sum up how things are in Markdown: state, cause, errors, what was done; for a ticket or a chat.

    Secrets and personal data are masked, and text from outside is fenced.

    Exit code: 0 answered, also where Redis is away: the summary says so.
    """
    answer(with_engine(ctx, lambda engine: engine.summary()))
    return exits.OK
