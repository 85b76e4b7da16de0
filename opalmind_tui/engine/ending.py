"""The end of a process: what lives in its memory only is sent, moved over to Redis, or written to a file."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

from opalmind_tui.engine.hand_over import HandOver, save
from opalmind_tui.engine.stores import Stores
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.snapshot.model import Mode

log = logging.getLogger(__name__)
LEAVE_WITHIN = 0.5
"""Seconds for the last words to Redis; one that hangs must not hold up the end."""
LOOK_EVERY = 0.05


class Ending:
    """Steps of an end, in this order: `send`, `leave`, `save`.

    Args:
        endpoint: the Matomo that memory's requests are for.
        writes: whether this process may write at all (ruling 8).
    """

    def __init__(self, stores: Stores, endpoint: str, *, writes: bool) -> None:
        self._stores, self._endpoint, self._writes = stores, endpoint, writes
        self.wanted = True
        """Whether what is left is written to a file; false when an operator chose to leave it behind."""
        self.saved: HandOver | None = None
        """What became of the requests that could neither be sent nor moved over; None where there were none."""

    async def send(self, ends: float) -> None:
        """While Redis is away, sending now is the best that can happen to memory's requests.

        Args:
            ends: on the monotonic clock. A Matomo that is closed to us is not waited for: the file is better.
        """
        queue, memory = self._stores.queue, self._stores.memory
        while queue.mode is Mode.MEMORY and queue.only_here and time.monotonic() < ends:
            if (await memory.counts(self._endpoint)).gate is not None:
                return
            await asyncio.sleep(LOOK_EVERY)

    async def leave(self) -> None:
        """Move what is left to Redis, if it is there, and take leave."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_WITHIN):
                await self._leave()

    async def _leave(self) -> None:
        stores = self._stores
        if not self._writes:
            return
        try:
            if stores.queue.only_here and not stores.link.writable:
                await stores.link.probe()
            if stores.link.writable:
                await stores.queue.move_over()
                await stores.presence.leave()
                await stores.cache.close()
        except StoreUnavailable as error:
            log.warning("%s while stopping", error.sentence)

    def save(self) -> None:
        """Write what is left to a file and say where. Once; later calls do nothing."""
        left = self._stores.queue.only_here
        if not left or self.saved is not None:
            return
        if not self.wanted:
            self.saved = HandOver(None, left)
            log.warning("%d accepted requests lived only in this process and were left behind, as was chosen", left)
            return
        self.saved = save(self._stores.memory.everything)
        log.log(logging.ERROR if self.saved.path is None else logging.WARNING, "%s", self.saved.sentence)

    @property
    def lost(self) -> int:
        """Requests that could be saved nowhere, against everybody's wish."""
        return self.saved.requests if self.saved is not None and self.wanted and self.saved.path is None else 0
