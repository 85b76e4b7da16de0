"""How much a worker grows while a great many requests go through it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from tests.bench.core.contestants import Failed, child, run
from tests.bench.core.run import Run
from tests.bench.core.servers import fresh
from tests.bench.queue.rivals import OURS

MANY, LONG = 50_000, 1_000_000
CELL = "growth of a worker that drains"
UNIT = "MB"


def rss(benchmark: Run) -> None:
    """From the idle worker's resident memory to the most that it ever was."""
    count = benchmark.count(LONG if benchmark.long else MANY)
    benchmark.report.say(f"{CELL} {count:,}")
    try:
        with (
            fresh(benchmark.product) as server,
            child(OURS, do="work", url=server.url, count=count, latencies=False) as worker,
        ):
            worker.first("ready")
            time.sleep(3.0)
            idle = _resident(worker.process.pid)
            seen = [idle]
            over = threading.Event()
            watch = threading.Thread(target=_watch, args=(worker.process.pid, seen, over))
            watch.start()
            try:
                run(OURS, do="accept", url=server.url, count=count, callers=50)
                worker.first("seconds")
            finally:
                over.set()
                watch.join()
    except Failed as error:
        benchmark.report.note(str(error))
        return
    benchmark.report.add(CELL, f"{count:,} requests", max(seen) - idle, UNIT, better="less", role="ours")
    benchmark.report.add(CELL, "idle, all of it", idle, UNIT, better="less")


def _watch(pid: int, seen: list[float], over: threading.Event) -> None:
    while not over.wait(0.2):
        try:
            seen.append(_resident(pid))
        except OSError:
            return


def _resident(pid: int) -> float:
    """Megabytes of resident memory, of a process that runs on Linux."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6
