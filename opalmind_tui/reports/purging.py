"""Deleting entries: in Redis, in this process's memory, and with a word to all other processes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from opalmind_tui.reports.keyspace import BUDGET, OnCount, count_keys, purge_keys, purge_one
from opalmind_tui.reports.memory_cache import MemoryCache
from opalmind_tui.reports.selection import Selection

if TYPE_CHECKING:
    from redis.asyncio import Redis


class Purging:
    """Counts and deletes entries.

    Args:
        client: for walks over all keys; None where everything is in memory.
        prefix: ``REDIS_CACHE_PREFIX``.
        memory: this process's table.
        invalidate: tells every process that what it has or fetches now may be too old.
    """

    def __init__(
        self, client: Redis | None, prefix: str, memory: MemoryCache, invalidate: Callable[[], Awaitable[None]]
    ) -> None:
        self._client, self._prefix, self._memory, self._invalidate = client, prefix, memory, invalidate

    async def purge(self, selection: Selection, on_count: OnCount | None = None, limit: int = 0) -> int:
        """Delete what is meant, at most `limit` (0: all), in Redis and here; returns how many (in Redis, else here).

        Of a copy of what is in Redis all that is meant is forgotten: it is read again.
        """
        here = self._memory.purge(selection, limit if self._client is None else 0)
        await self._invalidate()
        if self._client is None:
            return here
        try:
            if selection.key:
                return await purge_one(self._client, self._prefix, selection, on_count)
            return await purge_keys(self._client, self._prefix, selection.accepts, on_count, limit)
        finally:
            # What this or another process read while it was being deleted is not its to keep either.
            self._memory.purge(selection)
            await self._invalidate()

    async def count(self, selection: Selection, budget: int = BUDGET) -> tuple[int, bool]:
        """How many `purge` would delete, and whether that is exact."""
        if self._client is None:
            return self._memory.count(0.0, selection).total(), True
        if selection.key:
            return await purge_one(self._client, self._prefix, selection, only_count=True), True
        return await count_keys(self._client, self._prefix, selection.accepts, budget)
