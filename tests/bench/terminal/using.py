"""Keys in a long queue with traffic flowing, a held key, and what a dashboard costs while nobody touches it."""

from __future__ import annotations

import time
from statistics import quantiles

from tests.bench.core.contestants import Failed
from tests.bench.core.run import Run
from tests.bench.terminal.meter import Metered
from tests.bench.terminal.stage import FLOOR, MANY, OURS, floor, flowing, ours, queued, ready_of

KEY, HELD, REST, FROZEN = "a key to its change on the screen", "a held key", "the overview at rest", "frozen"
P50, P95, LAG = "p50, ms", "p95, ms", "ms behind"
CPU, BYTES = "ms of processor a second", "bytes a second"
DOWN, UP, SPACE = b"\x1b[B", b"\x1b[A", b" "
_CURSOR = ("▸", "▹")
_PRESSES, _HELD, _EACH = 80, 60, 1 / 30
_SETTLE, _WATCH = 5.0, 20.0


def use(benchmark: Run) -> None:
    """Keys, then rest, then frozen; each with requests coming, all in one dashboard."""
    with queued(benchmark, benchmark.count(MANY, 2_000)) as server:
        for number in range(1, benchmark.rounds + 1):
            benchmark.report.say(f"use: round {number} of {benchmark.rounds}")
            keys_of_floor(benchmark)
            with flowing(server), ours(server) as program:
                program.wait_for(ready_of(OURS))
                program.read_for(_SETTLE)
                program.draw()
                _keys(benchmark, program)
                _held(benchmark, program)
                _rest(benchmark, program)
                _frozen(benchmark, program)


def keys_of_floor(benchmark: Run) -> None:
    """The same keys in the table of the minimal app, which is quiet otherwise: the first output is the change."""
    taken: list[float] = []
    with floor() as program:
        program.wait_for(ready_of(FLOOR))
        program.until_quiet()
        for number in range(_PRESSES):
            before = len(program.pieces)
            pressed = program.press(UP if number % 2 else DOWN)
            program.read(2)
            if len(program.pieces) > before:
                taken.append(1000 * (program.pieces[before][0] - pressed))
            program.until_quiet(0.03 + 0.007 * (number % 11))
    _add(benchmark, FLOOR, taken)


def _add(benchmark: Run, who: str, taken: list[float]) -> None:
    cuts = quantiles(taken, n=100, method="inclusive")
    for unit, value in ((P50, cuts[49]), (P95, cuts[94])):
        benchmark.report.add(KEY, who, value, unit, better="less", role="ours" if who == OURS else "floor")


def _row(program: Metered) -> int:
    """Where the cursor is."""
    found = (number for number, row in enumerate(program.screen.display) if row.startswith(_CURSOR))
    return next(found, -1)


def _keys(benchmark: Run, program: Metered) -> None:
    taken: list[float] = []
    for number in range(_PRESSES):
        program.until_quiet(0.03)
        program.draw()
        before = _row(program)
        if before < 0:
            raise Failed("no cursor on the screen")
        pressed = program.press(UP if number % 2 else DOWN)
        end, moment = pressed + 2, None
        while moment is None and time.perf_counter() < end:
            program.read(0.05)
            moment = program.draw(lambda before=before: _row(program) not in (before, -1))
        if moment is None:
            benchmark.report.note("a key that was pressed changed nothing within 2 s")
            continue
        taken.append(1000 * (moment - pressed))
        program.read_for(0.007 * (number % 11))
    _add(benchmark, OURS, taken)


def _held(benchmark: Run, program: Metered) -> None:
    """An arrow as a keyboard repeats it; how long after the last one the cursor comes to rest."""
    program.press(b"g")
    program.until_quiet(0.05)
    program.draw()
    pressed = 0.0
    for _ in range(_HELD):
        pressed = program.press(DOWN)
        program.read_for(_EACH)
    program.read_for(0.5)
    rested, moves = pressed, 0
    while (moment := _next_place(program)) is not None and moment < pressed + _EACH * 6:
        rested, moves = moment, moves + 1
    program.draw()
    if moves < _HELD // 2:
        benchmark.report.note(f"a held key moved the cursor {moves} times only: it came to the end of what was read")
    benchmark.report.add(HELD, OURS, 1000 * max(0.0, rested - pressed), LAG, better="less", role="ours")


def _next_place(program: Metered) -> float | None:
    """The moment at which the cursor came to another place, or to another request."""
    row, screen = _row(program), program.screen
    shown = screen.display[row]
    return program.draw(lambda: (_row(program), screen.display[_row(program)]) != (row, shown))


def _rest(benchmark: Run, program: Metered) -> None:
    seconds = max(5.0, _WATCH * min(1.0, benchmark.scale * 10))
    program.press(b"g")
    program.read_for(2)
    spent, octets = program.processor_time(), program.octets
    program.read_for(seconds)
    for unit, value in ((CPU, 1000 * (program.processor_time() - spent)), (BYTES, program.octets - octets)):
        benchmark.report.add(REST, OURS, value / seconds, unit, better="less", role="ours")


def _frozen(benchmark: Run, program: Metered) -> None:
    """Nothing changes: nothing may be sent."""
    program.press(SPACE)
    program.read_for(2)
    octets, spent = program.octets, program.processor_time()
    program.read_for(4)
    for unit, value in ((CPU, 1000 * (program.processor_time() - spent)), (BYTES, program.octets - octets)):
        benchmark.report.add(FROZEN, OURS, value / 4, unit, better="less", role="ours")
