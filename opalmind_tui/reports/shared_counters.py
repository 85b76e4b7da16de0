"""The counts of all processes, in Redis: one hash of totals, and one hash an hour with its minutes, for a day.

Their keys carry the tag ``{c}``, so that they lie in one slot of a Cluster.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from opalmind_tui.reports.counters import (
    BY_MINUTE,
    Count,
    Tallies,
    Tally,
    Totals,
    minute_of,
    window_minutes,
    window_seconds,
)
from opalmind_tui.reports.features import NAMES
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

KEPT = 25 * 3600
"""Seconds that an hour's minutes live after the last count in it."""
_HOUR = 60
"""Minutes of one hash."""
_DAY = 24 * _HOUR
_TOTALS = [(feature, count) for feature in NAMES for count in Count]
_BY_MINUTE = [(feature, count) for feature in NAMES for count in BY_MINUTE]


class SharedCounters:
    """Adds this process's counts to the shared ones, and reads those.

    Args:
        client: the client to use.
        prefix: ``REDIS_STATS_PREFIX``.
        tallies: this process's counts.
    """

    def __init__(self, client: Redis, prefix: str, tallies: Tallies) -> None:
        self._client = client
        self._prefix = f"{prefix}{{c}}:"
        self._tallies = tallies

    async def flush(self) -> None:
        """Share what was not shared yet. Raises `StoreUnavailable`; nothing is counted twice then.

        Where only the answer is missing the counts are dropped: they may have been added.
        """
        taken = self._tallies.take()
        if not taken.totals:
            return
        pipeline = self._client.pipeline(transaction=True)
        for (feature, count), by in taken.totals.items():
            pipeline.hincrby(self._totals_key, f"{feature}:{count}", by)
        for minute, tally in taken.minutes.items():
            for (feature, count), by in tally.items():
                pipeline.hincrby(self._hour_key(minute), _minute_field(minute, feature, count), by)
            pipeline.expire(self._hour_key(minute), KEPT)
        try:
            await pipeline.execute()
        except TROUBLES as error:
            problem = trouble(error)
            # An error reply (a foreign value under our key) may concern a single command of many that ran.
            if not problem.in_doubt and problem.kind != "reply":
                self._tallies.give_back(taken)
            raise problem from error

    async def totals(self, now: float) -> Totals:
        """The counts of all processes, with what this one has not shared yet: two commands, three at a full hour.

        Raises `StoreUnavailable`.
        """
        hours: dict[str, list[int]] = {}
        for minute in window_minutes(now):
            hours.setdefault(self._hour_key(minute), []).append(minute)
        pipeline = self._client.pipeline(transaction=False)
        pipeline.hmget(self._totals_key, [f"{feature}:{count}" for feature, count in _TOTALS])
        for key, minutes in hours.items():
            fields = [_minute_field(minute, *name) for minute in minutes for name in _BY_MINUTE]
            pipeline.hmget(key, fields)
        try:
            all_, *windows = await pipeline.execute()
        except TROUBLES as error:
            raise trouble(error) from error
        unshared = self._tallies.unshared
        total = Counter({name: _count(raw) for name, raw in zip(_TOTALS, all_, strict=True)}) + unshared.totals
        window: Tally = Counter()
        for found in windows:
            for place, raw in enumerate(found):
                window[_BY_MINUTE[place % len(_BY_MINUTE)]] += _count(raw)
        for minute in window_minutes(now):
            window.update(unshared.minutes.get(minute, {}))
        return Totals(total, window, window_seconds(now))

    async def between(self, feature: str, begins: float, ends: float) -> tuple[int, int]:
        """Look-ups and misses of a feature (empty: of all) that all processes counted in whole minutes of a time.

        One command for each hour of it, at most a day. Raises `StoreUnavailable`.
        """
        first = max(minute_of(begins), minute_of(ends) - _DAY)
        hours: dict[str, list[int]] = {}
        for minute in range(first, minute_of(ends) + 1):
            hours.setdefault(self._hour_key(minute), []).append(minute)
        names = [name for name in _BY_MINUTE if feature in ("", name[0])]
        pipeline = self._client.pipeline(transaction=False)
        for key, minutes in hours.items():
            pipeline.hmget(key, [_minute_field(minute, *name) for minute in minutes for name in names])
        try:
            found = await pipeline.execute()
        except TROUBLES as error:
            raise trouble(error) from error
        counted = dict.fromkeys(BY_MINUTE, 0)
        for hour in found:
            for place, raw in enumerate(hour):
                counted[names[place % len(names)][1]] += _count(raw)
        return sum(counted.values()), counted[Count.MISSES]

    @property
    def _totals_key(self) -> str:
        return f"{self._prefix}totals"

    def _hour_key(self, minute: int) -> str:
        return f"{self._prefix}h:{minute // _HOUR}"


def _minute_field(minute: int, feature: str, count: Count) -> str:
    return f"{minute % _HOUR}:{feature}:{count}"


def _count(raw: bytes | None) -> int:
    """A stored count; what is none (foreign, absent) counts as 0."""
    try:
        return int(raw or 0)
    except ValueError:
        return 0
