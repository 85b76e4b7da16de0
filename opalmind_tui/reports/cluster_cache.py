"""The cache on a Redis Cluster, where entries lie in other slots than claims and the generation: what is one script on
one server is a few steps here, in an order that keeps what it promises.

- A look-up asks for the generation first: what comes with it then is as new, or newer.
- A claim is made before the entry is looked at: what was stored before it is seen.
- A store asks whether claim and generation still stand, stores, and asks again as it gives the claim back. Where they
  fell meanwhile (a purge, another process's claim) it takes back what it stored, unless somebody else has put something
  in its place. For that moment, and where the process dies in it until the entry's end, others may be given it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from opalmind_tui.reports.entry import LARGEST
from opalmind_tui.reports.redis_cache import DEADLINE, LEASE, NO_ENTRY, PRELUDE, Claimed, RedisCache
from opalmind_tui.storage.cluster import ClusterClient
from opalmind_tui.storage.trouble import TROUBLES, trouble
from opalmind_tui.storage.trouble_table import FOREIGN_KEY

if TYPE_CHECKING:
    from redis.asyncio import Redis

_CLAIM = """
local held = redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2])
return {generation(KEYS[1]), held and '' or redis.call('GET', KEYS[2])}
"""
_STANDS = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
local stands = generation(KEYS[1]) == ARGV[2]
if ARGV[3] == '1' or not stands then redis.call('DEL', KEYS[2]) end
return stands and 1 or 0
"""
"""ARGV: token, generation, 1 to give the claim back in any case."""
_TAKE_BACK = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class ClusterCache(RedisCache):
    """`RedisCache` on a cluster. Arguments as there."""

    def __init__(self, client: ClusterClient, prefix: str, stats_prefix: str) -> None:
        super().__init__(client, prefix, stats_prefix)
        self._claim_step, self._stands, self._take_back = (
            client.register_script(body) for body in (PRELUDE + _CLAIM, PRELUDE + _STANDS, _TAKE_BACK)
        )

    async def claim(self, key: str, token: str) -> Claimed:
        generation, holder = await self._run(
            self._claim_step, [self.generation_key, self._claim_key(key)], [token, round(LEASE * 1000)]
        )
        raw = (await self._entries([key]))[0]
        return Claimed(generation, raw, holder or b"")

    async def store(self, key: str, token: str, generation: bytes, raw: bytes, ttl_ms: float) -> bool:
        own = [self.generation_key, self._claim_key(key)]
        if not await self._run(self._stands, own, [token, generation, 0]):
            return False
        try:
            async with asyncio.timeout(DEADLINE):
                await self._client.set(self._prefix + key, raw, ex=math.ceil(ttl_ms / 1000))
        except TROUBLES as error:
            raise trouble(error) from error
        if await self._run(self._stands, own, [token, generation, 1]):
            return True
        await self._run(self._take_back, [self._prefix + key], [raw])
        return False

    async def _look_up(self, keys: Sequence[str]) -> list[Any]:
        try:
            async with asyncio.timeout(DEADLINE):
                generation = await self._client.get(self.generation_key)
        except TROUBLES as error:
            raise trouble(error) from error
        return [generation or b"0", *await self._entries(keys)]

    async def _entries(self, keys: Sequence[str]) -> list[bytes | None]:
        pipe = self._client.pipeline(transaction=False)
        for key in keys:
            pipe.getrange(self._prefix + key, 0, LARGEST)
        try:
            async with asyncio.timeout(DEADLINE):
                found = await pipe.execute(raise_on_error=False)
        except TROUBLES as error:
            raise trouble(error) from error
        return [_entry(raw) for raw in found]


def _entry(raw: object) -> bytes | None:
    if isinstance(raw, bytes):
        return NO_ENTRY if len(raw) > LARGEST else raw or None
    assert isinstance(raw, BaseException)
    problem = trouble(raw)
    if problem.kind != FOREIGN_KEY:
        raise problem from raw
    return NO_ENTRY


def cache_on(client: Redis, prefix: str, stats_prefix: str) -> RedisCache:
    """The cache on this server. Arguments as in `RedisCache`."""
    if isinstance(client, ClusterClient):
        return ClusterCache(client, prefix, stats_prefix)
    return RedisCache(client, prefix, stats_prefix)
