"""Changing times to live while processes run, for those that come and, if asked, for those that exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.existing import apply_to_records, apply_to_reports
from opalmind_tui.reports.key_text import feature_of
from opalmind_tui.reports.keyspace import OnCount, count_keys
from opalmind_tui.reports.ttl import ConfiguredValues, Ttls, check_ttl, config_name, config_text
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.commands import TtlTarget

if TYPE_CHECKING:
    from redis.asyncio import Redis


class RuntimeValues(ConfiguredValues, Protocol):
    """The run-time configuration."""

    async def set(self, name: str, value: str, by: str) -> bool:
        """Set a text for all processes, an empty one to forget it; false where it holds for this one only."""
        ...


class TtlControl:
    """What an operator can do with a time to live.

    Args:
        settings: the prefixes.
        ttls: what is in force, on the same configuration.
        config: where changes go.
        client: the client for walks over existing keys; None where there is no Redis.
        cache: its copies in memory follow.
    """

    def __init__(
        self, settings: Settings, ttls: Ttls, config: RuntimeValues, client: Redis | None, cache: ReportCache
    ) -> None:
        self._settings = settings
        self._ttls = ttls
        self._config = config
        self._client = client
        self._cache = cache

    def current(self, target: TtlTarget, feature: str = "") -> float:
        """Seconds in force."""
        if target is TtlTarget.IDEMPOTENCY:
            return self._ttls.idempotency().seconds
        return self._ttls.of(feature).seconds

    def check(self, target: TtlTarget, seconds: float) -> None:
        """Raise `SettingsError` with what is accepted where the time is out of bounds."""
        check_ttl(target, seconds)

    async def set(self, target: TtlTarget, feature: str, seconds: float, by: str) -> bool:
        """Set a time, or with 0 forget it, so that the next wider setting counts again.

        Returns false when Redis is away and it holds for this process only. Raises `SettingsError`,
        `StoreUnavailable`.
        """
        if seconds:
            check_ttl(target, seconds)
        return await self._config.set(config_name(target, feature), config_text(seconds) if seconds else "", by)

    def former(self, target: TtlTarget, feature: str = "") -> float:
        """Seconds that were set before the newest change, 0 where the environment counted.

        Raises `SettingsError` where nobody ever changed it.
        """
        return self._ttls.former(target, feature)

    async def count_existing(self, target: TtlTarget, feature: str = "") -> tuple[int, bool]:
        """How many entries or records a change concerns, and whether that is exact. Raises `StoreUnavailable`."""
        if self._client is None:
            return 0, True
        if target is TtlTarget.IDEMPOTENCY:
            return await count_keys(self._client, self._settings.idempotency_prefix, bool)
        return await count_keys(self._client, self._settings.cache_prefix, self._concerned(feature))

    async def apply(
        self,
        target: TtlTarget,
        feature: str,
        former: float,
        seconds: float,
        on_count: OnCount | None = None,
        limit: int = 0,
    ) -> int:
        """Give the existing ones the new time; returns how many changed.

        Args:
            feature: one feature, or empty for all that have no time of their own.
            former: seconds in force when they were written, as far as known.
            seconds: the new time.
            on_count: told how many changed so far.
            limit: no more than so many; 0 for all.

        Raises `StoreUnavailable`. Cancelling stops between two batches.
        """
        if self._client is None:
            return 0
        if target is TtlTarget.IDEMPOTENCY:
            return await apply_to_records(
                self._client, self._settings.idempotency_prefix, seconds, on_count, limit=limit
            )
        changes = dict.fromkeys(self._ttls.followers(feature), (former, seconds))
        await self._cache.invalidate(changes)
        try:
            return await apply_to_reports(self._client, self._settings.cache_prefix, changes, on_count, limit=limit)
        finally:
            await self._cache.invalidate(changes)

    def _concerned(self, feature: str) -> Callable[[bytes], bool]:
        features = self._ttls.followers(feature)
        return lambda text: feature_of(text) in features
