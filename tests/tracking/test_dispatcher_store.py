"""A real server that dies, comes back, freezes or fills up under a running dispatcher: nothing is sent twice (I6)."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator

import pytest

from opalmind_tui.demo.matomo import Behaviour
from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tracking import dispatcher, duties, sender
from opalmind_tui.tracking.extenders import redis_extender
from tests.support.servers import Product, running
from tests.tracking.conftest import client_of
from tests.tracking.delivery import Delivery, delivering, page
from tests.tracking.queue_harness import Bench, redis_queue


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits."""
    monkeypatch.setattr(sender, "POLL", 0.02)
    monkeypatch.setattr(sender, "STORE_WAIT", 0.05)
    monkeypatch.setattr(duties, "LONGEST_WAIT", 0.2)
    monkeypatch.setattr(dispatcher, "REAP_EVERY", 0.1)


@pytest.fixture
async def own(any_product: Product) -> AsyncIterator[tuple[LocalServer, Bench]]:
    """A server that a test may kill, with its data kept, and a queue on it."""
    with running(any_product, persistent=True) as server:
        client = client_of(server)
        yield server, Bench("redis", redis_queue(client), client=client)
        await client.aclose()


def extender(server: LocalServer):
    return redis_extender(Settings(redis_url=server.url))


async def all_once(field: Delivery, number: int) -> None:
    """Everything is delivered, and was stored once."""
    await field.until(lambda: field.matomo.journal.stored >= number)
    await field.empty()
    assert set(field.stored().values()) == {1}
    assert len(field.stored()) == number
    counts = await field.counts()
    assert (counts.delivered, counts.ledger_difference) == (number, 0)
    assert field.dispatcher.stats().owed == 0


async def test_killed_while_matomo_answers(own: tuple[LocalServer, Bench]) -> None:
    server, bench = own
    async with delivering(bench, extend=extender(server), max_bulk=20) as field:
        await field.matomo.behave(Behaviour(latency=0.2))
        # What is accepted has to outlive the kill.
        assert bench.client is not None
        await bench.client.config_set("appendfsync", "always")
        await field.accept(*[page(number) for number in range(160)])
        await field.until(lambda: field.matomo.requests >= 1)
        server.kill()
        await field.until(lambda: field.dispatcher.stats().owed > 0)
        server.start()
        await all_once(field, 160)
        assert (await field.counts()).unknown == 0


async def test_frozen_while_matomo_answers(own: tuple[LocalServer, Bench]) -> None:
    server, bench = own
    async with delivering(bench, extend=extender(server), lease=1.0, max_bulk=20) as field:
        await field.matomo.behave(Behaviour(latency=0.2))
        await field.accept(*[page(number) for number in range(60)])
        await field.until(lambda: field.matomo.requests >= 1)
        server.send(signal.SIGSTOP)
        try:
            # The leases of what was posted run out meanwhile.
            await field.until(lambda: field.dispatcher.stats().owed > 0)
        finally:
            server.send(signal.SIGCONT)
        await all_once(field, 60)


async def test_full_while_matomo_answers(own: tuple[LocalServer, Bench]) -> None:
    """At the memory limit the queue drains: what was delivered can be settled."""
    server, bench = own
    assert bench.client is not None
    async with delivering(bench, extend=extender(server), max_bulk=20, start=False) as field:
        await field.accept(*[page(number) for number in range(100)])
        await bench.client.config_set("maxmemory", "1mb")
        await field.dispatcher.start()
        await all_once(field, 100)
