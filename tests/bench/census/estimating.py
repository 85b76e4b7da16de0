"""The estimate: how soon it is there after the connection, and how often its bounds hold the truth."""

from __future__ import annotations

import asyncio
import time

from opalmind_tui.engine.engine import Engine
from opalmind_tui.observe.census import Census
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.census import Estimate
from opalmind_tui.snapshot.wanted import Wanted
from opalmind_tui.storage.connection import async_client
from tests.bench.census.keys import FEW, MANY, PREFIXES, filled, truth
from tests.bench.core.run import Run

FIRST, TIME = "from the connection to the first frame with an estimate", "ms"
COVER, HELD = "bounds that hold the truth, of 100 samples", "of 100"
TRIALS = 100


def first(benchmark: Run) -> None:
    """A dashboard's engine, opened anew for each measurement, beside few keys and very many."""
    for number in (FEW, MANY):
        with filled(benchmark, benchmark.count(number)) as (_, settings, _):
            for _ in range(3 * benchmark.rounds):
                took = asyncio.run(_opened(settings))
                benchmark.report.add(FIRST, name_of(number), took * 1000, TIME, better="less", role="ours")


def name_of(number: int) -> str:
    """Of a measurement, whatever the scale."""
    return f"{number:,} keys"


async def _opened(settings: Settings) -> float:
    engine = Engine(settings, role="dashboard")
    began = time.perf_counter()
    try:
        await engine.start()
        snapshot = await engine.take_snapshot(Wanted(rows=20, closer=True))
        took = time.perf_counter() - began
    finally:
        await engine.stop()
    assert snapshot.redis.value is not None
    assert snapshot.redis.value.census is not None
    assert snapshot.redis.value.census.looked_at
    return took


def cover(benchmark: Run) -> None:
    """Samples of one database whose keys and memory are known."""
    number = benchmark.count(MANY, 21_000)
    with filled(benchmark, number) as (_, settings, admin):
        known = truth(admin, number)
        held = asyncio.run(_covered(settings, known, max(5, int(TRIALS * min(1.0, benchmark.scale)))))
    for name, share in held.items():
        benchmark.report.add(COVER, name, 100 * share, HELD, role="aside")
    benchmark.report.add(COVER, "the worst of them", 100 * min(held.values()), HELD, role="ours")


async def _covered(settings: Settings, known: dict[str, tuple[int, int]], trials: int) -> dict[str, float]:
    client = async_client(settings, pool=1, no_touch=True)
    held = {f"{what} of {name}": 0 for name in PREFIXES for what in ("keys", "memory")}
    for _ in range(trials):
        found = {group.name: group for group in (await Census(settings).once(client)).prefixes}
        for name, (keys, memory) in known.items():
            assert found[name].memory is not None
            held[f"keys of {name}"] += _holds(found[name].keys, keys)
            held[f"memory of {name}"] += _holds(found[name].memory or Estimate(), memory)
    await client.aclose()
    return {name: number / trials for name, number in held.items()}


def _holds(estimate: Estimate, value: int) -> bool:
    return estimate.low <= value <= estimate.high
