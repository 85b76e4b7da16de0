"""One refusal of a token is every process's: its verdict is shared in Redis by hash (ruling 11)."""

from __future__ import annotations

import time

import orjson
import pytest
from redis.asyncio import Redis

from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.connection import async_client
from opalmind_tui.tracking import sender
from opalmind_tui.tracking.shared_token import SharedToken, Verdict
from tests.tracking.delivery import STRANGER, WRITER, delivering
from tests.tracking.queue_harness import Bench
from tests.tracking.test_dispatcher_token import old, scheduled

KEY = "opalmind:stats:matomo:0123"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits."""
    monkeypatch.setattr(sender, "POLL", 0.02)


@pytest.fixture
async def token(redis_bench: Bench):
    """The verdict, as one process sees it; its key is gone before the bench is checked."""
    yield SharedToken(redis_bench.client, KEY, time.time)
    await redis_bench.client.delete(KEY, f"{KEY}:delivery")


async def test_a_refusal_by_one_process_holds_the_hits_of_all(redis_bench: Bench, token: SharedToken) -> None:
    for first, posts, waiting in ((True, 1, 3), (False, 0, 6)):
        async with delivering(redis_bench, token=STRANGER, start=False, shared_token=token) as field:
            await field.accept(*[old(number + 10 * first) for number in range(3)])
            await field.dispatcher.start()

            async def held(field=field, waiting=waiting) -> bool:
                return (await field.counts()).held == waiting

            await field.until(held)
            assert field.matomo.requests == posts
            assert await scheduled(field, waiting)


async def test_another_process_goes_on_when_an_operator_asked_again(redis_bench: Bench, token: SharedToken) -> None:
    await token.refused("1")
    async with delivering(redis_bench, token=WRITER, start=False, shared_token=token) as field:
        ids = await field.accept(old(1))
        await field.dispatcher.start()
        await field.until(lambda: field.dispatcher.stats().held == 1)
        assert field.matomo.requests == 0
        await token.forget()
        await redis_bench.queue.retry(ids)
        await field.empty()
        assert (await field.counts()).delivered == 1
    assert await token.read("1") == Verdict(False, True, pytest.approx(-time.time(), abs=60))


async def test_what_the_verdict_says(redis_bench: Bench, token: SharedToken) -> None:
    client: Redis = redis_bench.client
    await token.refused("1")
    for site in ("1", "2"):
        found = await token.read(site)
        assert found is not None
        assert found.refused
    await token.proved("2")
    assert [(found.refused, found.proved) for site in "123" if (found := await token.read(site))] == [
        (True, False), (False, True), (False, False),
    ]  # fmt: skip
    await token.rests(300)
    found = await token.read("2")
    assert found is not None
    assert 290 < found.rests <= 300
    await token.forget()
    await client.set(KEY, orjson.dumps({"refused": True, "at": time.time()}))
    found = await token.read("2")
    assert found is not None
    assert found.refused
    assert await client.ttl(KEY) == -1


async def test_without_redis_nothing_is_known() -> None:
    client = async_client(Settings(redis_url="redis://127.0.0.1:1"))
    token = SharedToken(client, KEY, time.time)
    await token.refused("1")
    await token.forget()
    assert await token.read("1") is None
    await client.aclose()
