"""What it takes `status --json` to start, beside a bare script that imports redis and httpx and asks INFO."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.support.servers import Product, running

LIMIT = 1.3
"""Times the bare script."""
BARE = """
import os, redis, httpx
print(len(redis.Redis.from_url(os.environ["REDIS_URL"]).info()))
"""
TOP = Path(__file__).parents[2]


def measure(product: Product, rounds: int) -> tuple[float, float]:
    """Seconds of the bare script and of ours, medians of interleaved rounds; the first one of each is not counted."""
    bare: list[float] = []
    ours: list[float] = []
    with running(product) as server:
        environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PYTHONPATH": str(TOP)}
        environment["REDIS_URL"] = server.url
        for number in range(rounds + 1):
            for command, times in (([sys.executable, "-c", BARE], bare), (OURS, ours)):
                began = time.perf_counter()
                subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, timeout=60, check=False)
                if number:
                    times.append(time.perf_counter() - began)
    return statistics.median(bare), statistics.median(ours)


OURS = [sys.executable, "-m", "opalmind_tui", "status", "--json"]


def report(product: Product, rounds: int) -> int:
    """Print the figures; returns the exit code."""
    bare, ours = measure(product, rounds)
    ratio = ours / bare
    verdict = "reached" if ratio <= LIMIT else "missed"
    print(f"bare script {bare * 1000:.0f} ms, status --json {ours * 1000:.0f} ms: {ratio:.2f} times, {verdict}")
    return 0 if ratio <= LIMIT else 1
