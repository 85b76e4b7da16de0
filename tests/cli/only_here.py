"""A program with requests that live in its memory only: ``python -m tests.cli.only_here dashboard|client``."""

from __future__ import annotations

import asyncio
import os
import sys

from opalmind_tui import MatomoClient
from opalmind_tui.cli.logs import log_to_stderr
from opalmind_tui.engine.engine import Engine
from opalmind_tui.settings import load_settings
from opalmind_tui.tracking.fields import goal

COUNT = 5


async def client() -> None:
    """Tracks, says so, and works on until it is ended from outside."""
    async with MatomoClient() as matomo:
        for number in range(COUNT):
            await matomo.track_goal(number + 1)
        print("tracked", flush=True)
        await asyncio.sleep(3600)


def dashboard() -> int:
    """The dashboard on an engine that was given requests."""
    from opalmind_tui.tui.app import OpalmindApp
    from opalmind_tui.tui.run import run_dashboard

    log_to_stderr()
    engine = Engine(load_settings(os.environ), role="dashboard")

    async def start() -> None:
        await engine.start()
        await engine.offer([goal({"goalId": number + 1}, default_site_id=1) for number in range(COUNT)])

    return run_dashboard(OpalmindApp(engine, interval=0.2, on_start=start, on_stop=engine.stop))


if __name__ == "__main__":
    if sys.argv[1] == "client":
        asyncio.run(client())
    sys.exit(dashboard())
