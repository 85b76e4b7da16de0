"""The counts of all processes, in Redis: a hash of totals, and a hash with a row for each minute of a day.

Both are of bounded size: the rows are a ring, the row of a minute takes the place of the one of the day before. One
script adds what a process counted in a second, and brings back the generation; with it a process says which Matomo its
reports are from, so that two Matomos that share a prefix by mistake are noticed. The keys carry the tag ``{c}``, so
that they lie in one slot of a Cluster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson
from msgspec import Struct

from opalmind_tui.reports.counters import (
    Count,
    Tallies,
    Tally,
    Totals,
    Unshared,
    minute_of,
    window_minutes,
    window_seconds,
)
from opalmind_tui.reports.features import NAMES
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

KEPT = 25 * 3600
"""Seconds that the minutes live after the last count."""
DAY = 1440
"""Minutes of the ring."""
SEEN_FOR = 600.0
"""Seconds for which a Matomo counts as in use after a process announced it."""
_MOST_SOURCES = 16
_SOURCES = "sources"
_COUNTS = tuple(Count)
_TOTALS = [(feature, count) for feature in NAMES for count in _COUNTS]
_FIELDS = [f"{feature}:{count}" for feature, count in _TOTALS]

_ADD = """
local given = cjson.decode(ARGV[1])
local function read(key, field)
  local raw = redis.pcall('HGET', key, field)
  if type(raw) ~= 'string' then return {} end
  local good, found = pcall(cjson.decode, raw)
  return good and type(found) == 'table' and found or {}
end
local function checked(answer)
  if type(answer) ~= 'table' or not answer.err then return end
  local foreign = string.find(answer.err, 'WRONGTYPE', 1, true) or string.find(answer.err, 'not an integer', 1, true)
  if not foreign then error(answer.err) end
end
local function write(key, field, value) checked(redis.pcall('HSET', key, field, cjson.encode(value))) end
for field, by in pairs(given.totals) do
  checked(redis.pcall('HINCRBY', KEYS[1], field, string.format('%.0f', by)))
end
for minute, tally in pairs(given.minutes) do
  local field = string.format('%d', tonumber(minute) % tonumber(ARGV[2]))
  local row = read(KEYS[2], field)
  if row.minute ~= tonumber(minute) then row = {minute = tonumber(minute)} end
  for feature, counts in pairs(tally) do
    local known = type(row[feature]) == 'table' and row[feature] or {}
    for at, by in ipairs(counts) do known[at] = (tonumber(known[at]) or 0) + by end
    row[feature] = known
  end
  write(KEYS[2], field, row)
end
redis.call('EXPIRE', KEYS[2], ARGV[3])
if ARGV[4] ~= '' then
  local now, sources, kept, number = tonumber(ARGV[5]), read(KEYS[1], 'sources'), {}, 0
  sources[ARGV[4]] = now
  for name, at in pairs(sources) do
    if type(at) == 'number' and at > now - 86400 and (number < tonumber(ARGV[6]) or name == ARGV[4]) then
      kept[name] = at
      number = number + 1
    end
  end
  write(KEYS[1], 'sources', kept)
