"""Run-time configuration, audit and presence, shared through a real server."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.audit import OLDEST, AuditView
from opalmind_tui.storage.audit import Audit
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.link import RedisLink
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.storage.presence import MOST, Presence
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
    await there.set("ttl:reports", "", "ben")
    await here.refresh()
    assert here.get("ttl:reports") is None
    found = here.details("ttl:reports")
    assert found is not None
    assert (found.by, found.former) == ("ben", "300")


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


KEY = "opalmind:stats:presence"
MATOMO = "https://matomo.example.org/matomo.php"


def one(client: Redis, role: str = "worker", user: str = "ann") -> Presence:
    return Presence(client, KEY, role=role, user=user, version="1", endpoint=MATOMO)


async def test_each_process_says_what_it_is_and_holds(client: Redis) -> None:
    worker, dashboard = one(client), one(client, "dashboard", "\x1b[31mbob")
    await worker.announce(delivers=True, claims=2, requests=150)
    await dashboard.announce(delivers=False)
    first, second = await dashboard.processes()
    assert (first.role, first.user, first.delivers, first.claims, first.requests) == ("worker", "ann", True, 2, 150)
    assert (first.host, first.pid, first.version) == (platform.node(), os.getpid(), "1")
    assert (first.endpoint, first.here, second.here) == (MATOMO, False, True)
    assert (second.role, second.user, second.delivers) == ("dashboard", "\x1b[31mbob", False)
    assert all(0 <= process.age < 15 for process in (first, second))
    await worker.announce(delivers=False)
    assert [process.delivers for process in await worker.processes()] == [False, False]
    await dashboard.leave()
    assert [process.role for process in await worker.processes()] == ["worker"]
    assert await client.zcard(KEY) == 1


async def test_who_is_silent_for_15_seconds_is_gone(client: Redis) -> None:
    killed, living = one(client), one(client)
    await killed.announce(delivers=True)
    await living.announce(delivers=True)
    assert len(await living.processes()) == 2
    (member, seen), *_ = await client.zrange(KEY, 0, 0, withscores=True)
    await client.zadd(KEY, {member: seen - 15.1})
    assert len(await living.processes()) == 1


async def test_foreign_announcements_are_none(client: Redis) -> None:
    seconds, _ = await client.time()
    good = b'{"id":"x","host":"h","pid":1,"user":"u","role":"worker","version":"1"}'
    for member in (
        b"\xffnot json", b"[1]", b"{", b'{"id":5}', b'{"id":"a","pid":"1"}', b'{"id":"b","pid":-1}',
        b'{"id":"c","pid":true}',
        b'{"id":"' + b"d" * 2_000 + b'"}',
    ):  # fmt: skip
        await client.zadd(KEY, {member: seconds})
    await client.zadd(KEY, {good: seconds, good.replace(b'"x"', b'"ahead"'): seconds + 3600})
    assert [process.id for process in await one(client).processes()] == ["x"]


async def test_the_list_is_bounded(client: Redis) -> None:
    seconds, _ = await client.time()
    await client.zadd(KEY, {f'{{"id":"{number}"}}': seconds for number in range(MOST + 50)})
    assert len(await one(client).processes()) == MOST


async def test_presence_forgets_the_dead(client: Redis) -> None:
    await client.zadd(KEY, {b'{"delivers":true}': 1000})
    living = one(client)
    assert await living.processes() == ()
    await living.announce(delivers=True)
    assert await client.zcard(KEY) == 1


async def test_the_trail_is_read_in_windows(client: Redis) -> None:
    origin = {"login": "root", "client": "10.0.0.5", "host": "bastion"}
    audit = Audit(client, RedisLink(client), "opalmind:stats:audit", clock=lambda: 5.0, origin=origin)
    for number in range(40):
        await audit.write(by="ann", act="purge", what=f"Act {number}", outcome="done", done=number)
    first = await audit.page(AuditView(rows=10))
    assert [entry.what for entry in first.entries] == [f"Act {number}" for number in range(39, 29, -1)]
    assert (first.total, first.newest, first.oldest) == (40, True, False)
    assert (first.entries[0].who, first.entries[0].done) == ("ann (root, from 10.0.0.5)", 39)
    middle = await audit.page(AuditView(first.entries[-1].id, above=3, rows=5))
    assert [entry.what for entry in middle.entries] == [f"Act {number}" for number in range(33, 25, -1)]
    assert (middle.newest, middle.oldest) == (False, False)
    last = await audit.page(AuditView(OLDEST, rows=4))
    assert [entry.what for entry in last.entries] == ["Act 3", "Act 2", "Act 1", "Act 0"]
    assert (last.newest, last.oldest) == (False, True)
    whole = await audit.page(AuditView(last.entries[-1].id, above=60, rows=9))
    assert (len(whole.entries), whole.newest, whole.oldest) == (40, True, True)
    # What is no id of the stream means the newest.
    assert (await audit.page(AuditView("0-0 (", rows=2))).entries == first.entries[:2]


async def test_a_window_costs_the_same_on_a_long_trail(client: Redis) -> None:
    audit = Audit(client, RedisLink(client), "opalmind:stats:audit")
    add = "for n = 1, 9000 do redis.call('XADD', KEYS[1], '*', 'by', string.rep('x', 50), 'at', n) end"
    await client.eval(add, 1, "opalmind:stats:audit")
    await client.config_resetstat()
    found = await audit.page(AuditView((await audit.newest(4_000))[-1].id, above=20, rows=20))
    assert len(found.entries) == 40
    stats = await client.info("commandstats")
    assert sum(one["calls"] for name, one in stats.items() if name.startswith("cmdstat_x")) == 4
