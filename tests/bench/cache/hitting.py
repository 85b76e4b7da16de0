"""How fast reports come from the cache."""

from __future__ import annotations

from tests.bench.core.contestants import Contestant, run
from tests.bench.core.run import Run
from tests.bench.core.servers import fresh

CALLERS = 50
SIZES = {2_000: 10_000, 20_000: 4_000}
"""Bytes of a report, and how many hits are measured."""
UNIT = "hits/s"
REDIS, FIRST_LEVEL = "opalmind, Redis", "opalmind, first level"


def cell_of(size: int) -> str:
    """A cell's name."""
    return f"hit, {CALLERS} callers, {size // 1000} KB"


def hits(benchmark: Run) -> None:
    """Each report read, parsed and, with ours, tested; 200 reports in turn. Ours also from the first level."""
    for size, number in SIZES.items():
        _measure(benchmark, size, benchmark.count(number, CALLERS))


def _measure(benchmark: Run, size: int, count: int) -> None:
    cell = cell_of(size)

    def once(contestant: Contestant) -> None:
        with fresh(benchmark.product) as server:
            found = run(contestant, url=server.url, size=size, hits=count, callers=CALLERS)["found"]
        for name, value in found.items():
            role = "aside" if name == FIRST_LEVEL else contestant.role
            benchmark.report.add(cell, name, value, UNIT, role=role)

    benchmark.interleave(cell, benchmark.among("ours", "peer"), once)
