"""How fast one worker gets through a backlog when the work itself costs nothing."""

from __future__ import annotations

from tests.bench.core.contestants import Contestant, run
from tests.bench.core.run import Run
from tests.bench.core.servers import fresh, processor_time

BACKLOG = 10_000
CELL = "drain by one worker"
UNIT = "requests/s"
WORK = "µs of processor time a request, worker and server"


def drain(benchmark: Run) -> None:
    """From the start of the first job to the end of the last; ours to the last acknowledgement."""

    def once(contestant: Contestant) -> None:
        count = benchmark.count(BACKLOG // contestant.slow)
        with fresh(benchmark.product) as server:
            run(contestant, do="accept", url=server.url, count=count, callers=50)
            before = processor_time(server)
            found = run(contestant, do="work", url=server.url, count=count)
            worked = found["cpu"] + processor_time(server) - before
        benchmark.report.add(CELL, contestant.name, count / found["seconds"], UNIT, role=contestant.role)
        benchmark.report.add(CELL, contestant.name, worked / count * 1e6, WORK, better="less", role=contestant.role)

    benchmark.interleave(CELL, benchmark.among("ours", "floor", "peer"), once)
