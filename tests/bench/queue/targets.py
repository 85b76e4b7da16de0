"""The numbers that this project wants to reach, measured side by side in one run."""

from __future__ import annotations

from collections.abc import Callable

from tests.bench.core.report import Report, Target
from tests.bench.queue import accepting, draining, keeping
from tests.bench.queue.rivals import BULLMQ, OURS, SCRIPT

ACCEPT, ALWAYS = accepting.cell_of(50, "no persistence"), accepting.cell_of(50, "always")
PER_SECOND = "requests/s"


def _ours(cell: str, unit: str) -> Callable[[Report], float | None]:
    return lambda report: report.median(cell, OURS.name, unit)


def _times_python(cell: str) -> Callable[[Report], float | None]:
    return lambda report: _ratio(
        report.median(cell, OURS.name, PER_SECOND),
        report.best(cell, PER_SECOND, lambda series: series.role == "peer" and series.who != BULLMQ.name),
    )


def _times(cell: str, other: str) -> Callable[[Report], float | None]:
    return lambda report: _ratio(report.median(cell, OURS.name, PER_SECOND), report.median(cell, other, PER_SECOND))


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return ours / theirs if ours is not None and theirs else None


TARGETS = (
    Target("accept, 50 callers, times the best Python queue", 5.0, True, "x", _times_python(ACCEPT)),
    Target("accept, 50 callers, times BullMQ", 1.7, True, "x", _times(ACCEPT, BULLMQ.name)),
    Target("accept, fsync always, times a script for each call", 2.0, True, "x", _times(ALWAYS, SCRIPT.name)),
    Target("drain, times the best Python queue", 8.0, True, "x", _times_python(draining.CELL)),
    Target("drain, times BullMQ", 2.5, True, "x", _times(draining.CELL, BULLMQ.name)),
    Target("memory of a waiting 500-byte request", 800, False, "bytes", _ours(keeping.CELL, keeping.UNIT)),
)
