"""Pause, resume and rate of delivery hold for every process on one Redis: with two real workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from opalmind_tui.demo.matomo.behaviour import Behaviour
from opalmind_tui.matomo.endpoints import tracking_url
from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.presence import Presence
from opalmind_tui.tracking.redis_queue import RedisQueue
from tests.acceptance.support import Field, a_field, lines, marks, write_lines
from tests.support import programs
from tests.support.servers import Product
from tests.tracking.queue_harness import redis_queue

pytestmark = pytest.mark.slow
COUNT = 3_000


@dataclass
class Pair:
    """Two workers with a backlog, and an operator."""

    field: Field
    queue: RedisQueue
    endpoint: str

    async def in_flight(self) -> int:
        return (await self.queue.counts(self.endpoint)).inflight


@asynccontextmanager
async def two_workers(product: Product, folder: Path, behaviour: Behaviour, rate: float | None) -> AsyncIterator[Pair]:
    """They are paused until the test resumes delivery, so that both are there when it begins."""
    write_lines(folder / "hits.jsonl", lines(COUNT))
    async with a_field(product) as field:
        await field.matomo.behave(behaviour)
        client = async_client(Settings(redis_url=field.server.url))
        pair = Pair(field, redis_queue(client), tracking_url(field.matomo.url))
        await pair.queue.pause(pair.endpoint, by="kim", reason="not yet")
        if rate is not None:
            await pair.queue.limit_rate(pair.endpoint, rate, by="bo", reason="gently")
        tracked = await programs.run("track", "--from", str(folder / "hits.jsonl"), env=field.env)
        assert tracked.code == 0, tracked.stderr
        looker = Presence(client, "opalmind:stats:presence", role="test", user="", version="")
        for _ in range(2):
            await field.worker()
        await field.until_true(lambda: _both(looker), 60)
        assert field.matomo.journal.stored == 0
        try:
            yield pair
        finally:
            await client.aclose()


async def _both(looker: Presence) -> bool:
    return sum(process.delivers for process in await looker.processes()) == 2


async def test_a_pause_stops_both_workers_and_resume_goes_on(any_product: Product, tmp_path: Path) -> None:
    slow = Behaviour(latency=0.1, latency_per_hit=0.002)
    async with two_workers(any_product, tmp_path, slow, None) as pair:
        journal = pair.field.matomo.journal
        await pair.queue.resume(pair.endpoint, by="kim")
        await pair.field.until(lambda: journal.stored > 500, 60)
        gate = await pair.queue.pause(pair.endpoint, by="kim", reason="Matomo is upgraded")
        assert gate.reason == "kim: Matomo is upgraded"
        control = await pair.queue.control(pair.endpoint)
        assert control.paused is not None

        async def quiet() -> bool:
            return await pair.in_flight() == 0

        # What was posted is answered, what was only claimed is given back: nothing is left with anybody.
        await pair.field.until_true(quiet, 30)
        stored = journal.stored
        assert stored < COUNT
        await asyncio.sleep(2.5)
        assert journal.stored == stored
        assert await pair.in_flight() == 0
        # A bulk that was let go before the pause is under way for a third of a second at the most.
        assert max(post.at for post in journal.posts) < control.paused.since + 5
        assert await pair.queue.resume(pair.endpoint, by="bo")
        await pair.field.until(lambda: journal.stored == COUNT, 60)
        assert set(marks(pair.field.matomo).values()) == {1}
        counts = await pair.queue.counts(pair.endpoint)
        assert (counts.ledger_difference, counts.retried, counts.unknown) == (0, 0, 0)


async def test_a_rate_holds_for_both_workers_together(any_product: Product, tmp_path: Path) -> None:
    rate, wanted = 100.0, 800
    async with two_workers(any_product, tmp_path, Behaviour(), rate) as pair:
        journal = pair.field.matomo.journal
        await pair.queue.resume(pair.endpoint, by="kim")
        await pair.field.until(lambda: journal.stored >= wanted, 60)
        hits = list(journal.hits)
        # One second's worth may go at once. Twice the rate, each worker keeping to its own, would take half as long.
        assert hits[wanted - 1].at - hits[0].at >= (wanted - rate) / rate * 0.9
        assert await pair.queue.limit_rate(pair.endpoint, None, by="bo", reason="well again") is None
        await pair.field.until(lambda: journal.stored == COUNT, 60)
        assert set(marks(pair.field.matomo).values()) == {1}
