"""A contestant's process: it reads one task (JSON, first argument), does it, and prints what it measured, a JSON line
for each thing to say. Standard library only, for it runs in environments that know nothing of this project.

Tasks: ``accept`` (callers wait for their own answers), ``produce`` (arrivals at a rate), ``work`` (a worker until it
has done a number of jobs). A job's argument is a text of 500 bytes: its number, the time, and padding.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import sys
import threading
import time
from typing import Any

TASK: dict[str, Any] = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
URL: str = TASK.get("url", "")
COUNT: int = TASK.get("count", 1)
FIRST: int = TASK.get("first", 0)
PAUSE: float = TASK.get("job_seconds", 0.0)
CONCURRENCY = 50
"""Jobs that a peer's worker runs at once, where it can."""
SIZE = 500

KEEP: bool = TASK.get("latencies", True)
"""Whether to note how long each job waited: what that takes must not count where memory is measured."""

_begun = _worked = 0.0
_ended = itertools.count(1)
_latencies: list[int] = []


class Contestant:
    """What a queue must offer. One that has no asyncio client overrides `blocking` and gives plain functions."""

    blocking = False

    async def open(self) -> None:
        """Connect."""

    def prepare(self, text: str) -> Any:
        """The argument of `put`, made before the clock runs."""
        return text

    def put(self, payload: Any) -> Any:
        """Accept one; returns (or is awaited) when the store has it."""
        raise NotImplementedError

    def work(self) -> Any:
        """Run a worker for ever, which calls `job` or `job_sync` for each job."""
        raise NotImplementedError


def text(number: int) -> str:
    """The argument of a job."""
    return f"{number} {time.monotonic_ns()} ".ljust(SIZE, "x")


async def job(argument: str) -> None:
    """A job: nothing, or a pause."""
    start(argument)
    if PAUSE:
        await asyncio.sleep(PAUSE)
    end(argument)


def job_sync(argument: str) -> None:
    """The same for workers that run threads."""
    start(argument)
    if PAUSE:
        time.sleep(PAUSE)
    end(argument)


def start(argument: str) -> None:
    """A job starts; the first one starts the clock, for how long a worker takes to come up is not the question."""
    if not _begun:
        begin()
    number, sent, _ = argument.split(" ", 2)
    if KEEP:
        _latencies.append(time.monotonic_ns() - int(sent))
    if PAUSE:
        say(started=int(number))


def end(argument: str) -> None:
    """A job has ended; the last one ends the process, whose worker need not be asked."""
    ended(argument)
    if next(_ended) == COUNT:
        finish()


def ended(argument: str) -> None:
    """Say that a job has ended, where somebody wants to know which."""
    if PAUSE:
        say(ended=int(argument.split(" ", 1)[0]))


def finish() -> None:
    """Say how long the jobs took and how long they had waited, and end."""
    say(**took(), latencies=[latency / 1e6 for latency in _latencies])
    os._exit(0)


def say(**what: Any) -> None:
    """One line for the benchmark."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def begin() -> None:
    """The clock starts."""
    global _begun, _worked
    _begun, _worked = time.perf_counter(), time.process_time()


def took() -> dict[str, float]:
    """Seconds since the clock started, and of processor time."""
    return {"seconds": time.perf_counter() - _begun, "cpu": time.process_time() - _worked}


def main(contestant: Contestant) -> None:
    """Do the task."""
    task = TASK["do"]
    if contestant.blocking:
        asyncio.run(contestant.open())
        {"accept": _accept_threads, "produce": _produce_blocking, "work": _work_blocking}[task](contestant)
    else:
        asyncio.run({"accept": _accept, "produce": _produce, "work": _work}[task](contestant))
    # Some clients leave threads or warn about what is open: there is nothing more to do.
    sys.stdout.flush()
    os._exit(0)


def _shares(contestant: Contestant) -> list[list[Any]]:
    callers = min(TASK["callers"], COUNT)
    payloads = [contestant.prepare(text(number)) for number in range(FIRST, FIRST + COUNT)]
    return [payloads[caller::callers] for caller in range(callers)]


async def _accept(contestant: Contestant) -> None:
    await contestant.open()
    shares = _shares(contestant)
    if TASK.get("warm"):
        await asyncio.gather(*(contestant.put(contestant.prepare(text(-1 - at))) for at in range(len(shares))))

    async def caller(payloads: list[Any]) -> None:
        for payload in payloads:
            await contestant.put(payload)

    begin()
    await asyncio.gather(*(caller(payloads) for payloads in shares))
    say(**took())


def _accept_threads(contestant: Contestant) -> None:
    shares = _shares(contestant)
    ready = threading.Barrier(len(shares) + 1)

    def caller(at: int, payloads: list[Any]) -> None:
        if TASK.get("warm"):
            contestant.put(contestant.prepare(text(-1 - at)))
        ready.wait()
        for payload in payloads:
            contestant.put(payload)

    threads = [threading.Thread(target=caller, args=(at, share)) for at, share in enumerate(shares)]
    for thread in threads:
        thread.start()
    ready.wait()
    begin()
    for thread in threads:
        thread.join()
    say(**took())


def _arrivals() -> list[float]:
    chance = random.Random(7)
    moment, moments = 0.0, []
    for _ in range(COUNT):
        moment += chance.expovariate(TASK["rate"])
        moments.append(moment)
    return moments


async def _produce(contestant: Contestant) -> None:
    await contestant.open()
    begun = time.monotonic()
    running = set()
    for number, moment in enumerate(_arrivals()):
        await asyncio.sleep(max(0.0, begun + moment - time.monotonic()))
        task = asyncio.ensure_future(contestant.put(contestant.prepare(text(number))))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    say(seconds=time.monotonic() - begun)


def _produce_blocking(contestant: Contestant) -> None:
    begun = time.monotonic()
    for number, moment in enumerate(_arrivals()):
        time.sleep(max(0.0, begun + moment - time.monotonic()))
        contestant.put(contestant.prepare(text(number)))
    say(seconds=time.monotonic() - begun)


async def _work(contestant: Contestant) -> None:
    await contestant.open()
    say(ready=True)
    await contestant.work()


def _work_blocking(contestant: Contestant) -> None:
    say(ready=True)
    contestant.work()
