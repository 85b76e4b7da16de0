"""A report through the cache: memory in front of Redis, one fetch for all who ask."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from opalmind_tui.errors import MatomoError, StoreUnavailable
from opalmind_tui.matomo.endpoints import reporting_url
from opalmind_tui.reports import early
from opalmind_tui.reports.breaker import Breaker
from opalmind_tui.reports.cluster_cache import cache_on
from opalmind_tui.reports.counters import Count, Tallies
from opalmind_tui.reports.entry import decode_entry
from opalmind_tui.reports.fetching import Fetched, Fetcher, Load
from opalmind_tui.reports.generation import Generation
from opalmind_tui.reports.memory_cache import Held, MemoryCache
from opalmind_tui.reports.outage import AWAY
from opalmind_tui.reports.purging import Purging
from opalmind_tui.reports.selection import Selection
from opalmind_tui.reports.shared_counters import SharedCounters
from opalmind_tui.reports.sharing import Sharing
from opalmind_tui.reports.single_flight import SingleFlight
from opalmind_tui.reports.staleness import STALE_FOR, STALE_WITHOUT_REDIS, Stale, mark
from opalmind_tui.reports.ttl import Ttls
from opalmind_tui.reports.view import Census
from opalmind_tui.settings import Settings

if TYPE_CHECKING:
    from redis.asyncio import Redis

T = TypeVar("T")

FIRST_LEVEL = 30.0
"""Seconds at the most that memory gives an entry without asking Redis."""
SURE_FOR = 2.0
"""Seconds after Redis last said the generation that memory trusts it: longer than two additions to the counts."""


class ReadThrough:
    """Reports by key text: from memory, from Redis or from whoever loads them, in this order.

    Args:
        settings: prefixes, and whether this process is read-only (then it writes nothing to Redis, ruling 8).
        ttls: how long an entry lives.
        client: the cache's own client: time-outs of 250 ms and no retries. None keeps everything in memory.
        commands: the client for walks over all keys; `client` if not given.
        memory: the table in memory.
        first_level: seconds at the most that memory gives what Redis has without asking it; 0 asks each time.
        clock: epoch seconds.

    Used from one event loop. Redis trouble never fails a look-up. `close` it.
    """

    def __init__(
        self,
        settings: Settings,
        ttls: Ttls,
        client: Redis | None,
        *,
        commands: Redis | None = None,
        memory: MemoryCache | None = None,
        first_level: float = FIRST_LEVEL,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ttls = ttls
        self._clock = clock
        self._first_level = first_level
        self._memory = MemoryCache() if memory is None else memory
        self._generation = Generation(self._follow)
        self._sure_until = math.inf if client is None else 0.0
        self._flights: SingleFlight[Fetched] = SingleFlight()
        self._census: Census | None = None
        self.on_lookup: Callable[[str, str, int, int], None] = lambda feature, key, size, times: None
        """Told of each report that was given: feature, key text, bytes of its stored form, how many times."""
        self._purging = Purging(commands or client, settings.cache_prefix, self._memory, self.invalidate)
        self._source = reporting_url(settings.matomo_base_url) if settings.matomo_base_url else ""
        self._writes = client is not None and not settings.read_only
        tallies = self._tallies = Tallies()
        self._redis = self._shared = self._breaker = None
        if client is not None:
            self._redis = cache_on(client, settings.cache_prefix, settings.stats_prefix)
            self._breaker = self._redis.breaker = Breaker(self._redis.ping)
            self._shared = SharedCounters(client, settings.stats_prefix, tallies, source=self._source)
        self._sharing = Sharing(
            tallies, self._shared if self._writes else None, allows=self._redis_serves, failed=self.met,
            heard=self._heard, stamp=lambda: self._generation.stamp, clock=clock, looked_up=self._looked_up,
        )  # fmt: skip
        self._fetcher = Fetcher(
            self._redis, may_write=lambda: self._writes and self._redis_serves(), failed=self._failed,
            ttl_ms=lambda feature: self._ttls.report(feature).seconds * 1000, count=self._sharing.count,
            stamp=lambda: self._generation.stamp, heard=self._heard, clock=clock,
        )  # fmt: skip

    @property
    def trouble(self) -> StoreUnavailable | None:
        """Why memory serves instead of Redis; None while Redis serves (or was never meant to)."""
        return self._breaker.trouble if self._breaker is not None else None

    # -- reports -------------------------------------------------------------------------------------------------

    async def fetch(self, feature: str, key: str, load: Callable[[], Awaitable[T]]) -> T:
        """A report from the cache, else from Matomo by `load`, which is then stored.

        Args:
            feature: one of `features.NAMES`.
            key: its `key_text`.
            load: runs once for all who ask for this key at the same time, here or in other processes, also when the
                first of them is cancelled.

        What is returned is shared with others who ask: do not change it. Whether it is old, `staleness.watching` tells.

        Raises what `load` raises: `MatomoError`, unless an old report can stand in.
        """
        held = self._memory.get(key)
        if held is not None:
            now = self._clock()
            if now < held.good_until and now < self._sure_until:
                if not held.uses:
                    self._sharing.used(held)
                held.uses += 1
                return cast(T, held.report)
        return cast(T, await self._look_up(feature, key, load))

    async def refetch(self, feature: str, key: str, load: Load) -> tuple[Any, bool]:
        """Matomo's report whatever is stored, and whether it was stored in its place.

        Raises what `load` raises, and `StoreUnavailable`; the former entry stays then.
        """
        # No process gives its copy of the former one any more.
        await self.invalidate()
        raw, _, _ = await self._ask_redis(feature, key)
        former = decode_entry(raw, feature) if raw is not None else None
        task = self._start(feature, key, load, newer_than=former.expires_at if former is not None else 0.0)
        found = await asyncio.shield(task)
        return found.value, found.stored or (self._redis is None and found.keep)

    async def _look_up(self, feature: str, key: str, load: Load) -> Any:
        held = await self._read(feature, key)
        if held is not None:
            self._counted(feature, key, Count.HITS, len(held.raw))
            self._refresh_early(held, load)
            return held.report
        old = self._memory.get(key)
        if old is not None and (away := self._away()) and self._stands_in(old, away):
            if away == "Redis" or self._fetcher.outage.may_try():
                self._start(feature, key, load)
            return self._give_old(old, away)
        try:
            found = await asyncio.shield(self._start(feature, key, load))
        except MatomoError as error:
            if error.kind in AWAY and old is not None and self._stands_in(old, "Matomo"):
                return self._give_old(old, "Matomo")
            self._counted(feature, key, Count.MISSES, 0)
            raise
        self._counted(feature, key, found.count, len(found.raw))
        return found.value

    def _start(self, feature: str, key: str, load: Load, newer_than: float = 0.0) -> asyncio.Task[Fetched]:
        return self._flights.start(key, lambda: self._fetch(feature, key, load, newer_than))

    async def _fetch(self, feature: str, key: str, load: Load, newer_than: float) -> Fetched:
        stamp = self._generation.stamp
        found = await self._fetcher.fetch(feature, key, load, newer_than)
        # A report is given later as it reads from its stored form: an infinite number is null there.
        entry = decode_entry(found.raw, feature) if found.keep else None
        if entry is not None:
            held = Held(found.raw, feature, entry.expires_at, not found.stored, entry.value, key=key)
            self._hold(held, sure=(found.stored or self._redis is None) and stamp == self._generation.stamp)
        return found

    def _counted(self, feature: str, key: str, count: Count, size: int) -> None:
        self._sharing.count(feature, count)
        if size:
            self.on_lookup(feature, key, size, 1)

    def _looked_up(self, held: Held) -> None:
        self.on_lookup(held.feature, held.key, len(held.raw), held.uses)

    # -- reading -------------------------------------------------------------------------------------------------

    async def _read(self, feature: str, key: str) -> Held | None:
        """A fresh entry: from Redis; from memory where Redis fails, or could not be given it."""
        raw, asked, sure = await self._ask_redis(feature, key)
        now_ms = self._clock() * 1000
        held = self._memory.get(key)
        if raw is not None:
            if held is None or held.raw != raw:
                entry = decode_entry(raw, feature)
                found = Held(raw, feature, entry.expires_at, report=entry.value, key=key) if entry else None
            else:
                held.only_here = False
                held.doubted = held.doubted and not sure
                found = held
            if found is not None and found.expires_at >= now_ms:
                self._hold(found, sure=sure)
                return found
            self._sharing.count(feature, Count.CORRUPT if found is None else Count.STALE_EVICTIONS)
        if held is None or held.doubted or (asked and not held.only_here):
            return None
        if held.expires_at >= now_ms:
            return held.opened()
        if raw is None:
            self._sharing.count(feature, Count.STALE_EVICTIONS)
        return None

    async def _ask_redis(self, feature: str, key: str) -> tuple[bytes | None, bool, bool]:
        """What Redis holds, whether it answered, and whether no purge can have passed the answer."""
        if self._redis is None or not self._redis_serves():
            return None, False, False
        stamp = self._generation.stamp
        try:
            generation, raw = await self._redis.get(key)
        except StoreUnavailable as error:
            self._failed(feature, error)
            return None, False, False
        return raw, True, self._heard(generation, stamp)

    def _hold(self, held: Held, *, sure: bool) -> None:
        """Keep it in memory; where it is sure that nothing newer is there, to be given without asking."""
        now = self._clock()
        if sure and (self._first_level or self._redis is None):
            usual = self._fetcher.usual_seconds(held.feature) if self._redis is not None else 0.0
            longest = self._first_level if self._redis is not None else math.inf
            held.good_until = min(held.expires_at / 1000 - early.thought_of_for(usual), now + longest)
        if self._memory.get(held.key) is not held:
            self._memory.put(held.key, held)

    def _refresh_early(self, held: Held, load: Load) -> None:
        if early.is_time(self._fetcher.usual_seconds(held.feature), held.expires_at / 1000 - self._clock()):
            self._start(held.feature, held.key, load, newer_than=held.expires_at)

    # -- old reports ---------------------------------------------------------------------------------------------

    def _away(self) -> str:
        """What is known to be away; empty for nothing."""
        if self._fetcher.outage.known:
            return "Matomo"
        return "Redis" if self._redis is not None and not self._redis_serves() else ""

    def _stands_in(self, old: Held, away: str) -> bool:
        longest = STALE_FOR if away == "Matomo" else STALE_WITHOUT_REDIS
        return not old.doubted and old.expires_at >= (self._clock() - longest) * 1000

    def _give_old(self, old: Held, away: str) -> Any:
        self._counted(old.feature, old.key, Count.MISSES, len(old.raw))
        self._sharing.count(old.feature, Count.STALE_SERVED)
        mark(Stale(old.feature, self._clock() - old.expires_at / 1000, away))
        return old.opened().report

    # -- Redis ---------------------------------------------------------------------------------------------------

    def _redis_serves(self) -> bool:
        return self._breaker is not None and self._breaker.allows()

    def _heard(self, generation: bytes, stamp: int) -> bool:
        sure = self._generation.heard(generation, stamp)
        if sure:
            self._sure_until = self._clock() + SURE_FOR
        return sure

    def met(self, error: StoreUnavailable) -> None:
        """Somebody met this trouble with Redis: memory serves until a probe of the cache itself succeeds."""
        if self._breaker is not None:
            self._breaker.report(error)

    def _failed(self, feature: str, error: StoreUnavailable) -> None:
        self._sharing.count(feature, Count.ERRORS)
        self.met(error)

    # -- purges of others ----------------------------------------------------------------------------------------

    async def invalidate(self, features: Iterable[str] = ()) -> None:
        """Entries are about to be changed or were deleted: no process gives or stores what it has or fetches now.

        Args:
            features: those whose copies are dropped from this process's memory.

        Raises `StoreUnavailable`; this process follows all the same.
        """
        for feature in features:
            self._memory.purge(Selection(feature))
        self._generation.purged()
        if self._redis is not None and self._writes:
            self._generation.purged(await self._redis.raise_generation())

    def _follow(self) -> None:
        """Something was purged somewhere: what is under way, or held, may be too old."""
        self._flights.overtake()
        if self._redis is not None:  # Else nobody else purges, and what this process purges it knows.
            self._memory.doubt()
