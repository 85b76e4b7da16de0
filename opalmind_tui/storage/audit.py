"""What operators did: a bounded stream in Redis, so that the next engineer can read it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from opalmind_tui.storage.link import RedisLink
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

Field: TypeAlias = bytes | bytearray | memoryview | str | int | float
KEPT = 10_000
"""Entries that the stream keeps, about."""
WAITING = 1_000
"""Entries that wait in memory while Redis is away."""


class Audit:
    """Writes entries; while Redis is away they wait here and follow later, in order.

    Args:
        key: the stream.
    """

    def __init__(self, client: Redis, link: RedisLink, key: str, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._link = link
        self._key = key
        self._clock = clock
        self._writing = asyncio.Lock()
        self._waiting: deque[dict[Field, Field]] = deque(maxlen=WAITING)

    async def write(self, *, by: str, act: str, what: str, outcome: str) -> None:
        """Note that somebody did something. Never fails: what cannot be written now is written later."""
        self._waiting.append({"at": f"{self._clock():.3f}", "by": by, "act": act, "what": what, "outcome": outcome})
        await self.flush()

    async def flush(self) -> None:
        """Write what waits."""
        # One at a time: between the writing of an entry and its removal another would write it, too.
        async with self._writing:
            while self._waiting and self._link.writable:
                try:
                    await self._client.xadd(self._key, self._waiting[0], maxlen=KEPT, approximate=True)
                except TROUBLES as error:
                    self._link.report(trouble(error))
                    return
                self._waiting.popleft()
