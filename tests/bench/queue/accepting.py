"""How fast callers get their own durable answers."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.core.contestants import Contestant, run
from tests.bench.core.run import Run
from tests.bench.core.servers import fresh, processor_time
from tests.bench.queue.rivals import FLOOR, OFFER, OURS, SCRIPT

CALLERS = 50
MANY, FEW = 10_000, 2_000
UNIT = "requests/s"
WORK = "µs of processor time a request, client and server"


def cell_of(callers: int, persistence: str) -> str:
    """A cell's name."""
    return f"accept, {'one at a time' if callers == 1 else f'{callers} callers'}, {persistence}"


def accept(run: Run) -> None:
    """All contestants, with and without a file; with `always` ours against a script for each call."""
    everyone = [*run.among("ours", "floor", "peer"), OFFER]
    _measure(run, everyone, CALLERS, "no persistence", MANY)
    _measure(run, everyone, CALLERS, "everysec", MANY)
    _measure(run, [OURS, SCRIPT, FLOOR], CALLERS, "always", MANY)
    _measure(run, everyone, 1, "no persistence", FEW)


def _measure(benchmark: Run, who: Sequence[Contestant], callers: int, persistence: str, number: int) -> None:
    cell, count = cell_of(callers, persistence), benchmark.count(number, callers)

    def once(contestant: Contestant) -> None:
        with fresh(benchmark.product, persistence) as server:
            before = processor_time(server)
            found = run(contestant, do="accept", url=server.url, count=count, callers=callers, warm=True)
            worked = found["cpu"] + processor_time(server) - before
        benchmark.report.add(cell, contestant.name, count / found["seconds"], UNIT, role=contestant.role)
        benchmark.report.add(cell, contestant.name, worked / count * 1e6, WORK, better="less", role=contestant.role)

    benchmark.interleave(cell, who, once)
