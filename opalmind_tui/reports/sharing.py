"""Brings what this process counts to the others: once a second while there is something, never for each look-up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.reports.counters import Count, Tallies
from opalmind_tui.reports.memory_cache import Held

if TYPE_CHECKING:
    from opalmind_tui.reports.shared_counters import SharedCounters

FLUSH_EVERY = 1.0
"""Seconds between two additions to the shared counts: what a crash can lose of them."""


class Sharing:
    """Counts, and shares the counts.

    Args:
        tallies: where this process's counts are.
        shared: where they go; None keeps them here.
        allows: whether Redis may be asked now.
        failed: told what Redis did not do.
        heard: told the generation that Redis said, asked at a stamp.
        stamp: the stamp now.
        clock: epoch seconds.
        looked_up: told of held reports that were given, with their uses.
    """

    def __init__(
        self,
        tallies: Tallies,
        shared: SharedCounters | None,
        *,
        allows: Callable[[], bool],
        failed: Callable[[StoreUnavailable], None],
        heard: Callable[[bytes, int], object],
        stamp: Callable[[], int],
        clock: Callable[[], float],
        looked_up: Callable[[Held], None],
    ) -> None:
        self._tallies, self._shared, self._looked_up = tallies, shared, looked_up
        self._allows, self._failed, self._heard, self._stamp, self._clock = allows, failed, heard, stamp, clock
        self._used: list[Held] = []
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def count(self, feature: str, count: Count, by: int = 1) -> None:
        """Count something."""
        self._tallies.add(feature, count, self._clock(), by)
        self._start()

    def used(self, held: Held) -> None:
        """A held report is given for the first time since the last `gather`: it counts its uses itself."""
        self._used.append(held)
        self._start()

    def gather(self) -> None:
        """Count the uses of held reports as hits."""
        used, self._used = self._used, []
        now = self._clock()
        for held in used:
            self._tallies.add(held.feature, Count.HITS, now, held.uses)
            self._looked_up(held)
            held.uses = 0

    async def flush(self) -> None:
        """Share what is counted, if Redis can be asked."""
        self.gather()
        if self._shared is None or not self._allows():
            return
        stamp = self._stamp()
        try:
            generation = await self._shared.flush(self._clock())
        except StoreUnavailable as error:
            self._failed(error)
            return
        if generation is not None:
            self._heard(generation, stamp)

    async def close(self) -> None:
        """Share the last counts."""
        if self._task is not None:
            # Not cancelled: an addition under way would be lost, or counted twice.
            self._closing.set()
            await asyncio.gather(self._task, return_exceptions=True)
            self._closing.clear()
        await self.flush()

    def _start(self) -> None:
        if self._shared is not None and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            while (self._used or self._tallies.unshared.totals) and not self._closing.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(FLUSH_EVERY):
                        await self._closing.wait()
                await self.flush()
        finally:
            self._task = None
