"""The way back from memory to Redis: once, in order, while traffic goes on (I7)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.storage.link import RedisLink
from opalmind_tui.tracking.memory_queue import MemoryQueue
from opalmind_tui.tracking.queue import Adopted, SharedQueue

T = TypeVar("T")
ADOPT_BATCH = 500
RETRY_AFTER = 1.0
"""Seconds until a move that failed half-way is tried again."""


class Guard(Protocol):
    """Waits for a call to Redis, and tells the link when that fails."""

    def __call__(self, call: Awaitable[T], /) -> Awaitable[T]:
        """Raises `StoreUnavailable`."""
        ...


class WayBack:
    """Moves what memory holds into Redis.

    Args:
        shared: the queue on Redis.
        private: the queue in this process's memory.
        link: tells whether Redis serves.
        guard: every call to Redis goes through it.
        share_wishes: hands over what operators asked for, and claims that are nobody's.
        arrived: called when memory is empty and Redis serves, without an await in between.
    """

    def __init__(
        self,
        shared: SharedQueue,
        private: MemoryQueue,
        link: RedisLink,
        *,
        guard: Guard,
        share_wishes: Callable[[], Awaitable[None]],
        arrived: Callable[[], None],
    ) -> None:
        self._shared, self._private, self._link = shared, private, link
        self._guard, self._share_wishes, self._arrived = guard, share_wishes, arrived
        self._moving = asyncio.Lock()
        self.open = asyncio.Event()
        """Cleared on the last stretch: newcomers wait for its end."""
        self.open.set()

    async def move_over(self) -> int:
        """Move everything and go back. Returns how many requests moved.

        Raises `StoreUnavailable` when Redis fails again on the way; what had moved by then stays moved.
        """
        async with self._moving:
            try:
                # Before anything else: what memory delivered may wait in Redis, or in another process's memory, too.
                await self._share_records()
                moved = await self._move_all()
                await self._share_what_is_done()
                # No await between the test and the switch: a request that comes now meets one mode or the other.
                if self._link.writable and not self._private.waiting():
                    self._arrived()
            finally:
                self.open.set()
        return moved

    async def keep_moving(self, needed: Callable[[], bool]) -> None:
        """Move over whenever Redis serves and there is something to move, or `needed` says so, for ever."""
        wake = asyncio.Event()
        self._link.on_change(wake.set)
        while True:
            if self._link.writable and (needed() or self._private.waiting()):
                try:
                    await self.move_over()
                except StoreUnavailable:
                    # Noted by the link already; its probe says when to go on.
                    await asyncio.sleep(RETRY_AFTER)
            wake.clear()
            try:
                async with asyncio.timeout(RETRY_AFTER):
                    await wake.wait()
            except TimeoutError:
                continue

    async def _move_all(self) -> int:
        moved = 0
        at_first = self._private.waiting()
        while self._link.writable and (batch := self._private.take_for_adoption(ADOPT_BATCH)):
            await self._move(batch)
            moved += len(batch)
            if moved >= at_first:
                # What came meanwhile is the last stretch, a script or two: busy traffic must not keep the way back
                # open for ever.
                self.open.clear()
        return moved

    async def _move(self, batch: Sequence[Adopted]) -> None:
        ids = [request.id for request in batch]
        try:
            await self._guard(self._shared.adopt(batch))
        except BaseException as error:
            # Redis may have taken them, unless it surely refused: then they wait for it, for others may send them now.
            if not isinstance(error, StoreUnavailable) or error.in_doubt:
                self._private.hold_in_doubt(ids)
            self._private.put_back(ids)
            raise
        self._private.adopted(ids)

    async def _share_what_is_done(self) -> None:
        """What memory delivered: the idempotency records, so that nobody sends it again, and its part of the ledger."""
        await self._share_wishes()
        await self._share_records()
        share = self._private.ledger_share()
        if share is not None and self._link.writable:
            await self._guard(self._shared.merge_ledger(share))
            self._private.forget_share(share.nonce)

    async def _share_records(self) -> None:
        while self._link.writable and (records := self._private.records_to_share(ADOPT_BATCH)):
            await self._guard(self._shared.keep_records(records))
            self._private.records_shared([record.key for record in records])
