"""A server with many keys of 2 kB, and what the truth about them is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis

from opalmind_tui.settings import Settings
from opalmind_tui.storage.local_server import LocalServer
from tests.bench.core.run import Run
from tests.bench.core.servers import fresh

FEW, MANY = 1_000, 1_000_000
PREFIXES = ("idempotency", "cache", "other")
TOGETHER = 20_000
"""Keys that one script makes or measures."""
_NAMES = """
local function name_of(at)
  local kind = at % 10
  if kind < 6 then return 'opalmind:idempotency:' .. redis.sha1hex(tostring(at)) end
  local report = '{"feature":"report' .. at % 12 .. '","input":{"period":"day","siteId":' .. at .. '}}'
  if kind < 9 then return 'opalmind:cache:' .. report end
  return 'elsewhere:' .. at
end
"""
_FILL = (
    _NAMES
    + """
local filling = string.rep('x', 3000)
for at = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  redis.call('SET', name_of(at), string.sub(filling, 1, 1000 + at * 7919 % 2001), 'EX', 7200 + at % 86400)
end
"""
)
_MEASURE = (
    _NAMES
    + """
local taken = {0, 0, 0}
for at = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  local kind = at % 10
  local place = kind < 6 and 1 or kind < 9 and 2 or 3
  taken[place] = taken[place] + (redis.call('MEMORY', 'USAGE', name_of(at)) or 0)
end
return taken
"""
)


@contextmanager
def filled(benchmark: Run, number: int) -> Iterator[tuple[LocalServer, Settings, redis.Redis]]:
    """A server with so many keys; values of 1 to 3 kB."""
    with fresh(benchmark.product) as server, redis.Redis.from_url(server.url, socket_timeout=60) as admin:
        for start in range(0, number, TOGETHER):
            admin.eval(_FILL, 0, start, min(number, start + TOGETHER) - 1)
        yield server, Settings(redis_url=server.url), admin


def truth(admin: redis.Redis, number: int) -> dict[str, tuple[int, int]]:
    """Keys and bytes under each prefix."""
    taken = [0, 0, 0]
    for start in range(0, number, TOGETHER):
        found = admin.eval(_MEASURE, 0, start, min(number, start + TOGETHER) - 1)
        taken = [before + more for before, more in zip(taken, found, strict=True)]
    kinds = [sum(1 for kind in range(10) if low <= kind < high) for low, high in ((0, 6), (6, 9), (9, 10))]
    return {name: (number * kind // 10, bytes_) for name, kind, bytes_ in zip(PREFIXES, kinds, taken, strict=True)}
