"""How long a request waits for its worker when there is no backlog: the producer is another process."""

from __future__ import annotations

import time
from statistics import quantiles

from tests.bench.core.contestants import Contestant, child, run
from tests.bench.core.run import Run
from tests.bench.core.servers import fresh

RATE = 100
REQUESTS = 500
WARM = 20
"""Requests at the beginning that are not counted."""
CELL = f"accept to start at {RATE}/s"
P50, P99 = "ms p50", "ms p99"


def latency(benchmark: Run) -> None:
    """Poisson arrivals; from before the call that accepts to the start of the job (ours: of the post)."""

    def once(contestant: Contestant) -> None:
        count = WARM + benchmark.count(REQUESTS, 100)
        with (
            fresh(benchmark.product) as server,
            child(contestant, do="work", url=server.url, count=count) as worker,
        ):
            worker.first("ready")
            time.sleep(1.0)
            run(contestant, do="produce", url=server.url, count=count, rate=RATE)
            waited = worker.first("latencies")["latencies"][WARM:]
        parts = quantiles(waited, n=100)
        for unit, value in ((P50, parts[49]), (P99, parts[98])):
            benchmark.report.add(CELL, contestant.name, value, unit, better="less", role=contestant.role)

    benchmark.interleave(CELL, benchmark.among("ours", "floor", "peer"), once)
