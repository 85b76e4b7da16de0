"""The numbers that this project wants to reach in a terminal."""

from __future__ import annotations

from collections.abc import Callable

from tests.bench.core.report import Report, Target
from tests.bench.terminal import starting, using
from tests.bench.terminal.stage import FLOOR, OURS


def _times(cell: str, unit: str, ours: str = OURS, floor: str = FLOOR) -> Callable[[Report], float | None]:
    def measure(report: Report) -> float | None:
        above, below = report.median(cell, ours, unit), report.median(cell, floor, unit)
        return above / below if above and below else None

    return measure


def _figure(cell: str, unit: str) -> Callable[[Report], float | None]:
    return lambda report: report.median(cell, OURS, unit)


TARGETS = (
    Target("first real data, times four panels", 1.5, False, "x", _times(starting.PAINT, starting.UNIT)),
    Target("stable screen, times four panels", 2.0, False, "x", _times(starting.STABLE, starting.UNIT)),
    Target("memory of its own, times four panels", 2.2, False, "x", _times(starting.MEMORY, starting.SIZE)),
    Target("opening a full store, times an empty one", 1.2, False, "x",
           _times(starting.OPENING, starting.UNIT, starting.FULL, starting.EMPTY)),
    Target("a key to its change, p50", 10.0, False, "ms", _figure(using.KEY, using.P50)),
    Target("a key to its change, p95", 25.0, False, "ms", _figure(using.KEY, using.P95)),
    Target("a held key", 50.0, False, "ms", _figure(using.HELD, using.LAG)),
    Target("processor on the overview", 15.0, False, "ms/s", _figure(using.REST, using.CPU)),
    Target("bytes while nothing changes", 0.0, False, "B/s", _figure(using.FROZEN, using.BYTES)),
)  # fmt: skip
