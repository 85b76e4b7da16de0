"""Run-time configuration, audit and presence, shared through a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.audit import Audit
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.link import RedisLink
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.storage.presence import Presence
from opalmind_tui.storage.runtime_config import RuntimeConfig
from opalmind_tui.storage.trouble import trouble_of_kind

NAMES = ("ttl:reports", "ttl:reports:events", "ttl:idempotency")


@pytest.fixture
async def client(server: LocalServer) -> AsyncIterator[Redis]:
    made = async_client(Settings(redis_url=server.url))
    yield made
    await made.aclose()


def config(client: Redis, link: RedisLink | None = None) -> RuntimeConfig:
    return RuntimeConfig(client, link or RedisLink(client), "opalmind:stats:config", NAMES, clock=lambda: 1000.0)


async def test_a_change_reaches_another_process(client: Redis) -> None:
    here, there = config(client), config(client)
    assert await here.set("ttl:reports", "300", "ann") is True
    await there.refresh()
    assert there.get("ttl:reports") == "300"
    found = there.details("ttl:reports")
    assert found is not None
    assert (found.by, found.at) == ("ann", 1000.0)
    await there.reset("ttl:reports")
    await here.refresh()
    assert here.get("ttl:reports") is None


async def test_foreign_values_are_no_values(client: Redis) -> None:
    for raw in (b"", b"{}", b"true", b"\xff", b'{"value": 5}', b'{"value":"7","at":"x","by":3}'):
        await client.hset("opalmind:stats:config", "ttl:reports", raw)
        found = config(client)
        await found.refresh()
        assert found.get("ttl:reports") in (None, "7")


async def test_without_redis_a_change_holds_for_this_process(client: Redis) -> None:
    link = RedisLink(client)
    link.report(trouble_of_kind("refused"))
    here = config(client, link)
    assert await here.set("ttl:reports", "300", "ann") is False
    assert here.get("ttl:reports") == "300"
    assert await client.exists("opalmind:stats:config") == 0


async def test_audit_waits_while_redis_is_away(client: Redis) -> None:
    link = RedisLink(client)
    audit = Audit(client, link, "opalmind:stats:audit", clock=lambda: 5.0)
    link.report(trouble_of_kind("refused"))
    await audit.write(by="ann", act="purge", what="Purge 3 dead requests", outcome="3 purged")
    assert await client.xlen("opalmind:stats:audit") == 0
    await link.probe()
    await audit.write(by="bob", act="retry", what="Retry 1 request", outcome="1 due again")
    entries = await client.xrange("opalmind:stats:audit", count=10)
    assert [entry[1][b"by"] for entry in entries] == [b"ann", b"bob"]


async def test_acts_at_the_same_time_are_noted_once_each(client: Redis) -> None:
    audit = Audit(client, RedisLink(client), "opalmind:stats:audit")
    await asyncio.gather(*(audit.write(by="ann", act="retry", what=str(at), outcome="done") for at in range(8)))
    entries = await client.xrange("opalmind:stats:audit", count=20)
    assert sorted(int(entry[1][b"what"]) for entry in entries) == list(range(8))


async def test_presence_counts_those_that_deliver(client: Redis) -> None:
    def one(role: str) -> Presence:
        return Presence(client, "opalmind:stats:presence", role=role, user="ann", version="1")

    worker, dashboard = one("worker"), one("dashboard")
    await worker.announce(delivers=True)
    await dashboard.announce(delivers=False)
    await client.zadd("opalmind:stats:presence", {b"\xffnot json": 2e9, b"[1]": 2e9})
    assert await dashboard.delivering() == 1
    await dashboard.announce(delivers=True)
    assert await worker.delivering() == 2
    await dashboard.leave()
    await worker.announce(delivers=False)
    assert await worker.delivering() == 0


async def test_presence_forgets_the_dead(client: Redis) -> None:
    await client.zadd("opalmind:stats:presence", {b'{"delivers":true}': 1000})
    living = Presence(client, "opalmind:stats:presence", role="worker", user="", version="1")
    assert await living.delivering() == 0
    await living.announce(delivers=True)
    assert await client.zcard("opalmind:stats:presence") == 1
