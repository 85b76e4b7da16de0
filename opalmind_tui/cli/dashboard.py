"""The dashboard on the configured Redis and Matomo: what the program does without a command."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import click

from opalmind_tui import exits
from opalmind_tui.cli.logs import log_to_file
from opalmind_tui.cli.options import embedded_wanted, store_of
from opalmind_tui.cli.recording import recorder
from opalmind_tui.collecting import collect_later, kept_after

if TYPE_CHECKING:
    from opalmind_tui.engine.engine import Engine

log = logging.getLogger(__name__)


def dashboard(ctx: click.Context, *, deliver: bool, mouse: bool | None, record: str | None) -> int:
    """Open it; returns the exit code.

    Args:
        deliver: also deliver what waits in a shared Redis (ruling 2). With a server of one's own that goes without
            saying.
        mouse: whether the dashboard listens to the mouse; None for what the operator's file says.
        record: a new file that everything is written to.
    """
    collect_later()
    with store_of(ctx) as settings:
        from opalmind_tui.cli.preferences import preferences_of
        from opalmind_tui.engine.late import LateEngine
        from opalmind_tui.tui.app import OpalmindApp
        from opalmind_tui.tui.run import run_dashboard

        preferences = preferences_of(mouse=mouse, said=settings.notes)
        log_to_file(settings)
        log.info("The dashboard begins")
        delivers = deliver or embedded_wanted(ctx)

        def made() -> Engine:
            from opalmind_tui.engine.engine import Engine

            return Engine(settings, role="dashboard", deliver=delivers)

        engine = LateEngine(made)

        with recorder(record, settings) as kept:
            code = run_dashboard(
                OpalmindApp(
                    engine,
                    preferences=preferences,
                    on_start=engine.start,
                    on_seen=kept_after(engine.work),
                    on_stop=engine.stop,
                    recorder=kept,
                    type_above=settings.type_above,
                )
            )
        log.info("The dashboard ends with code %d", code)
        return exits.DEGRADED if engine.lost and code == exits.OK else code
