"""Entries in Redis, as OpalMind services write and read them, and the marks by which our processes fetch one once.

A fetch is claimed by a key of ours that lives for `LEASE` and is renewed; only who holds it may store (a claim that was
lost, by a process that stood still, stores nothing), and only if nothing was purged since: the generation, a number
that every purge raises, must be the one that the claim found.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from opalmind_tui.reports.entry import LARGEST
from opalmind_tui.storage.group_commit import GroupCommit
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from opalmind_tui.reports.breaker import Breaker

DEADLINE = 0.25
"""Seconds that one look-up or write may take, with waiting for a free connection."""
LEASE = 3.0
"""Seconds after which a fetch whose process died may be taken over."""
TOGETHER = 64
"""Look-ups that travel in one command at the most."""
AT_ONCE = 256 * 1024
"""Bytes that one command brings, about: larger entries travel in smaller groups, of which two are under way, so that
the server looks some up while others are read."""
_FEWEST = 8
NO_ENTRY = b"?"
"""Stands for a key that holds a list, a hash or a text larger than `LARGEST`: no entry, whatever it is."""

PRELUDE = """
local function entry(key, most)
  local length = redis.pcall('STRLEN', key)
  if type(length) == 'table' then
    if string.find(length.err, 'WRONGTYPE', 1, true) then return '?' end
    error(length.err)
  end
  if length > tonumber(most) then return '?' end
  return length > 0 and redis.call('GET', key) or ''
end
local function generation(key) return redis.call('GET', key) or '0' end
"""
_READ = """
local answer = {generation(KEYS[1])}
for at = 2, #KEYS do answer[at] = entry(KEYS[at], ARGV[1]) end
return answer
"""
_CLAIM = """
local held = redis.call('SET', KEYS[3], ARGV[1], 'NX', 'PX', ARGV[2])
return {generation(KEYS[1]), entry(KEYS[2], ARGV[3]), held and '' or redis.call('GET', KEYS[3])}
"""
_STORE = """
if redis.call('GET', KEYS[3]) ~= ARGV[1] then return 0 end
local wins = generation(KEYS[1]) == ARGV[2]
if wins then redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[4]) end
redis.call('DEL', KEYS[3])
return wins and 1 or 0
"""
_LEAVE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""
_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_RAISE = """
local now = redis.call('TIME')
local new = math.max(now[1] * 1000000 + now[2], (tonumber(generation(KEYS[1])) or 0) + 1)
redis.call('SET', KEYS[1], string.format('%.0f', new))
return generation(KEYS[1])
"""


class Claimed(Struct, frozen=True):
    """What a claim came to. `holder` is empty where it is ours now, else what the one who holds it wrote."""

    generation: bytes
    raw: bytes | None
    holder: bytes


class RedisCache:
    """Look-ups, claims and writes.

    Args:
        client: the cache's own client, with short time-outs and no retries.
        prefix: ``REDIS_CACHE_PREFIX``.
        stats_prefix: ``REDIS_STATS_PREFIX``, under which claims and the generation lie.

    Every call raises `StoreUnavailable` when Redis does not do it in time.
    """

    def __init__(self, client: Redis, prefix: str, stats_prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._own = f"{stats_prefix}{{c}}:"
        self.generation_key = f"{self._own}generation"
        self._read, self._claim, self._store, self._leave, self._renew, self._raise = (
            client.register_script(PRELUDE + body) for body in (_READ, _CLAIM, _STORE, _LEAVE, _RENEW, _RAISE)
        )
        self._reads: GroupCommit[str, tuple[bytes, bytes | None]] = GroupCommit(self._read_group, TOGETHER, lanes=2)
        self.breaker: Breaker | None = None
        """Asked before each group of look-ups: those that waited behind a time-out do not wait for another one."""

    async def get(self, key: str) -> tuple[bytes, bytes | None]:
        """The generation, and what is stored under a key text, or None. Of what cannot be an entry (a huge value,
        another type) `NO_ENTRY` is said. Look-ups that come while one is under way travel together."""
        return (await self._reads.add((key,)))[0]

    async def claim(self, key: str, token: str) -> Claimed:
        """Ask to be the one who fetches; tells what is stored by now."""
        generation, raw, holder = await self._run(
            self._claim, [self.generation_key, self._prefix + key, self._claim_key(key)],
            [token, round(LEASE * 1000), LARGEST],
        )  # fmt: skip
        return Claimed(generation, raw or None, holder or b"")

    async def store(self, key: str, token: str, generation: bytes, raw: bytes, ttl_ms: float) -> bool:
        """Store an entry and give the claim back; false where the claim was lost or a purge came since.

        Redis counts in whole seconds here, rounded up, as services do.
        """
        keys = [self.generation_key, self._prefix + key, self._claim_key(key)]
        return bool(await self._run(self._store, keys, [token, generation, raw, math.ceil(ttl_ms / 1000)]))

    async def leave(self, key: str, token: str, why: str = "", seconds: float = 0.0) -> None:
        """Give a claim back. `why` stays for some seconds in its place, for those who would fetch next."""
        await self._run(self._leave, [self._claim_key(key)], [token, why, round(seconds * 1000)])

    async def renew(self, key: str, token: str) -> None:
        """Keep a claim for another `LEASE`, if it is still ours."""
        await self._run(self._renew, [self._claim_key(key)], [token, round(LEASE * 1000)])

    async def raise_generation(self) -> bytes:
        """Make everything that is being fetched, or held in a process's memory, too old. Returns the new number."""
        found: bytes = await self._run(self._raise, [self.generation_key], [])
        return found

    async def ping(self) -> None:
        """Ask whether the server answers."""
        try:
            async with asyncio.timeout(DEADLINE):
                await self._client.ping()
        except TROUBLES as error:
            raise trouble(error) from error

    def _claim_key(self, key: str) -> str:
        return f"{self._own}f:{blake2b(key.encode('utf-8', 'surrogatepass'), digest_size=12).hexdigest()}"

    async def _read_group(self, keys: list[str]) -> list[tuple[bytes, bytes | None]]:
        if self.breaker is not None and self.breaker.trouble is not None:
            raise self.breaker.trouble
        places = {key: at for at, key in enumerate(dict.fromkeys(keys), 1)}
        found = await self._look_up(list(places))
        generation = found[0]
        brought = sum(len(raw or b"") for raw in found) // len(found)
        self._reads.most = max(_FEWEST, min(TOGETHER, AT_ONCE // max(brought, 1)))
        return [(generation, found[places[key]] or None) for key in keys]

    async def _look_up(self, keys: Sequence[str]) -> Sequence[Any]:
        """The generation, and what is stored under each key."""
        found: Sequence[Any] = await self._run(
            self._read, [self.generation_key, *(self._prefix + key for key in keys)], [LARGEST]
        )
        return found

    async def _run(self, script: Any, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        try:
            async with asyncio.timeout(DEADLINE):
                return await script(keys=keys, args=arguments)
        except TROUBLES as error:
            raise trouble(error) from error
