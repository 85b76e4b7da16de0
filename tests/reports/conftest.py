"""Caches on memory and on real servers, and a Matomo whose answers a test decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis.asyncio import Redis

from opalmind_tui.errors import MatomoError
from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.service import Reports
from opalmind_tui.reports.ttl import Ttls
from opalmind_tui.settings import Settings
from opalmind_tui.storage.connection import CACHE_TIMEOUT, async_client
from opalmind_tui.storage.local_server import LocalServer

ROWS = [{"label": "Desktop", "nb_visits": "7"}]


@dataclass
class Matomo:
    """Answers every call with `answer`, or raises it; holds its answers back while `gate` is closed."""

    answer: Any = field(default_factory=lambda: ROWS)
    calls: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def call(self, method: str, params: Mapping[str, str]) -> Any:
        """Answer a request."""
        self.calls += 1
        self.asked.set()
        await self.gate.wait()
        if isinstance(self.answer, MatomoError):
            raise self.answer
        return self.answer


@dataclass
class Clock:
    """Epoch seconds that a test moves."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        """The present moment."""
        return self.now


@pytest.fixture
def matomo() -> Matomo:
    """A Matomo with one row for everybody."""
    return Matomo()


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def settings(server: LocalServer) -> Settings:
    """Settings for the server in turn."""
    return Settings(redis_url=server.url)


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    """A client for what a test itself reads and writes."""
    client = async_client(settings)
    yield client
    await client.aclose()


MakeCache = Callable[..., Awaitable[ReportCache]]


@pytest.fixture
async def make_cache() -> AsyncIterator[MakeCache]:
    """Makes caches with clients of their own, as processes have them."""
    opened: list[tuple[ReportCache, Redis]] = []

    async def make(settings: Settings, ttls: Ttls | None = None, **more: Any) -> ReportCache:
        client = async_client(settings, connect_timeout=CACHE_TIMEOUT, timeout=CACHE_TIMEOUT)
        # Most tests look at what Redis has: memory in front of it has tests of its own.
        more.setdefault("first_level", 0.0)
        cache = ReportCache(settings, ttls or Ttls(settings), client, **more)
        opened.append((cache, client))
        return cache

    yield make
    for cache, client in opened:
        await cache.close()
        await client.aclose()


@pytest.fixture
async def cache(settings: Settings, make_cache: MakeCache, clock: Clock) -> ReportCache:
    """A cache on the server in turn."""
    return await make_cache(settings, clock=clock)


@pytest.fixture
def reports(cache: ReportCache, matomo: Matomo) -> Reports:
    """Reports on the server in turn."""
    return Reports(matomo, cache, 1)