end
local found = redis.pcall('GET', KEYS[3])
return type(found) == 'string' and found or '0'
"""
"""KEYS: totals, minutes, generation. ARGV: counts, minutes of the ring, their life, Matomo, now, most Matomos."""
_READ = """
local cut = 1 + ARGV[1]
return {redis.pcall('HMGET', KEYS[1], unpack(ARGV, 2, cut)), redis.pcall('HMGET', KEYS[2], unpack(ARGV, cut + 1))}
"""
"""KEYS: totals, minutes. ARGV: how many fields of the totals are wanted, these fields, those of the minutes."""


class Shared(Struct, frozen=True):
    """What all processes counted, and the Matomos whose reports they keep here."""

    totals: Totals
    sources: tuple[str, ...]


class SharedCounters:
    """Adds this process's counts to the shared ones, and reads those.

    Args:
        client: the client to use.
        prefix: ``REDIS_STATS_PREFIX``.
        tallies: this process's counts.
        source: the Matomo that this process asks, without secrets; empty where it has none.
        generation_key: where the cache keeps its generation.
    """

    def __init__(
        self, client: Redis, prefix: str, tallies: Tallies, *, source: str = "", generation_key: str = ""
    ) -> None:
        self._client = client
        self._own = f"{prefix}{{c}}:"
        self._tallies = tallies
        self._source = source
        self._generation_key = generation_key or f"{self._own}generation"
        self._add = client.register_script(_ADD)

    async def flush(self, now: float) -> bytes | None:
        """Share what was not shared yet: one command. Returns the generation, None where there was nothing to share.

        Raises `StoreUnavailable`; nothing is counted twice then: where only the answer is missing the counts are
        dropped, for they may have been added.
        """
        taken = self._tallies.take()
        if not taken.totals:
            return None
        arguments: list[bytes | str | int] = [_packed(taken), DAY, KEPT, self._source, int(now), _MOST_SOURCES]
        try:
            found: bytes = await self._add(
                keys=[self._totals_key, self._minutes_key, self._generation_key], args=arguments
            )
        except TROUBLES as error:
            problem = trouble(error)
            # An error reply (a foreign value under our key) may come after a part of it was done.
            if not problem.in_doubt and problem.kind != "reply":
                self._tallies.give_back(taken)
            raise problem from error
        return found

    async def read(self, now: float) -> Shared:
        """The counts of all processes, with what this one has not shared yet: one command.

        Raises `StoreUnavailable`.
        """
        minutes, fields = window_minutes(now), [*_FIELDS, _SOURCES]
        wanted = [str(minute % DAY) for minute in minutes]
        try:
            answer: Any = await self._client.eval(
                _READ, 2, self._totals_key, self._minutes_key, str(len(fields)), *fields, *wanted
            )
        except TROUBLES as error:
            raise trouble(error) from error
        found, rows = answer
        unshared = self._tallies.unshared
        totals, sources = _numbers(found)
        window: Tally = Counter()
        for minute, raw in zip(minutes, _rows(rows, len(minutes)), strict=True):
            window.update(_row(raw, minute))
            window.update(unshared.minutes.get(minute, {}))
        return Shared(Totals(totals + unshared.totals, window, window_seconds(now)), _in_use(sources, now))

    async def history(self, now: float, minutes: int = DAY) -> Mapping[int, Mapping[tuple[str, Count], int]]:
        """The counts of the last minutes (at most a day), by the number of the minute since 1970; one command.

        A minute in which nothing was counted is absent. Raises `StoreUnavailable`.
        """
        last = minute_of(now)
        wanted = range(last - min(minutes, DAY) + 1, last + 1)
        try:
            found: Any = await self._client.hmget(self._minutes_key, [str(minute % DAY) for minute in wanted])
        except TROUBLES as error:
            raise trouble(error) from error
        rows = {minute: _row(raw, minute) for minute, raw in zip(wanted, found, strict=True)}
        for minute, tally in self._tallies.unshared.minutes.items():
            if minute in rows:
                rows[minute].update(tally)
        return {minute: tally for minute, tally in rows.items() if tally}

    async def between(self, feature: str, begins: float, ends: float) -> tuple[int, int]:
        """Look-ups and misses of a feature (empty: of all) that all processes counted in the minutes of a time, at most
        of a day; one command. Raises `StoreUnavailable`."""
        rows = await self.history(ends, minute_of(ends) - minute_of(begins) + 1)
        counted: Tally = Counter()
        for tally in rows.values():
            counted.update({("", count): by for (name, count), by in tally.items() if feature in ("", name)})
        return counted["", Count.HITS] + counted["", Count.MISSES], counted["", Count.MISSES]

    @property
    def _totals_key(self) -> str:
        return f"{self._own}totals"

    @property
    def _minutes_key(self) -> str:
        return f"{self._own}minutes"


def _packed(taken: Unshared) -> bytes:
    """Totals by field; of each minute a list of numbers for each feature, in the order of `Count`."""
    minutes: dict[str, dict[str, list[int]]] = {}
    for minute, tally in taken.minutes.items():
        row = minutes[str(minute)] = {}
        for (feature, count), by in tally.items():
            row.setdefault(feature, [0] * len(_COUNTS))[_COUNTS.index(count)] = by
    totals = {f"{feature}:{count}": by for (feature, count), by in taken.totals.items()}
    return orjson.dumps({"totals": totals, "minutes": minutes})


def _numbers(found: Any) -> tuple[Tally, bytes | None]:
    """The totals and the raw sources; what a stranger put in their place counts as nothing."""
    if not isinstance(found, list):
        _raise_unless_foreign(found)
        return Counter(), None
    *counts, sources = found
    return Counter({name: _count(raw) for name, raw in zip(_TOTALS, counts, strict=True)}), sources


def _rows(found: Any, number: int) -> Sequence[bytes | None]:
    if not isinstance(found, list):
        _raise_unless_foreign(found)
        return [None] * number
    return found


def _raise_unless_foreign(error: Any) -> None:
    problem = trouble(error)
    if problem.kind != "reply":
        raise problem


def _row(raw: bytes | None, minute: int) -> Tally:
    """The counts of one minute; nothing where the row is another day's, absent or not ours."""
    try:
        row = orjson.loads(raw or b"null")
    except orjson.JSONDecodeError:
        row = None
    tally: Tally = Counter()
    if not isinstance(row, dict) or row.get("minute") != minute:
        return tally
    for feature in NAMES:
        counts = row.get(feature)
        if isinstance(counts, list):
            pairs = zip(_COUNTS, counts, strict=False)
            tally.update({(feature, count): int(by) for count, by in pairs if isinstance(by, int | float) and by})
    return tally


def _in_use(raw: bytes | None, now: float) -> tuple[str, ...]:
    try:
        found = orjson.loads(raw or b"null")
    except orjson.JSONDecodeError:
        return ()
    if not isinstance(found, dict):
        return ()
    return tuple(sorted(name for name, at in found.items() if isinstance(at, int | float) and at > now - SEEN_FOR))


def _count(raw: bytes | None) -> int:
    """A stored count; what is none (foreign, absent) counts as 0."""
    try:
        return int(raw or 0)
    except ValueError:
        return 0
