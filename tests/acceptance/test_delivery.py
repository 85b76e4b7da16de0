"""Nothing is lost and nothing is sent twice, whatever Matomo, the workers and Redis go through: with real processes."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from opalmind_tui.demo.matomo.behaviour import Behaviour
from tests.acceptance.support import a_field, lines, marks, write_lines
from tests.support import programs
from tests.support.servers import Product

pytestmark = pytest.mark.slow


async def test_twelve_thousand_through_errors_limits_and_an_outage(any_product: Product, tmp_path: Path) -> None:
    count = 12_000
    write_lines(tmp_path / "hits.jsonl", lines(count))
    async with a_field(any_product) as field:
        rough = Behaviour(latency=0.01, latency_per_hit=0.0005, faults=(("503", 0.1), ("429", 0.03)), retry_after=1)
        await field.matomo.behave(rough)
        await field.worker()
        tracked = await programs.run("track", "--from", str(tmp_path / "hits.jsonl"), env=field.env)
        assert tracked.code == 0, tracked.stderr
        await field.until(lambda: field.matomo.journal.stored > count // 4, 60)
        await field.matomo.behave(Behaviour(listening=False))
        differences = set()
        for _ in range(6):
            await asyncio.sleep(5)
            differences.add((await field.queue())["ledgerDifference"])
        await field.matomo.behave(rough)
        await field.until(lambda: field.matomo.journal.stored >= count, 240)
        queue = await field.queue()
        differences.add(queue["ledgerDifference"])
        assert marks(field.matomo) == {str(number): 1 for number in range(count)}
        assert differences == {0}
        assert not field.matomo.journal.overlaps


async def test_exact_delivery_loses_nothing_to_locks(any_product: Product, tmp_path: Path) -> None:
    count = 300
    write_lines(tmp_path / "hits.jsonl", lines(count, seed=8))
    async with a_field(any_product) as field:
        await field.matomo.behave(Behaviour(faults=(("lock-wait", 0.03),)))
        tracked = await programs.run("track", "--from", str(tmp_path / "hits.jsonl"), env=field.env)
        assert tracked.code == 0, tracked.stderr
        field.env["MATOMO_DELIVERY"] = "exact"
        await field.worker()
        await field.until(lambda: field.matomo.journal.stored == count, 120)
        assert marks(field.matomo) == {str(number): 1 for number in range(count)}
        posts = field.matomo.journal.posts
        lost = sum(post.fault == "lock-wait" for post in posts)
        assert lost > 0
        assert {post.sent for post in posts} == {1}

        async def settled() -> bool:
            queue = await field.queue()
            return bool(queue["pending"] + queue["inflight"] == 0)

        await field.until_true(settled, 30)
        queue = await field.queue()
        assert (queue["ledgerDifference"], queue["dead"]) == (0, 0)


async def test_a_killed_worker_loses_nothing(any_product: Product, tmp_path: Path) -> None:
    count = 3_000
    write_lines(tmp_path / "hits.jsonl", lines(count, seed=2))
    async with a_field(any_product) as field:
        await field.matomo.behave(Behaviour(latency=0.05, latency_per_hit=0.002))
        tracked = await programs.run("track", "--from", str(tmp_path / "hits.jsonl"), env=field.env)
        assert tracked.code == 0, tracked.stderr
        doomed = await field.worker()
        await field.until(lambda: field.matomo.journal.stored > 300, 60)
        await programs.end(doomed, signal.SIGKILL)
        await field.worker()
        await field.until(lambda: len(marks(field.matomo)) == count, 120)
        queue = await field.queue()
        assert queue["ledgerDifference"] == 0
        # What the killed worker had posted and not acknowledged goes again; nothing else does.
        again = sum(times - 1 for times in marks(field.matomo).values())
        assert again <= 2 * 200


async def test_redis_away_in_the_middle_loses_nothing(any_product: Product, tmp_path: Path) -> None:
    count = 4_000
    write_lines(tmp_path / "hits.jsonl", lines(count, seed=3))
    async with a_field(any_product, persistent=True) as field:
        await field.matomo.behave(Behaviour(latency=0.05, latency_per_hit=0.002))
        tracked = await programs.run("track", "--from", str(tmp_path / "hits.jsonl"), env=field.env)
        assert tracked.code == 0, tracked.stderr
        worker = await field.worker()
        await field.until(lambda: field.matomo.journal.stored > 400, 60)
        await asyncio.to_thread(field.server.stop)
        away = await programs.run("status", "--json", env=field.env)
        assert away.code == 1, away.stdout
        await asyncio.sleep(20)
        await asyncio.to_thread(field.server.start)
        await field.until(lambda: len(marks(field.matomo)) == count, 120)
        assert worker.returncode is None
        assert marks(field.matomo) == {str(number): 1 for number in range(count)}
        await asyncio.sleep(1)
        queue = await field.queue()
        assert (queue["ledgerDifference"], queue["pending"], queue["inflight"]) == (0, 0, 0)
        ended = await programs.end(worker)
        assert ended.code == 0, ended.stderr


async def test_an_outage_of_hours_burns_no_attempt(any_product: Product, tmp_path: Path) -> None:
    """I4 in small: many failed probes, and still the first attempt counts, with the original time."""
    write_lines(tmp_path / "hits.jsonl", lines(50, seed=4))
    async with a_field(any_product) as field:
        await field.matomo.behave(Behaviour(faults=(("503", 1.0),)))
        await programs.run("track", "--from", str(tmp_path / "hits.jsonl"), env=field.env)
        accepted_by = asyncio.get_running_loop().time()
        await field.worker()
        await field.until(lambda: len(field.matomo.journal.posts) >= 4, 60)
        queue = await field.queue()
        assert queue["dead"] == 0
        waited = asyncio.get_running_loop().time() - accepted_by
        await field.matomo.behave(Behaviour())
        await field.until(lambda: field.matomo.journal.stored == 50, 90)
        assert set(marks(field.matomo).values()) == {1}
        assert all(hit.at - hit.time >= waited - 1 for hit in field.matomo.journal.hits)
