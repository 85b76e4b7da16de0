"""The count of all keys that an operator can start: beside all else, at the server's own pace."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec.structs import replace

from opalmind_tui.engine.stores import Stores
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.storage.connection import async_client

if TYPE_CHECKING:
    from opalmind_tui.observe.full_count import FullCount


class KeyCount:
    """Counts for one screen."""

    def __init__(self, settings: Settings, stores: Stores) -> None:
        self._settings, self._stores = settings, stores
        self._count: FullCount | None = None
        self._task: asyncio.Task[None] | None = None

    def added_to(self, taken: Snapshot) -> Snapshot:
        """A look from near with how far the count is."""
        if taken.redis.value is None or self._count is None:
            return taken
        report = replace(taken.redis.value, counting=self._count.progress)
        return replace(taken, redis=replace(taken.redis, value=report))

    def switch(self) -> None:
        """Count all keys from the start, or on from where it stopped; stop it where it runs."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            return
        # Whoever never counts starts sooner without it.
        from opalmind_tui.observe.full_count import FullCount

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
