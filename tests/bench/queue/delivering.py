"""How fast hits get to Matomo: our worker, httpx without anything around it, and one hit at a time."""

from __future__ import annotations

from pathlib import Path

from tests.bench.core.contestants import Contestant, child, run
from tests.bench.core.run import Run
from tests.bench.core.servers import fresh
from tests.bench.queue.rivals import OURS

_SCRIPTS = Path(__file__).parent / "contestants"
MATOMO = Contestant("stand-in Matomo", _SCRIPTS / "matomo.py", "aside")
BULK = Contestant("httpx, same bulks", _SCRIPTS / "bare_httpx.py", "floor", variant="bulk")
SINGLE = Contestant("httpx, one at a time", _SCRIPTS / "bare_httpx.py", "aside", variant="single")
HITS, FEW = 10_000, 60
CELL = "delivery to Matomo (50 ms + 1 ms a hit)"
UNIT = "hits/s"


def delivery(benchmark: Run) -> None:
    """From the first post to the last answer (ours: until the queue knows of it)."""

    def once(contestant: Contestant) -> None:
        count = benchmark.count(FEW if contestant is SINGLE else HITS)
        with fresh(benchmark.product) as server, child(MATOMO) as matomo:
            url = matomo.first("matomo")["matomo"]
            task = {"url": server.url, "matomo": url, "count": count}
            if contestant is OURS:
                run(contestant, do="accept", callers=50, **task)
            found = run(contestant, do="work", **task)
        benchmark.report.add(CELL, contestant.name, count / found["seconds"], UNIT, role=contestant.role)

    benchmark.interleave(CELL, (OURS, BULK, SINGLE), once)
