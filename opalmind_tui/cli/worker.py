"""`worker`: delivers what waits, without a screen, until it is told to stop."""

from __future__ import annotations

import click

from opalmind_tui.cli.options import WithSettings, need_matomo, need_writing, settings_options, store_of


@click.command(cls=WithSettings)
@settings_options
@click.pass_context
def worker(ctx: click.Context) -> int:
    """Deliver the queue to Matomo until SIGTERM or ctrl+c.

    What it is doing goes to stderr, one line for each event. It survives an absence of Redis and of Matomo; a wrong
    password or a missing permission ends it with code 2.
    """
    with store_of(ctx) as settings:
        need_matomo(settings)
        need_writing(settings, "worker")
        raise NotImplementedError
