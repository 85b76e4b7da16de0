"""What the cache screen asks for in a snapshot: the entries, and the look-ups of the day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from opalmind_tui.engine.parts import Part
from opalmind_tui.errors import OpalmindError
from opalmind_tui.matomo.masking import begun, mask
from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.counters import Count
from opalmind_tui.reports.entries import Entries
from opalmind_tui.reports.features import NAMES
from opalmind_tui.snapshot.entries import CacheDay, EntryListing, EntryPart, EntryView, Lookups
from opalmind_tui.snapshot.model import Reading, Snapshot

if TYPE_CHECKING:
    from opalmind_tui.engine.finding.entry_walk import EntryWalk

DAY_EVERY = 60.0
"""Seconds between two reads of the day: at most some 400 kB at once."""


class CacheLook:
    """Looks into the cache for a screen, as long as it is asked to.

    Args:
        need_store: raises why the store cannot be asked now.
        secrets: what is hidden whatever happens.
        clock: epoch seconds.
    """

    def __init__(
        self,
        entries: Entries,
        cache: ReportCache,
        need_store: Callable[[], None],
        secrets: Iterable[str],
        clock: Callable[[], float],
    ) -> None:
        self._entries, self._cache, self._need_store, self._clock = entries, cache, need_store, clock
        self._secrets = tuple(secrets)
        self._walk: EntryWalk | None = None
        self._listing: Reading[EntryListing] = Reading()
        self._day = Part(self._read_day, DAY_EVERY)

    async def add_to(self, snapshot: Snapshot, view: EntryView | None) -> Snapshot:
        """The snapshot with what the screen wants, if it wants anything."""
        if view is None:
            await self.stop()
            return snapshot
        found = await self._list_or_why_not(view)
        return replace(snapshot, entries=found, cache_day=await self._day.get(self._clock()))

    async def stop(self) -> None:
        """Look no more."""
        if self._walk is not None:
            await self._walk.stop()
        self._walk, self._listing = None, Reading()

    def expire(self) -> None:
        """Something was changed on purpose."""
        if self._walk is not None:
            self._walk.expire()

    async def part(self, key: str, start: int) -> EntryPart | None:
        """See `EnginePort.entry_part`."""
        if self._cache.trouble is not None:
            found = self._cache.part_here(key, start)
        else:
            self._need_store()
            found = await self._entries.part(key, start)
        return without_secrets(found, self._secrets) if found is not None else None

    async def _list_or_why_not(self, view: EntryView) -> Reading[EntryListing]:
        former = self._listing.value
        if former is not None and former.view.feature != view.feature:
            # Rows of another list must not stand under the name of this one.
            self._listing = Reading()
        try:
            self._listing = Reading(await self._list(view), self._clock())
        except OpalmindError as error:
            self._listing = replace(self._listing, error=str(error))
        return self._listing

    async def _list(self, view: EntryView) -> EntryListing:
        if self._cache.trouble is not None:
            return self._here(view)
        self._need_store()
        if self._walk is None:
            from opalmind_tui.engine.finding.entry_walk import EntryWalk

            self._walk = EntryWalk(self._entries, self._clock)
        return await self._walk.listing(view)

    def _here(self, view: EntryView) -> EntryListing:
        """This process's memory, while Redis is away."""
        from opalmind_tui.engine.finding.entry_walk import Pass
        from opalmind_tui.engine.finding.windows import first_of

        now, found = self._clock(), Pass(0)
        for row in self._cache.rows_here():
            found.take(row, now)
        keys = found.ordered(view) if view.rows else []
        first = first_of(view, keys)
        rows = tuple(found.rows[key][0] for key in keys[first : first + view.rows])
        sums = tuple(sums.frozen(name) for name, sums in sorted(found.sums.items()))
        return EntryListing(view, rows, first, len(keys), sums, len(found.rows), len(found.rows), in_memory=True)

    async def _read_day(self) -> CacheDay:
        self._need_store()
        total: Counter[tuple[str, Count]] = Counter()
        for tally in (await self._cache.history()).values():
            total.update(tally)
        return CacheDay(tuple(Lookups(name, total[name, Count.HITS], total[name, Count.MISSES]) for name in NAMES))


def without_secrets(part: EntryPart, secrets: tuple[str, ...]) -> EntryPart:
    """The part with secrets masked; one that only begins in it is left to the next part."""
    text, cut = part.text, begun(part.text, secrets) if part.more else 0
    # Never nothing at all: a part that brings nobody further would be asked for for ever.
    if 0 < cut < len(text):
        end = part.end - len(text[-cut:].encode("utf-8", "surrogateescape"))
        part, text = replace(part, end=end), text[:-cut]
    return replace(part, text=mask(text, secrets))
