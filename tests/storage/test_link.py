"""The link notices that a server goes away, comes back, is full or refuses writes."""

from __future__ import annotations

import asyncio

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.link import RedisLink
from opalmind_tui.storage.trouble import trouble_of_kind
from tests.support.servers import Product, running


async def test_down_and_up_again(any_product: Product) -> None:
    with running(any_product) as server:
        client = async_client(Settings(redis_url=server.url), timeout=0.5)
        link = RedisLink(client, probe_key="opalmind:stats:probe")
        changes: list[bool] = []
        link.on_change(lambda: changes.append(link.writable))
        assert await link.probe()
        server.kill()
        assert not await link.probe()
        assert not link.reachable
        server.start()
        watching = asyncio.create_task(link.watch())
        up = asyncio.Event()
        link.on_change(up.set)
        await asyncio.wait_for(up.wait(), 10)
        watching.cancel()
        await client.aclose()
        assert changes == [False, True]


async def test_a_full_server_stays_reachable(any_product: Product) -> None:
    with running(any_product) as server:
        client = async_client(Settings(redis_url=server.url))
        link = RedisLink(client, probe_key="opalmind:stats:probe")
        await client.config_set("maxmemory", "1")
        assert not await link.probe()
        assert link.trouble is not None
        assert link.trouble.kind == "oom"
        assert link.reachable
        await client.config_set("maxmemory", "0")
        assert await link.probe()
        await client.aclose()


async def test_a_read_only_process_writes_no_probe(any_product: Product) -> None:
    with running(any_product) as server:
        client = async_client(Settings(redis_url=server.url))
        assert await RedisLink(client).probe()
        assert await client.dbsize() == 0
        await client.aclose()


async def test_since_tells_when_the_trouble_began() -> None:
    now = 100.0
    link = RedisLink(None, clock=lambda: now)  # type: ignore[arg-type]
    now = 200.0
    link.report(trouble_of_kind("refused"))
    now = 300.0
    link.report(trouble_of_kind("loading"))
    assert link.since == 200.0
    assert link.trouble is not None
    assert link.trouble.kind == "loading"


async def test_an_error_reply_is_no_outage() -> None:
    link = RedisLink(None)  # type: ignore[arg-type]
    link.report(StoreUnavailable("reply", "Redis answered with an error", ""))
    assert link.writable
