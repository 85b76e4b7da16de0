"""The numbers that this project wants to reach."""

from __future__ import annotations

from collections.abc import Callable

from opalmind_tui.snapshot.redis_report import MOST_BYTES, MOST_COMMANDS
from tests.bench.census import costing, counting, estimating, probing
from tests.bench.census.keys import FEW, MANY
from tests.bench.core.report import Report, Target

ALLOWED = 2.0
"""Milliseconds that the prober may wait beside 1.2 times what it waits alone."""


def _slower(name: str) -> Callable[[Report], float | None]:
    """By how much the prober waits longer than 1.2 times what it waits alone."""
    cell = f"{probing.CELL}, {name}"

    def measure(report: Report) -> float | None:
        alone, beside = (report.median(cell, who, probing.UNIT) for who in (probing.ALONE, probing.BESIDE))
        return None if alone is None or beside is None else max(0.0, beside - 1.2 * alone)

    return measure


def _figure(cell: str, who: str, unit: str) -> Callable[[Report], float | None]:
    return lambda report: report.median(cell, who, unit)


def _times(report: Report) -> float | None:
    ours, bare = (report.median(counting.CELL, who, counting.UNIT) for who in (counting.OURS, counting.BARE))
    return ours / bare if ours and bare else None


def _growth(report: Report) -> float | None:
    most, few = (report.median(counting.MEMORY, name, counting.SIZE) for name in ("all keys", "a tenth of them"))
    return most / few if most and few else None


TARGETS = (
    *(Target(f"the prober's {name}, over 1.2 times alone", ALLOWED, False, "ms", _slower(name))
      for name in ("p99", "maximum")),
    *(Target(f"first estimate, {number:,} keys", 300.0, False, "ms",
             _figure(estimating.FIRST, estimating.name_of(number), estimating.TIME)) for number in (FEW, MANY)),
    Target("bounds that hold the truth, the worst figure", 93.0, True, "of 100",
           _figure(estimating.COVER, "the worst of them", estimating.HELD)),
    Target("exact count, times a bare SCAN loop", 1.5, False, "x", _times),
    Target("its memory, times that at a tenth of the keys", 1.5, False, "x", _growth),
    *(Target(f"{unit}, {name}", most, False, "", _figure(costing.CELL, name, unit))
      for name in ("overview", "Redis from near")
      for unit, most in ((costing.COMMANDS, MOST_COMMANDS), (costing.BYTES, float(MOST_BYTES)))),
)  # fmt: skip
