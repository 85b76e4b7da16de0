"""The report cache: Redis first, memory while it is away, one fetch for all who ask, everything counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from opalmind_tui.errors import MatomoError, StoreUnavailable
from opalmind_tui.reports.breaker import Breaker
from opalmind_tui.reports.counters import Count, Tallies, Totals
from opalmind_tui.reports.entry import LARGEST, decode_entry, encode_entry
from opalmind_tui.reports.js_json import parse
from opalmind_tui.reports.key_text import feature_of
from opalmind_tui.reports.keyspace import BUDGET, OnCount, count_keys, purge_keys
from opalmind_tui.reports.memory_cache import Held, MemoryCache
from opalmind_tui.reports.redis_cache import RedisCache
from opalmind_tui.reports.shared_counters import SharedCounters
from opalmind_tui.reports.single_flight import SingleFlight
from opalmind_tui.reports.ttl import Ttls
from opalmind_tui.reports.view import Census, cache_view
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.model import CacheView

if TYPE_CHECKING:
    from redis.asyncio import Redis

T = TypeVar("T")

FLUSH_EVERY = 1.0
"""Seconds between two additions to the shared counts: what a crash can lose of them."""
STALE_FOR = 3600.0
"""Seconds past its expiry that a report is still given while Matomo is away."""
_AWAY = frozenset({"network", "timeout", "server", "rate-limit"})
"""Kinds of `MatomoError` in which an old report is better than none; a refusal is not among them."""


@dataclass(slots=True)
class _Found:
    """What a look-up came to, for everybody who waited for it: the stored form, and what each of them counts."""

    raw: bytes
    counts: tuple[Count, ...]
    value: Any = None

    def take(self) -> Any:
        """The report: for each its own copy, because callers may change it."""
        value, self.value = self.value, None
        return parse(self.raw)["value"] if value is None else value


class ReportCache:
    """Reports by key text.

    Args:
        settings: prefixes, and whether this process is read-only (then it writes nothing to Redis, ruling 8).
        ttls: how long an entry lives.
        client: the cache's own client: time-outs of 250 ms and no retries. None keeps everything in memory.
        commands: the client for walks over all keys; `client` if not given.
        memory: the table in memory.
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
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._prefix = settings.cache_prefix
        self._read_only = settings.read_only
        self._ttls = ttls
        self._clock = clock
        self._memory = MemoryCache() if memory is None else memory
        self._tallies = Tallies()
        self._flights: SingleFlight[_Found] = SingleFlight()
        self._purges = 0
        self._census: Census | None = None
        self._flusher: asyncio.Task[None] | None = None
        self.on_lookup: Callable[[str, str, int], None] = lambda feature, key, size: None
        """Told of each report that was given: feature, key text, bytes of its stored form."""
        self._commands = commands or client
        self._redis = self._shared = self._sharing = self._breaker = None
        if client is not None:
            self._redis = RedisCache(client, settings.cache_prefix)
            self._shared = SharedCounters(client, settings.stats_prefix, self._tallies)
            self._sharing = None if settings.read_only else self._shared
            self._breaker = Breaker(self._redis.ping)

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
            load: runs once for all who ask for this key at the same time, also when the first of them is cancelled.

        Raises what `load` raises: `MatomoError`, unless an old report can stand in.
        """
        try:
            found = await self._flights.run(key, lambda: self._look_up(feature, key, load))
        except MatomoError:
            self._count(feature, Count.MISSES)
            raise
        for count in found.counts:
            self._count(feature, count)
        self.on_lookup(feature, key, len(found.raw))
        return cast(T, found.take())

    async def _look_up(self, feature: str, key: str, load: Callable[[], Awaitable[Any]]) -> _Found:
        found = await self._read(feature, key)
        if found is not None:
            return found
        purges = self._purges
        try:
            return await self._keep(feature, key, await load(), purges)
        except RecursionError:
            raise MatomoError("parse", "Matomo's answer is nested too deep") from None
        except MatomoError as error:
            held = self._memory.get(key) if error.kind in _AWAY else None
            if held is None or held.expires_at < (self._clock() - STALE_FOR) * 1000:
                raise
            return _Found(held.raw, (Count.MISSES, Count.STALE_SERVED))

    async def _read(self, feature: str, key: str) -> _Found | None:
        """A fresh entry: from Redis; from memory where Redis fails, or could not be given it."""
        raw, asked = await self._ask_redis(feature, key)
        now_ms = self._clock() * 1000
        if raw is not None:
            entry = decode_entry(raw, feature)
            if entry is not None and entry.expires_at >= now_ms:
                self._memory.put(key, Held(raw, feature, entry.expires_at))
                return _Found(raw, (Count.HITS,), entry.value)
            self._count(feature, Count.CORRUPT if entry is None else Count.STALE_EVICTIONS)
        held = self._memory.get(key)
        if held is None or (asked and not held.only_here):
            return None
        if held.expires_at >= now_ms:
            return _Found(held.raw, (Count.HITS,))
        if raw is None:
            self._count(feature, Count.STALE_EVICTIONS)
        return None

    async def _ask_redis(self, feature: str, key: str) -> tuple[bytes | None, bool]:
        """What Redis holds, and whether it answered."""
        if self._redis is None or self._breaker is None or not self._breaker.allows():
            return None, False
        try:
            return await self._redis.get(key), True
        except StoreUnavailable as error:
            self._failed(feature, error)
            return None, False

    async def _keep(self, feature: str, key: str, value: Any, purges: int) -> _Found:
        ttl_ms = self._ttls.report(feature).seconds * 1000
        expires_at = int(self._clock() * 1000 + ttl_ms)
        raw = encode_entry(feature, value, expires_at)
        self._count(feature, Count.SETS)
        # A purge that came while Matomo was asked is newer than the answer.
        if ttl_ms > 0 and len(raw) <= LARGEST and purges == self._purges:
            stored = await self._write(feature, key, raw, ttl_ms)
            self._memory.put(key, Held(raw, feature, expires_at, only_here=not stored))
        return _Found(raw, (Count.MISSES,))

    async def _write(self, feature: str, key: str, raw: bytes, ttl_ms: float) -> bool:
        """Store it in Redis; false where that could not be done."""
        if self._read_only or self._redis is None or self._breaker is None or not self._breaker.allows():
            return False
        try:
            await self._redis.set(key, raw, ttl_ms)
        except StoreUnavailable as error:
            self._failed(feature, error)
            return False
        return True

    def _failed(self, feature: str, error: StoreUnavailable) -> None:
        self._count(feature, Count.ERRORS)
        if self._breaker is not None:
            self._breaker.report(error)

    # -- counts --------------------------------------------------------------------------------------------------

    def _count(self, feature: str, count: Count) -> None:
        self._tallies.add(feature, count, self._clock())
        if self._sharing is not None and self._flusher is None:
            self._flusher = asyncio.get_running_loop().create_task(self._share_soon())

    async def _share_soon(self) -> None:
        try:
            while self._tallies.unshared.totals:
                await asyncio.sleep(FLUSH_EVERY)
                await self._share()
        finally:
            self._flusher = None

    async def _share(self) -> None:
        if self._sharing is None or self._breaker is None or not self._breaker.allows():
            return
        try:
            await self._sharing.flush()
        except StoreUnavailable as error:
            self._breaker.report(error)

    async def view(self) -> CacheView:
        """The counts of all processes (of this one while Redis is away): at most three commands for any size."""
        now = self._clock()
        census = self._census if self.trouble is None else None
        if census is None:
            entries = self._memory.count(now * 1000)
            census = Census(entries, entries.total(), exact=True)
        return cache_view(await self._totals(now), census, self._ttls, self._memory.bytes)

    async def counted(self, feature: str, begins: float, ends: float) -> tuple[int, int] | None:
        """Look-ups and misses of a feature (empty: of all) between two moments, by all processes; None without Redis.

        Raises `StoreUnavailable`.
        """
        return None if self._shared is None else await self._shared.between(feature, begins, ends)

    async def _totals(self, now: float) -> Totals:
        if self._shared is not None and self._breaker is not None and self._breaker.allows():
            try:
                return await self._shared.totals(now)
            except StoreUnavailable as error:
                self._breaker.report(error)
        return self._tallies.totals(now)

    def observe_entries(self, features: Mapping[str, int], total: int, *, exact: bool) -> None:
        """What the census of all keys found: entries by feature, all keys under the prefix, and if it is exact."""
        self._census = Census(features, total, exact)

    # -- operator ------------------------------------------------------------------------------------------------

    async def purge(self, feature: str | None = None, on_count: OnCount | None = None) -> int:
        """Delete the entries of a feature, or all, in Redis and here; returns how many in Redis (else here).

        Only keys that parse as a report's are touched. Cancelling stops between two batches. What is being fetched
        meanwhile is not stored. Raises `StoreUnavailable` where Redis cannot be asked.
        """
        self._purges += 1
        here = self._memory.purge(feature)
        if self._commands is None:
            return here
        return await purge_keys(self._commands, self._prefix, _accepts(feature), on_count)

    def forget_copies(self, features: Iterable[str]) -> None:
        """Drop what memory holds of these features: their entries are about to change."""
        for feature in features:
            self._memory.purge(feature)

    async def count(self, feature: str | None = None, budget: int = BUDGET) -> tuple[int, bool]:
        """How many entries `purge` would delete, and whether that is exact. Raises `StoreUnavailable`.

        Args:
            budget: keys of the database that are gone through at the most; beyond, the count is an estimate.
        """
        if self._commands is None:
            entries = self._memory.count(0.0)
            return (entries.total() if feature is None else entries[feature]), True
        return await count_keys(self._commands, self._prefix, _accepts(feature), budget)

    async def close(self) -> None:
        """End what is under way and share the last counts."""
        await self._flights.close()
        if self._flusher is not None:
            self._flusher.cancel()
            await asyncio.gather(self._flusher, return_exceptions=True)
        await self._share()
        if self._breaker is not None:
            await self._breaker.close()


def _accepts(feature: str | None) -> Callable[[bytes], bool]:
    if feature is None:
        return lambda text: feature_of(text) is not None
    return lambda text: feature_of(text) == feature
