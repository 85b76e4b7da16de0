"""What an observing dashboard asks of a server with a million keys, by its own meter and by the server's statistics."""

from __future__ import annotations

import asyncio
from typing import Any

import redis

from opalmind_tui.engine.engine import Engine
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.wanted import Wanted
from tests.bench.census.keys import MANY, filled
from tests.bench.core.run import Run

CELL = "an observing dashboard, one look a second"
COMMANDS, BYTES, TIME, INSIDE = "commands/s", "bytes/s", "µs/s of the server", "commands/s inside of scripts"
SETTLE, SECONDS = 6, 40


def cost(benchmark: Run) -> None:
    """The overview, then the same with Redis from near."""
    seconds = max(5, int(SECONDS * min(1.0, benchmark.scale)))
    with filled(benchmark, benchmark.count(MANY, 21_000)) as (_, settings, admin):
        for name, closer in (("overview", False), ("Redis from near", True)):
            asyncio.run(_looked(benchmark, settings, admin, name, closer, seconds))


async def _looked(
    benchmark: Run, settings: Settings, admin: redis.Redis, name: str, closer: bool, seconds: int
) -> None:
    async with Engine(settings, role="dashboard") as engine:
        for _ in range(SETTLE):
            await engine.take_snapshot(Wanted(rows=25, closer=closer))
            await asyncio.sleep(1)
        meter = engine._stores.meter
        sent, taken, before = meter.commands.copy(), meter.sent + meter.received, _statistics(admin)
        for _ in range(seconds):
            await engine.take_snapshot(Wanted(rows=25, closer=closer))
            await asyncio.sleep(1)
        asked, after = meter.commands - sent, _statistics(admin)
        moved = meter.sent + meter.received - taken
    calls = {one: after[one]["calls"] - before.get(one, {"calls": 0})["calls"] for one in after}
    times = {one: after[one]["usec"] - before.get(one, {"usec": 0})["usec"] for one in after}
    outer = [one for one in calls if one in asked or one.partition("|")[0] in asked]
    # The one INFO of the statistics themselves is among them.
    inside = max(0, sum(calls.values()) - asked.total() - 1)
    for unit, value in (
        (COMMANDS, asked.total()), (BYTES, moved), (TIME, sum(times[one] for one in outer)), (INSIDE, inside),
    ):  # fmt: skip
        benchmark.report.add(CELL, name, value / seconds, unit, better="less", role="ours")


def _statistics(admin: redis.Redis) -> dict[str, Any]:
    return {name.removeprefix("cmdstat_"): one for name, one in admin.info("commandstats").items()}
