"""What a request costs the server while it waits for its first attempt."""

from __future__ import annotations

from collections import Counter

import redis

from opalmind_tui.storage.local_server import LocalServer
from tests.bench.core.contestants import Contestant, run
from tests.bench.core.run import Run
from tests.bench.core.servers import fresh, used_memory

WAITING = 10_000
CELL = "memory of a waiting request"
KEYS_CELL = "memory by key, opalmind"
UNIT = "bytes"


def memory(benchmark: Run) -> None:
    """The growth of the server's memory, all keys counted, divided by the requests."""
    count = benchmark.count(WAITING, 200)

    def once(contestant: Contestant) -> None:
        with fresh(benchmark.product) as server:
            # One before, for what is there once: scripts, groups, statistics.
            run(contestant, do="accept", url=server.url, count=1, callers=1, first=count)
            before = used_memory(server)
            run(contestant, do="accept", url=server.url, count=count, callers=50)
            grown = used_memory(server) - before
            if contestant.role == "ours":
                _by_key(benchmark, server, count)
        benchmark.report.add(CELL, contestant.name, grown / count, UNIT, better="less", role=contestant.role)

    benchmark.interleave(CELL, benchmark.among("ours", "floor", "peer"), once)


def _by_key(benchmark: Run, server: LocalServer, count: int) -> None:
    """What each of our keys takes; the due sets of all shards together."""
    sizes: Counter[str] = Counter()
    with redis.Redis.from_url(server.url) as client:
        for key in client.scan_iter(count=1000):
            head, due, _ = key.decode().partition(":due:")
            sizes[f"{head}{due}*" if due else head] += client.memory_usage(key, samples=0) or 0
    for name, size in sizes.items():
        if size >= 2 * count:
            benchmark.report.add(KEYS_CELL, name, size / count, UNIT, better="less")
