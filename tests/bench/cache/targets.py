"""The numbers that this project wants to reach, measured side by side in one run."""

from __future__ import annotations

from collections.abc import Callable

from tests.bench.cache import hitting, looking, silence
from tests.bench.core.report import Report, Target


def _times(size: int, ours: str, peers: str = "") -> Callable[[Report], float | None]:
    cell = hitting.cell_of(size)

    def measure(report: Report) -> float | None:
        mine = report.median(cell, ours, hitting.UNIT)
        best = report.best(cell, hitting.UNIT, lambda series: series.role == "peer" and series.who.startswith(peers))
        return mine / best if mine and best else None

    return measure


def _figure(cell: str, who: str, unit: str) -> Callable[[Report], float | None]:
    return lambda report: report.median(cell, who, unit)


TARGETS = (
    Target("hit from Redis, 2 KB, times the best Python cache", 3.0, True, "x", _times(2_000, hitting.REDIS)),
    Target("hit from Redis, 20 KB, times the best Python cache", 1.9, True, "x", _times(20_000, hitting.REDIS)),
    *(
        Target(f"first-level hit, {size // 1000} KB, times aiocache", 100.0, True, "x",
               _times(size, hitting.FIRST_LEVEL, "aiocache"))
        for size in hitting.SIZES
    ),
    Target("Redis silent, first look-up", 300.0, False, "ms", _figure(silence.CELL, silence.FIRST, silence.UNIT)),
    Target("Redis silent, then", 5.0, False, "ms", _figure(silence.CELL, silence.THEN, silence.UNIT)),
    *(Target(f"statistics beside {number:,} entries", 2.0, False, "ms",
             _figure(looking.CELL, looking.name_of(number), looking.TIME))
      for number in (looking.SMALL, looking.MANY, looking.LONG)),
    *(Target(f"commands beside {number:,} entries", 3.0, False, "",
             _figure(looking.CELL, looking.name_of(number), looking.COMMANDS))
      for number in (looking.SMALL, looking.MANY, looking.LONG)),
)  # fmt: skip
