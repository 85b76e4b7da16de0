"""Runs the dashboard from start to end: signals, the caller's engine in the app's loop, the exit code."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from opalmind_tui import exits
from opalmind_tui.running import run
from opalmind_tui.text import safe_text
from opalmind_tui.tui.app import OpalmindApp
from opalmind_tui.tui.terminal import why_no_dashboard
from opalmind_tui.tui.themes import colours_of

STOP_WITHIN = 1.5
"""Seconds that the engine has to stop after the terminal was given back."""
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def run_dashboard(app: OpalmindApp) -> int:
    """Show the dashboard until it is left; returns the exit code of the process.

    0 when it was quit or told to stop, 1 after a crash, 2 where no dashboard can be shown.
    """
    if reason := why_no_dashboard():
        print(reason, file=sys.stderr)
        return exits.UNUSABLE
    app.dress(colours_of(app.console.color_system, none=app.no_color))
    code = run(_run(app))
    _let_go_of_lost_terminal()
    return code


async def _run(app: OpalmindApp) -> int:
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, app.end)
    try:
        await app.run_async(mouse=app.preferences.ui.mouse)
    finally:
        await _stop(app)
    return app.return_code or exits.OK


def _let_go_of_lost_terminal() -> None:
    """Where the terminal is gone, what Python writes at its end must not turn into an error."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


async def _stop(app: OpalmindApp) -> None:
    try:
        async with asyncio.timeout(STOP_WITHIN):
            await app.on_stop()
    except TimeoutError:
        print(
            safe_text(f"The engine did not stop within {STOP_WITHIN:g} s; its leases run out by themselves."),
            file=sys.stderr,
        )
