"""Entries in Redis, as OpalMind services write and read them."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, cast

from opalmind_tui.reports.entry import LARGEST
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

DEADLINE = 0.25
"""Seconds that one look-up or write may take, with waiting for a free connection."""
NO_ENTRY = b"?"
"""Stands for a key that holds a list, hash or the like: no entry, whatever it is."""


class RedisCache:
    """Look-ups and writes.

    Args:
        client: the cache's own client, with short time-outs and no retries.
        prefix: ``REDIS_CACHE_PREFIX``.

    Every call raises `StoreUnavailable` when Redis does not do it in time.
    """

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    async def get(self, key: str) -> bytes | None:
        """What is stored under a key text, or None. Of a huge value one byte more than `LARGEST` is read."""
        try:
            async with asyncio.timeout(DEADLINE):
                raw = await self._client.getrange(self._prefix + key, 0, LARGEST)
        except TROUBLES as error:
            if str(error).startswith("WRONGTYPE"):
                return NO_ENTRY
            raise trouble(error) from error
        return cast(bytes, raw) or None

    async def set(self, key: str, raw: bytes, ttl_ms: float) -> None:
        """Store an entry. Redis counts in whole seconds here, rounded up, as services do."""
        try:
            async with asyncio.timeout(DEADLINE):
                await self._client.set(self._prefix + key, raw, ex=math.ceil(ttl_ms / 1000))
        except TROUBLES as error:
            raise trouble(error) from error

    async def ping(self) -> None:
        """Ask whether the server answers."""
        try:
            async with asyncio.timeout(DEADLINE):
                await self._client.ping()
        except TROUBLES as error:
            raise trouble(error) from error
