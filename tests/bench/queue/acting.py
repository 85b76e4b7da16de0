"""What it costs to act on everything in a very long queue."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis.asyncio

from opalmind_tui.snapshot.model import State
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tracking.redis_queue import RedisQueue
from tests.bench.core.run import Run
from tests.bench.core.stall import longest_stall

PAGE = 500
"""Requests that are captured and acted on at a time."""
MOST_MS = 5
SLOW_FROM = 2_500
"""Microseconds from which the server notes a command. It copies what it notes: every second script would disturb it."""
STALL_MOST = 30.0
"""Seconds that the machine's own stalls are looked for at the most; else as long as the act took."""
CELL = "acting on all"
PER_SECOND, UNIT = "requests/s", "ms"

ACTS: dict[str, tuple[State, Callable[[RedisQueue, Sequence[str]], Awaitable[Any]]]] = {
    "retry": (State.DEAD, lambda queue, ids: queue.retry(ids)),
    "purge": (State.PENDING, lambda queue, ids: queue.purge(ids)),
    "restore": (State.TRASH, lambda queue, ids: queue.restore(ids)),
    "hard purge": (State.PENDING, lambda queue, ids: queue.purge(ids, hard=True)),
}
"""In which state requests are, and what is done with them."""


@dataclass(frozen=True)
class Cost:
    """What an act took: seconds, scripts, the server's seconds of processor time, and the milliseconds of each command
    that the server noted as slow; and how many seconds the server waited for a processor that others used."""

    seconds: float
    done: int
    scripts: int
    cpu: float
    slow: Sequence[float]
    waited: float


def longest_cell(act: str) -> str:
    """A cell's name."""
    return f"single commands of {act} all"


async def act_on_all(act: str, queue: RedisQueue, server: LocalServer) -> Cost:
    """Act page by page on all that is in the act's state, while the server notes what takes long."""
    state, do = ACTS[act]
    client = redis.asyncio.Redis.from_url(server.url)
    await client.config_set("slowlog-log-slower-than", SLOW_FROM)
    await client.config_set("slowlog-max-len", 1_000_000)
    await client.slowlog_reset()
    scripts, cpu = await _work_of(client)
    waited = _waited(server)
    done, began = 0, time.monotonic()
    while page := (await queue.ids(state, limit=PAGE))[0]:
        moved = await do(queue, page)
        assert moved.done, f"{act} does nothing to {page[0]}"
        done += moved.done
    seconds = time.monotonic() - began
    # A slow command within a script has a line of its own beside the script's.
    noted = [entry for entry in await client.slowlog_get(1_000_000) if entry["command"].startswith(b"EVALSHA")]
    all_scripts, all_cpu = await _work_of(client)
    await client.aclose()
    slow = [entry["duration"] / 1000 for entry in noted]
    return Cost(seconds, done, all_scripts - scripts, all_cpu - cpu, slow, _waited(server) - waited)


def _waited(server: LocalServer) -> float:
    """Seconds that the server was ready to run and did not, by the scheduler's count: a command that lasts through such
    a wait looks long and is not."""
    return int(Path(f"/proc/{server.pid}/schedstat").read_text().split()[1]) / 1e9


def measure_act(act: str, benchmark: Run, count: int, cost: Cost) -> None:
    """Note what an act on all took."""
    assert cost.done == count, (act, cost.done, count)
    report, cell = benchmark.report, longest_cell(act)
    report.add(CELL, f"{act} {count:,}", count / cost.seconds, PER_SECOND)
    report.add(cell, "the longest, by the clock", max(cost.slow, default=0.0), UNIT, better="less", role="ours")
    stall = longest_stall(min(STALL_MOST, cost.seconds))
    report.add(cell, "the longest stall of a process that only spins", 1000 * stall, UNIT, better="less", role="floor")
    report.add(cell, "the mean, in processor time", cost.cpu / cost.scripts * 1000, UNIT, better="less")
    report.note(f"{act} {count:,}: the server waited {cost.waited / cost.seconds:.1%} of the time for a processor")
    over = sum(took > MOST_MS for took in cost.slow) / cost.scripts
    report.add(f"scripts over {MOST_MS} ms", f"{act} all", 100 * over, "%", better="less")


async def _work_of(client: redis.asyncio.Redis) -> tuple[int, float]:
    """Scripts that the server has run so far, and the seconds of processor time that it took."""
    info = await client.info("everything")
    return info.get("cmdstat_evalsha", {"calls": 0})["calls"], info["used_cpu_user"] + info["used_cpu_sys"]
