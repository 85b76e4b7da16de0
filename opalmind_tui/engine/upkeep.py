"""What every long-lived process does beside its work: take up configuration, announce itself, note acts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from opalmind_tui.engine.stores import Stores
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.reports.preview.access_log import FLUSH_EVERY as LOOKUPS_EVERY
from opalmind_tui.storage.presence import ANNOUNCE_EVERY

CONFIG_EVERY = 2.0
"""Seconds until a changed setting reaches every process that delivers or answers."""
OBSERVING_EVERY = 6.0
"""The same for a dashboard that only looks: it is to cost little."""


class Upkeep:
    """The housekeeping of one process.

    Args:
        endpoint: the Matomo whose control is kept in mind; empty for a process that does not send.
        writes: whether this process may write at all (ruling 8).
        observes: whether it only looks now.
        ticks: seconds from any start.
    """

    def __init__(
        self,
        stores: Stores,
        *,
        endpoint: str,
        writes: bool,
        observes: Callable[[], bool],
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stores, self._endpoint, self._writes, self._observes = stores, endpoint, writes, observes
        self._ticks = ticks
        self._announced = self._shared = float("-inf")

    async def run(self) -> None:
        """Go on until it is cancelled; while Redis is away, wait for it."""
        while True:
            if self._stores.link.writable:
                try:
                    await self.step()
                except StoreUnavailable as error:
                    self._stores.link.report(error)
            await asyncio.sleep(self.pause)

    @property
    def pause(self) -> float:
        """Seconds until the next step."""
        return 0.8 * (OBSERVING_EVERY if self._observes() else CONFIG_EVERY)

    async def step(self) -> None:
        """Do all of it once. Raises `StoreUnavailable`."""
        stores = self._stores
        await stores.config.refresh()
        if self._endpoint:
            # Known when Redis is away: what memory sends then keeps to it.
            await stores.queue.control(self._endpoint)
        if not self._writes:
            return
        await stores.audit.flush()
        if self._ticks() - self._announced >= ANNOUNCE_EVERY:
            claims, requests = stores.queue.held
            await stores.presence.announce(delivers=stores.queue.deliver_shared, claims=claims, requests=requests)
            self._announced = self._ticks()
        if self._ticks() - self._shared >= LOOKUPS_EVERY:
            await stores.accesses.flush()
            self._shared = self._ticks()
