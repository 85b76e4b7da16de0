"""What another client feels: a prober on a connection of its own, beside nothing and beside a dashboard that opens."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from opalmind_tui.storage.local_server import LocalServer
from tests.bench.census.keys import MANY, filled
from tests.bench.core.contestants import ROOT
from tests.bench.core.run import Run

CELL, UNIT = "a prober's PING beside a million keys of 2 kB", "ms"
ALONE, BESIDE = "alone", "beside a dashboard that opens and runs"
SECONDS = 20.0
"""Of one measurement; the dashboard opens within it, and its Redis screen after a third."""
_PROBER = Path(__file__).parent / "prober.py"


def probe(benchmark: Run) -> None:
    """Alone, beside, alone, beside."""
    seconds = max(4.0, SECONDS * min(1.0, benchmark.scale))
    with filled(benchmark, benchmark.count(MANY, 2_000)) as (server, _, _):
        for number in range(1, benchmark.rounds + 1):
            benchmark.report.say(f"{CELL}: round {number} of {benchmark.rounds}")
            _add(benchmark, ALONE, _probed(server, seconds))
            with _dashboard(server, seconds / 3):
                _add(benchmark, BESIDE, _probed(server, seconds))


def _probed(server: LocalServer, seconds: float) -> list[float]:
    arguments = [sys.executable, str(_PROBER), str(server.port), str(seconds)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=seconds + 60)
    found: list[float] = json.loads(done.stdout)
    return found


def _add(benchmark: Run, who: str, found: list[float]) -> None:
    role = "ours" if who == BESIDE else "floor"
    for name, value in zip(("p50", "p99", "maximum"), found, strict=True):
        benchmark.report.add(f"{CELL}, {name}", who, value, UNIT, better="less", role=role)


@contextmanager
def _dashboard(server: LocalServer, then: float) -> Iterator[None]:
    """The program in a terminal; after so many seconds somebody opens the Redis screen."""
    master, slave = pty.openpty()
    environment = {**os.environ, "REDIS_URL": server.url, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    running = subprocess.Popen(
        [sys.executable, "-m", "opalmind_tui"], stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, env=environment,
        start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    opens = threading.Timer(then, os.write, (master, b"4"))
    drain = threading.Thread(target=_drain, args=(master,), daemon=True)
    opens.start()
    drain.start()
    try:
        yield
    finally:
        opens.cancel()
        running.terminate()
        running.wait(30)
        os.close(master)


def _drain(master: int) -> None:
    with suppress(OSError):
        while os.read(master, 65_536):
            time.sleep(0.01)
