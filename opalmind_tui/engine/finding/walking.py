"""Goes through a list in the background, in bounded steps that give way, for as long as somebody looks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from opalmind_tui.engine.finding.matching import Test
from opalmind_tui.errors import OpalmindError
from opalmind_tui.snapshot.listing import OWN_ORDERS, Tab
from opalmind_tui.tracking.queue import Stored, TrackingQueue

STEP = 125
"""Requests of one step: about a millisecond of the server, and a few of ours."""
PATIENCE = 0.1
"""Seconds that the first look waits: short lists are gone through by then."""
AGAIN_AFTER = 5.0
"""Seconds after which a list that was gone through is gone through anew, or some times as long as it took."""
_TIMES = 3.0


class Collector(Protocol):
    """What is made of the requests that fit."""

    def take(self, found: Stored) -> None:
        """One more."""
        ...


C = TypeVar("C", bound=Collector)


class Pass(Generic[C]):
    """One way through the list."""

    def __init__(self, collector: C, total: int) -> None:
        self.collector, self.total = collector, total
        self.examined = self.matched = 0
        self.cursor = ""
        self.done = False


class Walker(Generic[C]):
    """Goes through a list, and through it again later, for it lives.

    Args:
        fits: whether a request counts.
        make: a new collector for each pass.
        clock: epoch seconds, as good as the store's.
    """

    def __init__(
        self, queue: TrackingQueue, tab: Tab, fits: Test, make: Callable[[], C], clock: Callable[[], float]
    ) -> None:
        self._queue, self._tab, self._fits, self._make, self._clock = queue, tab, fits, make, clock
        self._task: asyncio.Task[None] | None = None
        self._error: OpalmindError | None = None
        self._under_way: Pass[C] | None = None
        self._again_at = 0.0
        self.shown: Pass[C] | None = None
        """The newest complete pass, or the first one while it is under way."""

    async def look(self) -> Pass[C]:
        """How far it is; goes on. Raises `OpalmindError` where the store failed since the last look."""
        if self._task is None and (self.shown is None or not self.shown.done or time.monotonic() >= self._again_at):
            self._error = None
            self._task = asyncio.create_task(self._go_on(), name="search")
            await asyncio.wait({self._task}, timeout=PATIENCE)
        elif self._task is not None and self.shown is None:
            await asyncio.wait({self._task}, timeout=PATIENCE)
        if self._task is not None and self._task.done():
            task, self._task = self._task, None
            task.result()
        if self._error is not None:
            raise self._error
        return self.shown or Pass(self._make(), 0)

    async def stop(self) -> None:
        """Nobody looks any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _go_on(self) -> None:
        """The rest of this pass; an error keeps its place."""
        began = time.monotonic()
        try:
            if self._under_way is None:
                whole = await self._queue.window(self._tab, OWN_ORDERS[self._tab][0], rows=1)
                self._under_way = Pass(self._make(), whole.total)
            under_way = self._under_way
            self.shown = self.shown or under_way
            while not under_way.done:
                started = time.monotonic()
                await self._step(under_way)
                # The server and the screen are left alone about as long.
                await asyncio.sleep(time.monotonic() - started)
        except OpalmindError as error:
            self._error = error
            return
        self.shown, self._under_way = under_way, None
        self._again_at = time.monotonic() + max(AGAIN_AFTER, _TIMES * (time.monotonic() - began))

    async def _step(self, under_way: Pass[C]) -> None:
        walked = await self._queue.walk(self._tab, after=under_way.cursor, limit=STEP)
        now = self._clock()
        for found in walked.found:
            if self._fits(found, now):
                under_way.matched += 1
                under_way.collector.take(found)
        under_way.examined += walked.examined
        under_way.total = max(under_way.total, under_way.examined)
        under_way.cursor, under_way.done = walked.cursor, not walked.cursor
