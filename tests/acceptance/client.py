"""A program that tracks through the library until its stdin ends. `python -m tests.acceptance.client NAME`

Writes a JSON line for each request that was accepted: its mark, and whether Redis has it. Redis may come and go
meanwhile: what memory accepts is sent from here, or moves over.
"""

from __future__ import annotations

import asyncio
import json
import sys
from threading import Thread
from zlib import crc32

from tests.acceptance.hasty import hurry

PAUSE = 0.02
VISITORS = 7
OWN_VISITOR = "c11e"
"""What the ids of visitors begin with that only such programs track."""


async def track(name: str, over: asyncio.Event) -> int:
    """Track one page view after the other. Returns how many requests were lost with memory (0)."""
    from opalmind_tui.engine.client import MatomoClient
    from opalmind_tui.errors import StoreUnavailable

    number = 0
    async with MatomoClient(deliver=False) as matomo:
        while not over.is_set():
            mark = f"{name}-{number}"
            try:
                tracked = await matomo.track_pageview(
                    f"https://example.com/page?mark={mark}",
                    visitor_id=f"{OWN_VISITOR}{crc32(name.encode()) % 65_536:04x}{number % VISITORS:08x}",
                    idempotency_key=f"mark-{mark}",
                )
            except StoreUnavailable:
                await asyncio.sleep(0.2)
                continue
            print(json.dumps([mark, tracked.outcome, tracked.durable]), flush=True)
            number += 1
            await asyncio.sleep(PAUSE)
    lost: int = matomo._engine.lost
    return lost


async def main() -> int:
    """Run until stdin ends."""
    over, loop = asyncio.Event(), asyncio.get_running_loop()

    def wait() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(over.set)

    Thread(target=wait, daemon=True).start()
    return await track(sys.argv[1], over)


if __name__ == "__main__":
    hurry()
    sys.exit(min(100, asyncio.run(main())))
