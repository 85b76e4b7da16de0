"""The report cache: memory in front of Redis, one fetch for all who ask, everything counted."""

from __future__ import annotations

from collections.abc import Mapping

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.reports.counters import Count
from opalmind_tui.reports.keyspace import BUDGET, OnCount
from opalmind_tui.reports.read_through import ReadThrough
from opalmind_tui.reports.selection import ALL, Selection
from opalmind_tui.reports.shared_counters import Shared
from opalmind_tui.reports.view import Census, cache_view
from opalmind_tui.snapshot.entries import EntryPart, EntryRow
from opalmind_tui.snapshot.model import CacheView


class ReportCache(ReadThrough):
    """Reports through the cache, what was counted, what it holds, and purges. `ReadThrough` has the arguments."""

    # -- counts --------------------------------------------------------------------------------------------------

    async def view(self) -> CacheView:
        """The counts of all processes (of this one while Redis is away): one command for any size."""
        self._sharing.gather()
        now = self._clock()
        census = self._census if self.trouble is None else None
        if census is None:
            entries = self._memory.count(now * 1000)
            census = Census(entries, entries.total(), exact=True)
        shared = await self._read_counts(now)
        own = (self._source,) if self._source else shared.sources[:1]
        others = tuple(source for source in shared.sources if source not in own)
        return cache_view(shared.totals, census, self._ttls, self._memory.bytes, others)

    async def _read_counts(self, now: float) -> Shared:
        if self._shared is not None and self._redis_serves():
            try:
                return await self._shared.read(now)
            except StoreUnavailable as error:
                self.met(error)
        return Shared(self._tallies.totals(now), ())

    async def history(self, minutes: int = 1440) -> Mapping[int, Mapping[tuple[str, Count], int]]:
        """The counts of all processes by minute (its number since 1970), of at most a day. Raises `StoreUnavailable`.

        One command. Without Redis there is none.
        """
        self._sharing.gather()
        return {} if self._shared is None else await self._shared.history(self._clock(), minutes)

    async def counted(self, feature: str, begins: float, ends: float) -> tuple[int, int] | None:
        """Look-ups and misses of a feature (empty: of all) between two moments, by all processes; None without Redis.

        Raises `StoreUnavailable`.
        """
        return None if self._shared is None else await self._shared.between(feature, begins, ends)

    def rows_here(self) -> list[EntryRow]:
        """The entries of this process's memory that are good still."""
        return self._memory.rows(self._clock())

    def part_here(self, key: str, start: int = 0) -> EntryPart | None:
        """A part of what this process's memory holds under a key text; as `Entries.part`."""
        return self._memory.part(key, start, self._clock())

    def observe_entries(self, features: Mapping[str, int], total: int, *, exact: bool) -> None:
        """What the census of all keys found: entries by feature, all keys under the prefix, and if it is exact."""
        self._census = Census(features, total, exact)

    # -- operator ------------------------------------------------------------------------------------------------

    async def purge(self, selection: Selection = ALL, on_count: OnCount | None = None, limit: int = 0) -> int:
        """Delete the entries that are meant, no more than `limit` (0: all); returns how many in Redis (else here).

        Only keys that parse as a report's are touched. Cancelling stops between two batches. What is being fetched
        meanwhile is not stored, in no process. Raises `StoreUnavailable` where Redis cannot be asked.
        """
        return await self._purging.purge(selection, on_count, limit)

    async def count(self, selection: Selection = ALL, budget: int = BUDGET) -> tuple[int, bool]:
        """How many entries `purge` would delete, and whether that is exact. Raises `StoreUnavailable`.

        Args:
            budget: keys of the database that are gone through at the most; beyond, the count is an estimate.
        """
        return await self._purging.count(selection, budget)

    async def close(self) -> None:
        """End what is under way and share the last counts."""
        await self._flights.close()
        await self._sharing.close()
        if self._breaker is not None:
            await self._breaker.close()
