"""Sleepers are woken by what others accept; a busy queue says nothing; who may not listen looks for himself."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.model import GateKind
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tracking import sender
from opalmind_tui.tracking.queue import Adopted, Fate
from opalmind_tui.tracking.redis_queue import listener as listening
from opalmind_tui.tracking.redis_queue.listener import Listener
from tests.tracking.delivery import delivering, page
from tests.tracking.queue_harness import ENDPOINT, QUEUE_PREFIX, Bench, hit, id_for, redis_queue


class Ear:
    """A listener that runs, and what it heard."""

    def __init__(self, server: LocalServer, endpoint: str = ENDPOINT, user: str = "") -> None:
        settings = Settings(redis_url=server.url, redis_username=user, redis_password=user)
        self.listener = Listener(async_client(settings, pool=1), QUEUE_PREFIX, endpoint)
        self.heard = asyncio.Queue[None]()
        self.listener.on_wake = lambda: self.heard.put_nowait(None)
        self.task = asyncio.create_task(self.listener.run())

    async def ready(self, *, listening: bool = True) -> None:
        """Wait until it listens, or does not."""
        async with asyncio.timeout(10):
            while self.listener.listening is not listening:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        """End it."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.fixture
async def ear(redis_bench: Bench, server: LocalServer) -> AsyncIterator[Ear]:
    """A listener of the bench's queue."""
    found = Ear(server)
    await found.ready()
    redis_bench.queue.wakes = lambda: found.listener.listening
    yield found
    await found.close()


async def words(client: Redis) -> int:
    """How many words the server was given to pass on so far."""
    stats = await client.info("commandstats")
    return int(stats.get("cmdstat_publish", {"calls": 0})["calls"])


async def commands(client: Redis) -> int:
    """Commands run so far, those inside scripts too."""
    return sum(command["calls"] for command in (await client.info("commandstats")).values())


async def test_what_another_process_accepts_starts_at_once(
    redis_bench: Bench, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "POLL", 3600.0)
    monkeypatch.setattr(sender, "LOOK_ANYWAY", 3600.0)
    async with delivering(redis_bench, start=False) as field:
        ear = Ear(server, field.endpoint)
        ear.listener.on_wake = field.dispatcher.wake
        redis_bench.queue.wakes = lambda: ear.listener.listening
        await ear.ready()
        await field.dispatcher.start()
        elsewhere = async_client(Settings(redis_url=server.url))
        for number in range(5):
            await redis_queue(elsewhere).enqueue(field.endpoint, [page(number)])
            await field.empty()
        await elsewhere.aclose()
        await ear.close()


async def test_only_sleepers_are_told(redis_bench: Bench, ear: Ear) -> None:
    before = await words(redis_bench.client)
    for number in range(3):
        await redis_bench.accept(hit(number, visitor="v"))
    assert await words(redis_bench.client) == before
    # Something is left: whoever claimed looks again.
    await redis_bench.settle_all(await redis_bench.claim(limit=2), Fate.DELIVERED)
    await redis_bench.accept(hit(3, visitor="v"))
    assert await words(redis_bench.client) == before
    await redis_bench.settle_all(await redis_bench.claim(), Fate.DELIVERED)
    # Twice, as by two senders: one word reaches both.
    assert not (await redis_bench.claim()).requests
    assert not (await redis_bench.claim()).requests
    await redis_bench.accept(hit(4))
    await redis_bench.accept(hit(5))
    assert await words(redis_bench.client) == before + 1
    async with asyncio.timeout(10):
        await ear.heard.get()


async def test_who_takes_the_last_that_is_due_may_be_busy_when_the_next_comes(redis_bench: Bench, ear: Ear) -> None:
    before = await words(redis_bench.client)
    await redis_bench.accept(hit(0))
    claim = await redis_bench.claim()
    assert len(claim.requests) == 1
    await redis_bench.accept(hit(1))
    assert await words(redis_bench.client) == before + 1
    async with asyncio.timeout(10):
        await ear.heard.get()


async def test_who_cannot_listen_leaves_no_mark(redis_bench: Bench) -> None:
    claim = await redis_bench.claim()
    assert not claim.wakes
    before = await words(redis_bench.client)
    await redis_bench.accept(hit(1))
    assert await words(redis_bench.client) == before


async def test_another_endpoints_word_is_no_concern(redis_bench: Bench, ear: Ear, server: LocalServer) -> None:
    other = Ear(server, "https://elsewhere.example/matomo.php")
    await other.ready()
    await redis_bench.claim()
    await redis_bench.accept(hit(1))
    async with asyncio.timeout(10):
        await ear.heard.get()
    assert other.heard.empty()
    await other.close()


