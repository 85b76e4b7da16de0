"""The proxy itself: a command whose reply is lost ran, one that is dropped did not."""

from __future__ import annotations

import asyncio

import pytest
import redis.asyncio

from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.local_server import LocalServer
from tests.support.proxy import Command, Fault, Proxy, proxied


def client_of(proxy: Proxy) -> redis.asyncio.Redis:
    return async_client(Settings(redis_url=proxy.url))


@pytest.mark.parametrize(
    ("fault", "ran"),
    [(Fault.DROP_REPLY, True), (Fault.CUT_REPLY, True), (Fault.DROP_COMMAND, False)],
)
async def test_a_lost_reply_belongs_to_a_command_that_ran(server: LocalServer, fault: Fault, *, ran: bool) -> None:
    def first_incr(command: Command) -> Fault | None:
        return fault if command.name == "INCRBY" and not proxy.done[fault] else None

    async with proxied(server.port, first_incr) as proxy:
        client = client_of(proxy)
        with pytest.raises(redis.exceptions.ConnectionError):
            await client.incr("n")
        assert await client.get("n") == (b"1" if ran else None)
        await client.aclose()


async def test_all_kinds_of_replies_go_through(server: LocalServer) -> None:
    async with proxied(server.port) as proxy:
        client = client_of(proxy)
        lua = "return {1, 'two\\r\\n', {}, false, {3, {4}}, redis.error_reply('five')}"
        found = await client.eval(lua, 0)
        assert found[:5] == [1, b"two\r\n", [], None, [3, [4]]]
        assert await client.get("none") is None
        with pytest.raises(redis.exceptions.ResponseError):
            await client.eval("error('no')", 0)
        await client.set("large", b"x" * 300_000)
        assert await client.get("large") == b"x" * 300_000
        await client.aclose()


async def test_subscribers_hear_through_it(server: LocalServer) -> None:
    async with proxied(server.port) as proxy:
        client = client_of(proxy)
        listener = client.pubsub()
        await listener.subscribe("news")
        async with asyncio.timeout(10):
            assert await client.publish("news", "hello") == 1
            while True:
                found = await listener.get_message(timeout=5)
                if found and found["type"] == "message":
                    break
        assert found["data"] == b"hello"
        await listener.aclose()  # type: ignore[no-untyped-call]
        await client.aclose()


async def test_frozen_it_answers_nobody_and_then_everybody(server: LocalServer) -> None:
    async with proxied(server.port) as proxy:
        client = client_of(proxy)
        await client.ping()
        proxy.freeze()
        asked = asyncio.ensure_future(client.incr("n"))
        done, _ = await asyncio.wait([asked], timeout=0.1)
        assert not done
        proxy.thaw()
        assert await asked == 1
        await client.aclose()
