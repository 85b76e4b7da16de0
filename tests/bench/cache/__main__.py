"""``python -m tests.bench.cache``: measure the cache beside its peers. With ``setup``: install the peers.

Ratios of one run are what counts: everything in it meets the same machine. Times in ms hold for an idle one.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench.cache import ours
from tests.bench.core.contestants import Contestant, run
from tests.bench.core.report import Report, Target, target_table
from tests.bench.core.servers import fresh, product

CALLERS = 50
SIZES = {2_000: 10_000, 20_000: 4_000}
ENTRIES = (100, 100_000, 1_000_000)
UNIT = "hits/s"
PEERS = Contestant(
    "cashews and aiocache", Path(__file__).parent / "peers.py",
    needs=("cashews[redis]>=7.6", "aiocache[redis]>=0.12.3", "hiredis>=3.2"), module="aiocache",
)  # fmt: skip


def _cell(size: int) -> str:
    return f"hit, {CALLERS} callers, {size // 1000} KB"


def _ratio(size: int, name: str, among: Callable[[str], bool]) -> Callable[[Report], float | None]:
    def measure(report: Report) -> float | None:
        mine = report.median(_cell(size), name, UNIT)
        best = report.best(_cell(size), UNIT, lambda series: series.role == "peer" and among(series.who))
        return mine / best if mine and best else None

    return measure


def _figure(cell: str, who: str, unit: str) -> Callable[[Report], float | None]:
    return lambda report: report.median(cell, who, unit)


TARGETS = (
    Target("hit from Redis, 2 KB, times the best Python cache", 3.0, True, "x", _ratio(2_000, "Redis", bool)),
    Target("hit from Redis, 20 KB, times the best Python cache", 1.9, True, "x", _ratio(20_000, "Redis", bool)),
    *(
        Target(f"first-level hit, {size // 1000} KB, times aiocache", 100.0, True, "x",
               _ratio(size, "first level", lambda who: who.startswith("aiocache")))
        for size in SIZES
    ),
    Target("Redis silent, first look-up", 300.0, False, "ms", _figure("Redis silent", "first", "ms")),
    Target("Redis silent, then", 5.0, False, "ms", _figure("Redis silent", "then", "ms")),
    *(Target(f"statistics beside {n:,} entries", 2.0, False, "ms", _figure("statistics", f"{n:,}", "ms"))
      for n in ENTRIES),
    *(Target(f"commands beside {n:,} entries", 3.0, False, "", _figure("statistics", f"{n:,}", "commands"))
      for n in ENTRIES),
)  # fmt: skip


def main() -> int:
    """Measure, or install."""
    if "setup" in sys.argv:
        PEERS.install(print)
        return 0
    report, server_product = Report(lambda text: print(text, file=sys.stderr)), product("valkey")
    for _ in range(3):
        for size, number in SIZES.items():
            with fresh(server_product) as server:
                for name, value in asyncio.run(ours.hits(server.url, size, number, CALLERS)).items():
                    report.add(_cell(size), name, value, UNIT, role="ours")
            if PEERS.why_not:
                report.note(f"{PEERS.name} not run: {PEERS.why_not}")
                continue
            with fresh(server_product) as server:
                found = run(PEERS, url=server.url, size=size, hits=number, callers=CALLERS, do="hits")["found"]
            for name, value in found.items():
                report.add(_cell(size), name, value, UNIT, role="peer")
        with fresh(server_product) as server:
            for name, value in zip(("first", "then"), asyncio.run(ours.silent(server)), strict=True):
                report.add("Redis silent", name, value, "ms", better="less")
    with fresh(server_product) as server:
        for entries in ENTRIES:
            took, commands = asyncio.run(ours.statistics(server.url, entries))
            report.add("statistics", f"{entries:,}", took, "ms", better="less")
            report.add("statistics", f"{entries:,}", commands, "commands", better="less")
    print(report.tables(), target_table([target.verdict(report) for target in TARGETS]), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
