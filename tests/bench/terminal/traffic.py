"""Requests that keep coming: ``python tests/bench/terminal/traffic.py URL PER_SECOND SECONDS``."""

from __future__ import annotations

import asyncio
import sys
import time

from opalmind_tui.settings.model import Settings
from tests.bench.queue.looking import fill, queue_of


async def main(url: str, per_second: int, seconds: float) -> None:
    """Adopt a few requests ten times a second."""
    queue, end = queue_of(Settings(redis_url=url)), time.monotonic() + seconds
    while time.monotonic() < end:
        await fill(queue, max(1, per_second // 10))
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
