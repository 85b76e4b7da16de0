"""What the store must still be told. What it refuses now is repeated until it takes it, so that nothing that Matomo
took is sent again because the store was away at that moment (I6)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from msgspec import Struct

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.tracking.queue import Settlement, TrackingQueue

FIRST_WAIT, LONGEST_WAIT = 0.2, 2.0
"""Seconds between two tries, doubling."""


class Duty(Struct, frozen=True):
    """Settle these requests of a claim, or give back what it holds (no settlements)."""

    token: str
    settlements: tuple[Settlement, ...] = ()


class Duties:
    """Tells the store, now or later.

    Args:
        queue: the store.
        on_trouble: told of each failure.
        on_done: told a claim's token when nothing more is owed for it.
    """

    def __init__(
        self, queue: TrackingQueue, *, on_trouble: Callable[[Exception], None], on_done: Callable[[str], None]
    ) -> None:
        self._queue = queue
        self._on_trouble = on_trouble
        self._on_done = on_done
        self._owed: deque[Duty] = deque()
        self._news = asyncio.Event()

    @property
    def owed(self) -> int:
        """Requests whose fate the store does not know yet."""
        return sum(max(1, len(duty.settlements)) for duty in self._owed)

    def owes(self, token: str) -> bool:
        """Whether something is owed for this claim."""
        return any(duty.token == token for duty in self._owed)

    async def settle(self, token: str, settlements: Sequence[Settlement]) -> None:
        """Settle; returns when that is done or noted for later."""
        if settlements:
            await self._begin(Duty(token, tuple(settlements)))

    async def release(self, token: str) -> None:
        """Give back what a claim holds and has not posted."""
        await self._begin(Duty(token))

    async def run(self) -> None:
        """Repeat what is owed. Runs until it is cancelled."""
        wait = FIRST_WAIT
        while True:
            if not self._owed:
                self._news.clear()
                await self._news.wait()
                wait = FIRST_WAIT
            await asyncio.sleep(wait)
            wait = FIRST_WAIT if await self.catch_up() else min(LONGEST_WAIT, wait * 2)

    async def catch_up(self) -> bool:
        """Try all that is owed, once; false when something still is."""
        for duty in list(self._owed):
            # Kept until it was done: a cancelled try leaves it owed. One store may be away and the other not.
            if await self._do(duty):
                self._owed.remove(duty)
                if not self.owes(duty.token):
                    self._on_done(duty.token)
        return not self._owed

    async def finish(self) -> None:
        """Return when nothing is owed any more."""
        while True:
            if await self.catch_up():
                return
            await asyncio.sleep(FIRST_WAIT)

    async def _begin(self, duty: Duty) -> None:
        done = False
        try:
            done = await self._do(duty)
        finally:
            # Also where it was cancelled half-way: nobody knows then whether the store has it.
            if not done:
                self._owed.append(duty)
                self._news.set()

    async def _do(self, duty: Duty) -> bool:
        try:
            if duty.settlements:
                await self._queue.settle(duty.token, duty.settlements)
            else:
                await self._queue.release(duty.token)
        except StoreUnavailable as error:
            self._on_trouble(error)
            return False
        return True
