"""How soon the requests of a killed worker run again."""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from opalmind_tui.tracking.dispatcher import LEASE
from tests.bench.core.contestants import Child, Contestant, Failed, child, run
from tests.bench.core.run import Run
from tests.bench.core.servers import fresh

JOBS = 300
JOB_SECONDS = 0.5
ENOUGH = 10
"""Jobs that have started when the worker is killed (one, where one runs at a time)."""
BOUND = 90.0
"""Seconds after which whoever has not run them is given up."""
CELL = "kill -9 of a worker, its requests run again after"
UNIT, PAST_LEASE = "s", "s past the lease"


def kill(benchmark: Run) -> None:
    """Another worker starts at once, with default settings. All contestants at the same time, for they wait most of
    it; the peers in a long run only."""
    who = benchmark.among("ours", "peer") if benchmark.long else benchmark.among("ours")
    lease = LEASE if benchmark.scale >= 1 else 7.0
    with ThreadPoolExecutor(len(who) or 1) as pool:
        for contestant in who:
            pool.submit(_once, benchmark, contestant, lease)


def _once(benchmark: Run, contestant: Contestant, lease: float) -> None:
    count = JOBS // contestant.slow
    try:
        with fresh(benchmark.product) as server:
            task = {"do": "work", "url": server.url, "count": count, "job_seconds": JOB_SECONDS, "lease": lease}
            run(contestant, do="accept", url=server.url, count=count, callers=min(50, count))
            with child(contestant, **task) as first:
                open_jobs = _started(first, 1 if contestant.slow > 1 else ENOUGH)
            killed = time.monotonic()
            with child(contestant, **task) as second:
                again = _run_again(second, open_jobs, killed)
    except Failed as error:
        benchmark.report.note(str(error))
        return
    lost = len(open_jobs) - len(again)
    if lost:
        benchmark.report.note(f"{contestant.name}: {lost} of {len(open_jobs)} not run within {BOUND:.0f} s of the kill")
    took = BOUND if lost else max(again)
    benchmark.report.add(CELL, contestant.name, took, UNIT, better="less", role=contestant.role)
    if contestant.role == "ours":
        # A short run has a short lease, so the target is about what comes after it.
        benchmark.report.add(CELL, contestant.name, took - lease, PAST_LEASE, better="less", role="ours")


def _started(worker: Child, enough: int) -> set[int]:
    """Wait until jobs are under way. Returns those that are."""
    running: set[int] = set()
    for said in worker.lines():
        if "started" in said:
            running.add(said["started"])
        running.discard(said.get("ended", -1))
        if len(running) >= enough:
            return running
    raise Failed(f"{worker.who.name} started no jobs")


def _run_again(worker: Child, wanted: set[int], killed: float) -> list[float]:
    """Seconds from the kill to the start of each wanted job."""
    said: queue.SimpleQueue[int] = queue.SimpleQueue()

    def listen() -> None:
        for line in worker.lines():
            if "started" in line:
                said.put(line["started"])

    threading.Thread(target=listen, daemon=True).start()
    found: dict[int, float] = {}
    while len(found) < len(wanted):
        try:
            number = said.get(timeout=max(0.0, killed + BOUND - time.monotonic()))
        except queue.Empty:
            break
        if number in wanted:
            found.setdefault(number, time.monotonic() - killed)
    return list(found.values())
