"""What the Redis screen shows, and the count of all keys that it can start: asked only while somebody looks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from opalmind_tui.engine.looking import Look
from opalmind_tui.engine.stores import Stores
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.observe.closer import CloserLook
from opalmind_tui.observe.full_count import FullCount
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.redis_report import RedisReport
from opalmind_tui.storage.connection import async_client


class RedisScreen:
    """Answers for one screen.

    Args:
        look: knows the census by sample and the server's figures.
    """

    def __init__(self, settings: Settings, stores: Stores, look: Look, clock: Callable[[], float]) -> None:
        self._settings, self._stores, self._look, self._clock = settings, stores, look, clock
        self._closer = CloserLook(stores.meter)
        self._count: FullCount | None = None
        self._task: asyncio.Task[None] | None = None

    async def report(self) -> RedisReport:
        """Look closer. Raises `StoreUnavailable`."""
        self._look.need_redis()
        found = await self._closer.look(self._stores.observer, clients=self._look.clients, now=self._clock())
        count = self._count
        return replace(found, census=self._look.census(), counting=None if count is None else count.progress)

    def switch_count(self) -> None:
        """Count all keys from the start, or on from where it stopped; stop it where it runs."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            return
        if self._count is None or self._count.progress.census is not None:
            self._count = FullCount(self._settings)
        self._task = asyncio.create_task(self._run(self._count), name="count")

    async def _run(self, count: FullCount) -> None:
        # A connection of its own: nobody waits behind it.
        client = async_client(self._settings, pool=1, no_touch=True, meter=self._stores.meter)
        try:
            await count.run(client)
        except StoreUnavailable as error:
            self._stores.link.report(error)
        finally:
            await client.aclose()

    async def stop(self) -> None:
        """Stop counting."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
