"""The numbers that this project wants to reach, measured side by side in one run."""

from __future__ import annotations

from collections.abc import Callable

from tests.bench.core.report import Report, Target
from tests.bench.queue import accepting, acting, delivering, draining, growing, keeping, killing, looking, waiting
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


def _looked(name: str, look: str) -> Callable[[Report], float | None]:
    return lambda report: report.median(looking.cell_of(look), name, looking.UNIT)


def _grows(look: str) -> Callable[[Report], float | None]:
    cell = looking.cell_of(look)
    return lambda report: _ratio(report.median(cell, "long", looking.UNIT), report.median(cell, "short", looking.UNIT))


def _delivery_times(other: str) -> Callable[[Report], float | None]:
    cell, unit = delivering.CELL, delivering.UNIT
    return lambda report: _ratio(report.median(cell, OURS.name, unit), report.median(cell, other, unit))


def _longest(act: str) -> Callable[[Report], float | None]:
    cell = acting.longest_cell(act)
    return lambda report: report.best(cell, acting.UNIT, lambda series: series.role == "ours")


def _growth(report: Report) -> float | None:
    return report.best(growing.CELL, growing.UNIT, lambda series: series.role == "ours")


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return ours / theirs if ours is not None and theirs else None


TARGETS = (
    Target("accept, 50 callers, times the best Python queue", 5.0, True, "x", _times_python(ACCEPT)),
    Target("accept, 50 callers, times BullMQ", 1.7, True, "x", _times(ACCEPT, BULLMQ.name)),
    Target("accept, fsync always, times a script for each call", 2.0, True, "x", _times(ALWAYS, SCRIPT.name)),
    Target("drain, times the best Python queue", 8.0, True, "x", _times_python(draining.CELL)),
    Target("drain, times BullMQ", 2.5, True, "x", _times(draining.CELL, BULLMQ.name)),
    Target("accept to start at 100/s, p99", 5.0, False, "ms", _ours(waiting.CELL, waiting.P99)),
    Target("memory of a waiting 500-byte request", 800, False, "bytes", _ours(keeping.CELL, keeping.UNIT)),
    Target("kill -9: runs again, past the lease", 5.0, False, "s", _ours(killing.CELL, killing.PAST_LEASE)),
    Target("delivery, of what httpx alone reaches", 0.95, True, "x", _delivery_times(delivering.BULK.name)),
    Target("delivery, times one hit at a time", 20.0, True, "x", _delivery_times(delivering.SINGLE.name)),
    *(
        target
        for look in ("counts", "page of 50", "overview of 50", "find an id", "find a key")
        for target in (
            Target(f"{look}, long queue", 2.0, False, "ms", _looked("long", look)),
            Target(f"{look}, long queue to short", 2.0, False, "x", _grows(look)),
        )
    ),
    *(
        Target(
            f"longest command of {act} all",
            5.0,
            False,
            "ms",
            _longest(act),
        )
        for act in acting.ACTS
    ),
    Target("growth of a worker that drains", 10.0, False, "MB", _growth),
)