async def test_looking_into_an_idle_queue_costs_next_to_nothing(redis_bench: Bench, ear: Ear) -> None:
    await redis_bench.accept(hit(0))
    await redis_bench.settle_all(await redis_bench.claim(), Fate.DELIVERED)
    await redis_bench.claim()
    before = await commands(redis_bench.client)
    for _ in range(10):
        assert (await redis_bench.claim()).wakes
    # The script's call and its own commands; one INFO.
    assert (await commands(redis_bench.client) - before - 1) / 10 <= 8


async def test_a_lost_connection_wakes_sleepers_and_is_made_again(
    redis_bench: Bench, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "RECONNECT", 0.05)
    await redis_bench.client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    async with asyncio.timeout(10):
        await ear.heard.get()
    await ear.ready()
    await redis_bench.claim()
    await redis_bench.accept(hit(1))
    async with asyncio.timeout(10):
        await ear.heard.get()


async def test_a_server_that_hangs_is_noticed(
    redis_bench: Bench, ear: Ear, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "PATIENCE", 0.05)
    server.send(signal.SIGSTOP)
    try:
        await ear.ready(listening=False)
    finally:
        server.send(signal.SIGCONT)
    await ear.ready()


async def test_a_user_without_the_channel_looks_for_himself_and_is_told_once(
    redis_bench: Bench, server: LocalServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listening, "NOT_ALLOWED", 0.02)
    client = redis_bench.client
    await client.execute_command("ACL", "SETUSER", "deaf", "on", ">deaf", "~*", "+@all", "resetchannels")
    try:
        with caplog.at_level(logging.WARNING):
            ear = Ear(server, user="deaf")
            for _ in range(3):
                async with asyncio.timeout(10):
                    await ear.heard.get()
            assert not ear.listener.listening
            await ear.close()
        assert [record.name for record in caplog.records] == [listening.__name__]
        # Nor may this user say a word; what he accepts is accepted all the same.
        own = async_client(Settings(redis_url=server.url, redis_username="deaf", redis_password="deaf"))
        redis_bench.queue.wakes = lambda: True
        await redis_bench.claim()
        answers = await redis_queue(own).enqueue(ENDPOINT, [hit(1)])
        assert answers[0].id
        await own.aclose()
    finally:
        await client.execute_command("ACL", "DELUSER", "deaf")


async def heard_once(ear: Ear) -> None:
    async with asyncio.timeout(10):
        await ear.heard.get()


async def fall_asleep(bench: Bench) -> None:
    assert not (await bench.claim()).requests


async def test_a_retry_wakes_sleepers_with_one_word(redis_bench: Bench, ear: Ear) -> None:
    ids = await redis_bench.accept(*[hit(number, visitor="one") for number in range(3)])
    await redis_bench.settle_all(await redis_bench.claim(), Fate.DEAD, error="400")
    await fall_asleep(redis_bench)
    before = await words(redis_bench.client)
    assert (await redis_bench.queue.retry(ids)).done == 3
    assert await words(redis_bench.client) == before + 1
    await heard_once(ear)
    assert (await redis_bench.queue.retry(ids)).done == 0
    assert await words(redis_bench.client) == before + 1


async def test_what_memory_hands_over_wakes_sleepers(redis_bench: Bench, ear: Ear) -> None:
    await fall_asleep(redis_bench)
    before = await words(redis_bench.client)
    adopted = [Adopted(id_for(hit(number)), hit(number), ENDPOINT, 1.0) for number in range(3)]
    await redis_bench.queue.adopt(adopted)
    await heard_once(ear)
    await redis_bench.queue.adopt(adopted)
    assert await words(redis_bench.client) == before + 1


async def test_an_opened_gate_wakes_those_who_wait_behind_it(redis_bench: Bench, ear: Ear) -> None:
    await redis_bench.accept(hit(1))
    before = await words(redis_bench.client)
    await redis_bench.queue.open_gate(ENDPOINT)
    assert await words(redis_bench.client) == before, "it was open"
    await redis_bench.queue.close_gate(ENDPOINT, GateKind.BREAKER, seconds=600, reason="503")
    assert not (await redis_bench.claim()).requests
    await redis_bench.queue.open_gate(ENDPOINT)
    assert await words(redis_bench.client) == before + 1
    await heard_once(ear)
