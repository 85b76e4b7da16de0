"""Clocks of workers and producers that are minutes off change nothing: all moments are the store's, or Matomo's own."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis.asyncio

from opalmind_tui.demo.matomo.behaviour import Behaviour
from opalmind_tui.matomo.endpoints import tracking_url
from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.presence import Presence
from opalmind_tui.tracking.queue import Adopted
from opalmind_tui.tracking.redis_queue import RedisQueue
from opalmind_tui.tracking.request import TrackingRequest
from tests.acceptance.support import Field, a_field, lines, marks
from tests.support import programs
from tests.support.servers import Product
from tests.tracking.queue_harness import id_for

FIVE_MINUTES = 300.0
CLOCKS = (-FIVE_MINUTES, 0.0, FIVE_MINUTES)
OFF = (-FIVE_MINUTES, FIVE_MINUTES)
SKEWED = Path(__file__).parent.parent / "support" / "skewed"
PREFIXES = Settings()


def with_clock(env: dict[str, str], off: float, **more: str) -> dict[str, str]:
    """The environment of a process whose clock is off."""
    path = f"{SKEWED}:{env.get('PYTHONPATH', '')}"
    return {**env, **more, "PYTHONPATH": path, "TEST_CLOCK_SKEW": str(off)}


async def a_worker(field: Field, off: float, **more: str) -> None:
    field.workers.append(await programs.start("worker", env=with_clock(field.env, off, **more)))


async def track(field: Field, off: float, entries: list[dict[str, object]]) -> None:
    text = "".join(json.dumps(entry) + "\n" for entry in entries).encode()
    done = await programs.run("track", "--from", "-", env=with_clock(field.env, off), stdin=text)
    assert done.code == 0, done.stderr


@asynccontextmanager
async def a_queue(field: Field) -> AsyncIterator[RedisQueue]:
    client = async_client(Settings(redis_url=field.server.url))
    yield RedisQueue(
        client, queue_prefix=PREFIXES.queue_prefix, idempotency_prefix=PREFIXES.idempotency_prefix,
        idempotency_ttl=lambda: 86_400,
    )  # fmt: skip
    await client.aclose()


@pytest.mark.parametrize("off", OFF)
async def test_the_clock_of_a_child_is_off(off: float) -> None:
    """Else nothing here proves anything."""
    code = "import time, datetime as d; print(time.time(), time.time_ns() / 1e9, d.datetime.now(d.UTC).timestamp())"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, env=with_clock(programs.environment(), off), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    for moment in out.split():
        assert float(moment) - time.time() == pytest.approx(off, abs=30)


@pytest.mark.slow
async def test_class_23_workers_with_clocks_ten_minutes_apart_do_as_one(any_product: Product) -> None:
    """Three workers and two producers share the work through errors: each hit once, at its time, and one ledger."""
    began = time.time()
    async with a_field(any_product) as field:
        await field.matomo.behave(Behaviour(latency=0.01, faults=(("503", 0.2), ("429", 0.1)), retry_after=1))
        for off in CLOCKS:
            await a_worker(field, off)
        batches = [lines(150, seed=number) for number in range(2)]
        for number, batch in enumerate(batches):
            for entry in batch:
                entry["url"] = f"{entry['url']}-{number}"
                entry["idempotencyKey"] = entry["url"]
        await asyncio.gather(*(track(field, off, batch) for off, batch in zip(OFF, batches, strict=True)))
        await field.matomo.behave(Behaviour())
        await field.until(lambda: len(marks(field.matomo)) == 300, 60)
        # The same once more, by producers with the other clock: all known.
        await asyncio.gather(*(track(field, off, batch) for off, batch in zip(reversed(OFF), batches, strict=True)))

        async with a_queue(field) as queue:
            async with asyncio.timeout(30):
                while (counts := await queue.counts(tracking_url(field.matomo.url))).inflight:  # noqa: ASYNC110 - others change it
                    await asyncio.sleep(0.05)
        assert set(marks(field.matomo).values()) == {1}
        assert (counts.accepted, counts.delivered, counts.duplicates) == (300, 300, 300)
        assert (counts.ledger_difference, counts.unknown, counts.recovered) == (0, 0, 0)
        assert not field.matomo.journal.overlaps
        for hit in field.matomo.journal.hits:
            when = datetime.strptime(hit.params["cdt"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
            assert began - 2 <= when <= time.time() + 2
        await records_say_when(field, began)
        await all_are_present(field)


async def records_say_when(field: Field, began: float) -> None:
    """The time in an idempotency record is the store's, and it lives as long as any."""
    async with redis.asyncio.Redis.from_url(field.server.url) as client:
        names = [name async for name in client.scan_iter(match="opalmind:idempotency:*", count=1000)]
        assert len(names) == 300
        for name in names:
            record = json.loads(await client.get(name))  # type: ignore[arg-type]
            assert began - 2 <= record["completedAt"] / 1000 <= time.time() + 2
            assert 86_000 < await client.ttl(name) <= 86_400


async def all_are_present(field: Field) -> None:
    """Who was seen lately is told by the store's clock."""
    client = async_client(Settings(redis_url=field.server.url))
    there = Presence(client, f"{PREFIXES.stats_prefix}presence", role="test", user="", version="")
    async with asyncio.timeout(20):
        while sum(one.delivers for one in await there.processes()) != len(CLOCKS):  # noqa: ASYNC110 - others announce
            await asyncio.sleep(0.2)
    await client.aclose()


@pytest.mark.parametrize("off", CLOCKS)
async def test_class_23_a_date_to_wait_for_is_the_same_for_every_clock(any_product: Product, off: float) -> None:
    async with a_field(any_product) as field, a_queue(field) as queue:
        endpoint = tracking_url(field.matomo.url)
        await field.matomo.behave(Behaviour(faults=(("429", 1.0),), retry_after=40, retry_after_date=True))
        await track(field, off, lines(3))
        await a_worker(field, off)
        async with asyncio.timeout(30):
            while (gate := (await queue.counts(endpoint)).gate) is None:  # noqa: ASYNC110 - others change it
                await asyncio.sleep(0.05)
        assert 39 <= gate.until - gate.since <= 45


@pytest.mark.parametrize("off", CLOCKS)
async def test_class_23_what_needs_a_token_by_its_age_is_the_same_for_every_clock(
    any_product: Product, off: float
) -> None:
    """Hits a few minutes on either side of the line: the younger is sent without a token, the older is held."""
    async with a_field(any_product) as field, a_queue(field) as queue:
        endpoint, line = tracking_url(field.matomo.url), time.time() - (86_400 - 900)

        def aged(name: str, accepted: float) -> Adopted:
            params = {"idsite": "1", "url": f"https://example.com/page?mark={name}", "cid": "0123456789abcdef"}
            request = TrackingRequest("pageview", params, name, name, visitor=name)
            return Adopted(id_for(request, endpoint), request, endpoint, accepted)

        await queue.adopt([aged("older", line - 150), aged("younger", line + 150)])
        await a_worker(field, off, MATOMO_TOKEN="")
        await field.until(lambda: "younger" in marks(field.matomo), 30)
        async with asyncio.timeout(30):
            while (counts := await queue.counts(endpoint)).pending + counts.inflight:  # noqa: ASYNC110 - others change it
                await asyncio.sleep(0.05)
        assert marks(field.matomo) == {"younger": 1}
        assert (counts.scheduled, counts.dead) == (1, 0)
        assert counts.last_error.startswith("held: over 24 h old")
