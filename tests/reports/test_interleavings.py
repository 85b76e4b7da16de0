"""Two caches, as two processes have them, on one server: scripts of asking, answering, cancelling and purging.

After each step all that can happen has happened, so that a script means the same each time. Whoever asks after a purge
gets nothing that Matomo said before it; one request for a report is under way at a time, in both caches together;
everybody gets an answer; and the counts are those of what was done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from opalmind_tui.reports import fetching, redis_cache
from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.read_through import SURE_FOR
from opalmind_tui.reports.selection import ALL, Selection
from opalmind_tui.reports.ttl import Ttls
from opalmind_tui.settings import Settings
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.local_server import LocalServer
from tests.reports.conftest import Clock

FEATURE = "deviceTypes"
KEY = f'{{"feature":"{FEATURE}","input":{{"siteId":1}}}}'
PATIENCE = 60.0
"""Seconds after which something is taken never to come; nothing is judged by less."""
STEPS = ("ask", "ask", "answer", "cancel", "purge", "read_meanwhile")


@dataclass(eq=False)
class Asked:
    """A look-up, and the oldest version that it may give."""

    oldest: int
    task: asyncio.Task[Any]


@dataclass
class Play:
    """The caches, Matomo, and what was done."""

    url: str
    first_level: float
    version: int = 1
    purged: int = 0
    cancelled: int = 0
    answered: int = 0
    in_flight: int = 0
    loads: list[asyncio.Event] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    clients: list[Redis] = field(default_factory=list)
    caches: list[ReportCache] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    async def run(self, script: list[tuple[str, int]]) -> None:
        where = Settings(redis_url=self.url)
        for _ in range(2):
            client = async_client(where, connect_timeout=PATIENCE, timeout=PATIENCE)
            client.execute_command = self.counted(client.execute_command)  # type: ignore[method-assign]
            self.clients.append(client)
            cache = ReportCache(where, Ttls(where), client, first_level=self.first_level, clock=self.clock)
            self.caches.append(cache)
        await self.clients[0].flushall()
        for step, which in script:
            await getattr(self, step)(which)
            await self.settled()
        await self.ended()

    def counted(self, execute: Callable[..., Any]) -> Callable[..., Any]:
        async def execute_command(*arguments: Any, **options: Any) -> Any:
            self.in_flight += 1
            try:
                return await execute(*arguments, **options)
            finally:
                self.in_flight -= 1

        return execute_command

    async def settled(self) -> None:
        """Until nobody waits for Redis, and who waits at all does so for Matomo."""
        async with asyncio.timeout(PATIENCE):
            quiet = 0
            while quiet < 20:
                waits_in_vain = not self.loads and any(not asked.task.done() for asked in self.asked)
                quiet = 0 if self.in_flight or waits_in_vain else quiet + 1
                await asyncio.sleep(0.0005 if self.in_flight or waits_in_vain else 0)

    async def load(self) -> Any:
        """A request: it sees what Matomo has when it begins."""
        assert not self.loads, "two requests for one report at a time"
        gate, version = asyncio.Event(), self.version
        self.loads.append(gate)
        try:
            await gate.wait()
        finally:
            self.loads.remove(gate)
        self.answered += 1
        return [{"label": "all", "nb_visits": version}]

    async def ask(self, which: int) -> None:
        task = asyncio.create_task(self.caches[which % 2].fetch(FEATURE, KEY, self.load))
        self.asked.append(Asked(self.purged, task))

    async def answer(self, which: int) -> None:
        for gate in self.loads:
            gate.set()

    async def cancel(self, which: int) -> None:
        waiting = [asked.task for asked in self.asked if not asked.task.done()]
        if waiting:
            waiting[which % len(waiting)].cancel()
            self.cancelled += 1

    async def purge(self, which: int) -> None:
        """What Matomo has changed, and somebody knows that the reports are old."""
        self.version += 1
        await self.caches[which % 2].purge((ALL, Selection(key=KEY))[which // 2 % 2])
        if self.first_level:
            # The first level of another process learns of it within this time, for counts are shared meanwhile.
            self.clock.now += SURE_FOR
            for cache in self.caches:
                await cache._sharing.flush()
        self.purged = self.version

    async def read_meanwhile(self, which: int) -> None:
        """As `purge`; the other cache looks after all were told, before the entries are deleted."""
        purging = self.caches[which % 2]._purging
        tell = purging._invalidate

        async def tell_and_look() -> None:
            purging._invalidate = tell
            await tell()
            await self.ask(which + 1)
            await self.settled()

        purging._invalidate = tell_and_look
        await self.purge(which)

    async def ended(self) -> None:
        while any(not asked.task.done() for asked in self.asked) or self.loads:
            await self.answer(0)
            await self.settled()
        for asked in self.asked:
            if not asked.task.cancelled():
                [row] = asked.task.result()
                assert asked.oldest <= row["nb_visits"] <= self.version, "older than a purge"
        for cache in self.caches:
            await cache._sharing.flush()
        view = await self.caches[0].view()
        assert view.hits + view.misses == len(self.asked) - self.cancelled
        assert view.sets == self.answered

    async def closed(self) -> None:
        for cache in self.caches:
            await cache.close()
        for client in self.clients:
            await client.aclose()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine changes nothing."""
    monkeypatch.setattr(redis_cache, "DEADLINE", PATIENCE)
    monkeypatch.setattr(redis_cache, "LEASE", PATIENCE)
    monkeypatch.setattr(fetching, "LONGEST_POLL", fetching.FIRST_POLL)


async def play(url: str, first_level: float, script: list[tuple[str, int]]) -> None:
    played = Play(url, first_level)
    try:
        await played.run(script)
    finally:
        await played.closed()


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    script=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 3)), min_size=3, max_size=10),
    first_level=st.sampled_from([0.0, 30.0]),
)
@example([("ask", 0), ("purge", 1), ("answer", 0), ("ask", 1)], 0.0)  # What was fetched before is not stored.
@example([("ask", 0), ("purge", 0), ("ask", 0), ("answer", 0), ("ask", 1)], 0.0)  # Nor joined, here,
@example([("ask", 0), ("purge", 1), ("ask", 0), ("ask", 1), ("answer", 0)], 0.0)  # nor elsewhere.
@example([("ask", 0), ("ask", 1), ("cancel", 0), ("answer", 0), ("ask", 0)], 0.0)  # Who fetches may go.
@example([("ask", 0), ("answer", 0), ("purge", 0), ("ask", 0), ("answer", 0), ("ask", 1)], 30.0)
@example([("ask", 0), ("answer", 0), ("read_meanwhile", 0), ("ask", 1)], 30.0)  # What was read is not kept.
def test_any_order_of_events_keeps_the_promises(
    shared_server: LocalServer, script: list[tuple[str, int]], first_level: float
) -> None:
    asyncio.run(play(shared_server.url, first_level, script))
