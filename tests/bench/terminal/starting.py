"""From the start to the first real data and to a stable screen, and the memory then; on a full store, too."""

from __future__ import annotations

from opalmind_tui.storage.local_server import LocalServer
from tests.bench.core.run import Run
from tests.bench.terminal.stage import FEW, FLOOR, MANY, OURS, floor, ours, queued, ready_of

WORK = "processor time to a stable screen"
PAINT, STABLE, MEMORY, BYTES = "first real data", "stable screen", "memory of its own (USS)", "bytes to a stable screen"
OPENING = "first real data, by length of the queue"
UNIT, SIZE, COUNT = "ms", "MiB", "bytes"
EMPTY, FULL = "empty", "full"


def start(benchmark: Run) -> None:
    """Ours and the floor in turn."""
    with queued(benchmark, FEW) as server:
        for number in range(-1, 2 * benchmark.rounds):
            benchmark.report.say(f"start: round {max(0, number + 1)} of {2 * benchmark.rounds}")
            for who in (FLOOR, OURS):
                _start(benchmark, who, server, counts=number >= 0)


def _start(benchmark: Run, who: str, server: LocalServer, *, counts: bool) -> None:
    with floor() if who == FLOOR else ours(server) as program:
        painted = program.wait_for(ready_of(who))
        program.until_quiet()
        stable = program.pieces[-1][0]
        if not counts:
            return
        role = "floor" if who == FLOOR else "ours"
        for cell, value, unit in (
            (PAINT, 1000 * (painted - program.began), UNIT), (STABLE, 1000 * (stable - program.began), UNIT),
            (WORK, 1000 * program.processor_time(), UNIT), (BYTES, program.octets, COUNT),
            (MEMORY, program.unshared(), SIZE),
        ):  # fmt: skip
            benchmark.report.add(cell, who, value, unit, better="less", role=role)


def opening(benchmark: Run) -> None:
    """Ours on an empty store and on a full one in turn."""
    many = benchmark.count(MANY, 2_000)
    with queued(benchmark, 0) as empty, queued(benchmark, many) as full:
        for number in range(2 * benchmark.rounds):
            benchmark.report.say(f"opening: round {number + 1} of {2 * benchmark.rounds}")
            for name, server in ((EMPTY, empty), (FULL, full)):
                with ours(server) as program:
                    painted = program.wait_for(ready_of(OURS))
                    taken = 1000 * (painted - program.began)
                    benchmark.report.add(OPENING, name, taken, UNIT, better="less", role="aside")
