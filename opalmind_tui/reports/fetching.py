"""One fetch from Matomo for all who ask, in this process and in others, stored unless a purge came meanwhile."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from msgspec import Struct

from opalmind_tui.errors import MatomoError, StoreUnavailable
from opalmind_tui.reports.counters import Count
from opalmind_tui.reports.entry import LARGEST, Entry, decode_entry, encode_entry
from opalmind_tui.reports.outage import AWAY, FAILED_FOR, Outage, from_mark, to_mark
from opalmind_tui.reports.redis_cache import LEASE, Claimed, RedisCache

Load = Callable[[], Awaitable[Any]]

FIRST_POLL, LONGEST_POLL = 0.005, 0.1
"""Seconds between two questions whether another process has the report."""
WAIT_AT_MOST = 45.0
"""Seconds that another process may take; Matomo's client gives up earlier."""
AT_ONCE = 32
"""Fetches that one process has under way at the most; further ones wait."""


class Fetched(Struct):
    """A report: its stored form, its value, and what each of those counts who waited for it.

    Args:
        stored: Redis has it, as of the generation's `stamp`.
        keep: memory may hold it.
    """

    raw: bytes
    value: Any
    expires_at: float
    count: Count
    stored: bool = False
    keep: bool = True


class Fetcher:
    """Fetches.

    Args:
        redis: where claims and entries are; None for a process on its own.
        may_write: whether Redis may be asked to claim and store now.
        failed: told (feature, error) what Redis did not do.
        ttl_ms: milliseconds that an entry of a feature lives.
        count: counts (feature, what, how many).
        stamp: changes with every purge that this process knows of.
        heard: told the generation that Redis said, asked at a stamp.
        clock: epoch seconds.
    """

    def __init__(
        self,
        redis: RedisCache | None,
        *,
        may_write: Callable[[], bool],
        failed: Callable[[str, StoreUnavailable], None],
        ttl_ms: Callable[[str], float],
        count: Callable[[str, Count, int], None],
        stamp: Callable[[], int],
        heard: Callable[[bytes, int], bool],
        clock: Callable[[], float],
    ) -> None:
        self._redis, self._may_write, self._failed, self._ttl_ms = redis, may_write, failed, ttl_ms
        self._count, self._stamp, self._heard, self._clock = count, stamp, heard, clock
        self._room = asyncio.Semaphore(AT_ONCE)
        self._seconds: dict[str, float] = {}
        self.outage = Outage()

    def usual_seconds(self, feature: str) -> float:
        """Seconds that Matomo took for this feature of late; 0 where that is not known."""
        return self._seconds.get(feature, 0.0)

    async def fetch(self, feature: str, key: str, load: Load, newer_than: float = 0.0) -> Fetched:
        """The report: what another process stored meanwhile, else Matomo's.

        Args:
            newer_than: epoch milliseconds; an entry that expires then or earlier is what shall be replaced.

        Raises what `load` raises.
        """
        known = self.outage.error_of(key)
        if known is not None:
            raise known
        stamp = self._stamp()
        token = secrets.token_hex(12)
        claimed = await self._claim(feature, key, token, newer_than)
        if isinstance(claimed, Fetched):
            return claimed
        keeper = asyncio.create_task(self._renew(key, token)) if claimed is not None else None
        try:
            raw, value, expires_at = await self._load(feature, key, load)
            return await self._keep(feature, key, Fetched(raw, value, expires_at, Count.MISSES), claimed, token, stamp)
        except BaseException as error:
            if claimed is not None:
                await self._leave(key, token, error)
            raise
        finally:
            if keeper is not None:
                keeper.cancel()

    # -- who fetches ---------------------------------------------------------------------------------------------

    async def _claim(self, feature: str, key: str, token: str, newer_than: float) -> Claimed | Fetched | None:
        """Ours to fetch; or what another process fetched; or None where there is no Redis to ask."""
        wait, ends, waited = FIRST_POLL, time.monotonic() + WAIT_AT_MOST, False
        while self._redis is not None and self._may_write() and time.monotonic() < ends:
            stamp = self._stamp()
            try:
                claimed = await self._redis.claim(key, token)
            except StoreUnavailable as error:
                self._failed(feature, error)
                return None
            self._heard(claimed.generation, stamp)
            entry = self._fresh(feature, claimed.raw, newer_than)
            if entry is not None and claimed.raw is not None:
                if not claimed.holder:
                    await self._leave(key, token)
                count = Count.MISSES if waited else Count.HITS
                return Fetched(claimed.raw, entry.value, entry.expires_at, count, stored=True)
            if not claimed.holder:
                return claimed
            told = from_mark(claimed.holder)
            if told is not None:
                raise told
            waited = True
            await asyncio.sleep(wait)
            wait = min(LONGEST_POLL, wait * 1.5)
        return None

    def _fresh(self, feature: str, raw: bytes | None, newer_than: float) -> Entry | None:
        entry = decode_entry(raw, feature) if raw is not None else None
        if entry is None or entry.expires_at < self._clock() * 1000 or entry.expires_at <= newer_than:
            return None
        return entry

    async def _renew(self, key: str, token: str) -> None:
        assert self._redis is not None
        while True:
            await asyncio.sleep(LEASE / 3)
            with suppress(StoreUnavailable):  # The claim may be lost then: that shows when the report is stored.
                await self._redis.renew(key, token)

    async def _leave(self, key: str, token: str, error: BaseException | None = None) -> None:
        """Let others fetch; after a failure of Matomo not at once."""
        if self._redis is None or not self._may_write():
            return
        away = isinstance(error, MatomoError) and error.kind in AWAY and from_mark(to_mark(error).encode()) is not None
        with suppress(StoreUnavailable):  # It ends by itself.
            why = to_mark(error) if away and isinstance(error, MatomoError) else ""
            await self._redis.leave(key, token, why, FAILED_FOR)

    # -- fetching ------------------------------------------------------------------------------------------------

    async def _load(self, feature: str, key: str, load: Load) -> tuple[bytes, Any, int]:
        """Matomo's report and its stored form."""
        async with self._room:
            began = time.monotonic()
            try:
                value = await load()
                took = time.monotonic() - began
                expires_at = int(self._clock() * 1000 + self._ttl_ms(feature))
                raw = encode_entry(feature, value, expires_at)
            except RecursionError:
                raise MatomoError("parse", "Matomo's answer is nested too deep") from None
            except MatomoError as error:
                if error.kind in AWAY:
                    self.outage.met(key, error)
                raise
        self.outage.over(key)
        self._seconds[feature] = (self._seconds.get(feature, took) + took) / 2
        self._count(feature, Count.SETS, 1)
        self._count(feature, Count.BYTES, len(raw))
        self._count(feature, Count.FETCH_MS, round(took * 1000))
        return raw, value, expires_at

    async def _keep(
        self, feature: str, key: str, found: Fetched, claimed: Claimed | None, token: str, stamp: int
    ) -> Fetched:
        """Store it; what was purged while Matomo was asked, or lives for no time, is given and not kept."""
        ttl_ms = self._ttl_ms(feature)
        found.keep = ttl_ms > 0 and len(found.raw) <= LARGEST and stamp == self._stamp()
        if claimed is None or self._redis is None:
            return found
        if not found.keep:
            await self._leave(key, token)
            return found
        try:
            found.stored = await self._redis.store(key, token, claimed.generation, found.raw, ttl_ms)
            found.keep = found.stored and stamp == self._stamp()
        except StoreUnavailable as error:
            self._failed(feature, error)
        return found
