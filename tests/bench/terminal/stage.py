"""What the cells of the terminal share: the two programs, and a server with a queue in it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.local_server import LocalServer
from tests.bench.core.contestants import ROOT
from tests.bench.core.run import Run
from tests.bench.core.servers import fresh
from tests.bench.queue.looking import ENDPOINT, fill, queue_of
from tests.bench.terminal.meter import Metered, metered
from tests.bench.terminal.minimal import READY

OURS, FLOOR = "opalmind-tui", "Textual with four panels"
FEW, MANY = 1_000, 1_000_000
"""Requests that are queued; the second times the scale of the run."""
PER_SECOND = 50
"""Requests that keep coming."""
REAL = "observing"
"""Stands in the first line from the first snapshot on."""
_HERE = Path(__file__).parent


@contextmanager
def queued(benchmark: Run, number: int) -> Iterator[LocalServer]:
    """A server with so many requests in its queue."""
    with fresh(benchmark.product) as server:
        benchmark.report.say(f"filling a queue of {number:,}")
        asyncio.run(_filled(server.url, number))
        yield server


async def _filled(url: str, number: int) -> None:
    await fill(queue_of(Settings(redis_url=url)), number)


@contextmanager
def flowing(server: LocalServer) -> Iterator[None]:
    """Requests keep coming while the block runs."""
    arguments = [sys.executable, str(_HERE / "traffic.py"), server.url, str(PER_SECOND), "600"]
    process = subprocess.Popen(arguments, cwd=ROOT, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)})
    try:
        yield
    finally:
        process.kill()
        process.wait(30)


@contextmanager
def ours(server: LocalServer) -> Iterator[Metered]:
    """The dashboard on a server."""
    base = ENDPOINT.removesuffix("/matomo.php")
    with metered(["-m", "opalmind_tui", "--no-mouse"], REDIS_URL=server.url, MATOMO_BASE_URL=base) as program:
        yield program


@contextmanager
def floor() -> Iterator[Metered]:
    """The minimal app."""
    with metered([str(_HERE / "minimal.py")]) as program:
        yield program


def ready_of(who: str) -> str:
    """What stands on the screen with the first real data."""
    return REAL if who == OURS else READY
