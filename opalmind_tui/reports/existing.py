"""A new time to live for what exists already: reports and idempotency records, one script a key, in paced batches.

Each script reads the value anew before it changes anything, so that what another process wrote meanwhile is judged by
what it holds then. Nothing but the number in ``expiresAt`` and Redis' own time to live is changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from opalmind_tui.reports.entry import LARGEST
from opalmind_tui.reports.key_text import feature_of
from opalmind_tui.reports.keyspace import OnCount, batches
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

_REPORT = """
if redis.call('TYPE', KEYS[1]).ok ~= 'string' or redis.call('STRLEN', KEYS[1]) > tonumber(ARGV[4]) then return 0 end
local raw = redis.call('GET', KEYS[1])
local head, digits, tail = string.match(raw, '^(.*"expiresAt":)(%d+)(}%s*)$')
if not head or #digits > 15 then return 0 end
local now, former, ttl = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local expires = tonumber(digits)
if expires < now then return 0 end
local left = math.min(expires - former, now) + ttl - now
if left < 1 then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], head .. string.format('%.0f', now + left) .. tail, 'PX', string.format('%.0f', left))
return 1
"""
"""ARGV: now, the former and the new time to live (milliseconds), the largest value that is looked into."""

_RECORD = """
if redis.call('TYPE', KEYS[1]).ok ~= 'string' or redis.call('STRLEN', KEYS[1]) > tonumber(ARGV[3]) then return 0 end
local good, record = pcall(cjson.decode, redis.call('GET', KEYS[1]))
if not good or type(record) ~= 'table' or type(record.key) ~= 'string' then return 0 end
local done, now = record.completedAt, tonumber(ARGV[1])
if type(done) ~= 'number' or done <= 0 or done ~= done then return 0 end
return redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', math.min(done, now) + tonumber(ARGV[2])))
"""
"""ARGV: now, the new time to live (milliseconds), the largest value that is looked into."""


async def apply_to_reports(
    client: Redis,
    prefix: str,
    changes: Mapping[str, tuple[float, float]],
    on_count: OnCount | None = None,
    clock: Callable[[], float] = time.time,
    limit: int = 0,
) -> int:
    """Give existing entries a new time to live; returns how many changed.

    An entry does not say when it was written: that is taken to be its `expiresAt` less the former time to live, and
    not later than now (a service may have written it with a longer one). An entry that would have expired by the new
    time expires at once; one that has expired stays as it is.

    Args:
        changes: feature -> (former, new) seconds. Other features are left alone.
        on_count: told how many changed so far.
        limit: no more than so many; 0 for all.

    Raises `StoreUnavailable`. Cancelling stops between two batches.
    """

    def arguments(key: bytes) -> tuple[float, ...]:
        former, new = changes[feature_of(key[len(prefix.encode()) :]) or ""]
        return (round(clock() * 1000), round(former * 1000), round(new * 1000), LARGEST)

    return await _apply(client, prefix, lambda text: feature_of(text) in changes, _REPORT, arguments, on_count, limit)


async def apply_to_records(
    client: Redis,
    prefix: str,
    seconds: float,
    on_count: OnCount | None = None,
    clock: Callable[[], float] = time.time,
    limit: int = 0,
) -> int:
    """Let existing idempotency records live `seconds` from their completion; returns how many changed.

    A record that is older than that expires at once. Values that are no record are left alone. `limit`: no more than so
    many; 0 for all. Raises `StoreUnavailable`. Cancelling stops between two batches.
    """

    def arguments(key: bytes) -> tuple[float, ...]:
        return (round(clock() * 1000), round(seconds * 1000), LARGEST)

    return await _apply(client, prefix, bool, _RECORD, arguments, on_count, limit)


async def _apply(
    client: Redis,
    prefix: str,
    accepts: Callable[[bytes], bool],
    script: str,
    arguments: Callable[[bytes], tuple[float, ...]],
    on_count: OnCount | None,
    limit: int,
) -> int:
    done = 0
    async for keys in batches(client, prefix, accepts):
        while keys:
            # As many as are still wanted: some of them may be left as they are.
            some = keys[: limit - done] if limit else keys
            keys = keys[len(some) :]
            done += await _changed(client, script, some, arguments)
            if on_count is not None:
                on_count(done)
            if limit and done >= limit:
                return done
    return done


async def _changed(
    client: Redis, script: str, keys: list[bytes], arguments: Callable[[bytes], tuple[float, ...]]
) -> int:
    pipeline = client.pipeline(transaction=False)
    for key in keys:
        pipeline.eval(script, 1, key, *arguments(key))
    try:
        return sum(int(changed) for changed in await pipeline.execute())
    except TROUBLES as error:
        raise trouble(error) from error
