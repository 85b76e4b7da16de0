"""The newest look at everything that is exported, taken at a steady pace whoever asks how often."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct, field

from opalmind_tui.snapshot.model import Mode, Reading, Snapshot
from opalmind_tui.snapshot.wanted import NEWEST, Wanted
from opalmind_tui.tracking.send_stats import DispatcherStats

EVERY = 5.0
"""Seconds between two looks."""
OLD = 30.0
"""Age of the newest look from which the process does not count as alive."""


class Source(Protocol):
    """What is looked at; the engine."""

    async def take_snapshot(self, wanted: Wanted = NEWEST) -> Snapshot:
        """Everything that a frame needs."""
        ...

    @property
    def matomo_answer(self) -> Reading[float]:
        """Seconds that Matomo's newest answer took."""
        ...

    @property
    def sent(self) -> DispatcherStats | None:
        """What this process has sent."""
        ...

    @property
    def cache_in_memory(self) -> bool:
        """The cache counts in this process only."""
        ...


class Look(Struct, frozen=True):
    """What was seen at one moment.

    Args:
        cache_in_memory: the cache's counts are of this process only.
    """

    snapshot: Snapshot
    matomo: Reading[float] = field(default_factory=Reading)
    sent: DispatcherStats | None = None
    cache_in_memory: bool = False


class Looker:
    """Looks at a source again and again.

    Args:
        clock: epoch seconds, the source's.
    """

    def __init__(self, source: Source, clock: Callable[[], float] = time.time) -> None:
        self._source, self.clock = source, clock
        self.newest: Look | None = None

    async def run(self) -> None:
        """Go on until it is cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(EVERY)

    async def once(self) -> None:
        """Look now."""
        source = self._source
        snapshot = await source.take_snapshot(Wanted())
        self.newest = Look(snapshot, source.matomo_answer, source.sent, source.cache_in_memory)

    @property
    def age(self) -> float:
        """Seconds since the newest look; infinite before the first."""
        return float("inf") if self.newest is None else max(0.0, self.clock() - self.newest.snapshot.taken_at)

    def why_not_alive(self) -> str:
        """Why the process should be started anew; empty where it should not."""
        if self.newest is None or self.age < OLD:
            return ""
        return f"the newest look is {self.age:.0f} s old"

    def why_not_ready(self) -> str:
        """Why requests that are queued now would not get from Redis to Matomo; empty where they would.

        A Matomo that is away is no reason: what waits for it is kept, and goes out when it is back.
        """
        if self.newest is None:
            return "starting"
        snapshot = self.newest.snapshot
        if snapshot.store.mode is Mode.MEMORY:
            return f"Redis is away: {snapshot.store.reason}"
        return self.why_not_alive() or snapshot.queue.error or ""
