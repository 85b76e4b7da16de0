"""Clients for the servers of these tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
import redis
from redis.asyncio import Redis

from opalmind_tui.settings import load_settings
from opalmind_tui.storage.connection import async_client, sync_client
from opalmind_tui.storage.local_server import LocalServer


@pytest.fixture
async def client(server: LocalServer) -> AsyncIterator[Redis]:
    """A client of the server, as the engine has it."""
    connection = async_client(load_settings({"REDIS_URL": server.url}))
    yield connection
    await connection.aclose()


@pytest.fixture
def admin(server: LocalServer) -> Iterator[redis.Redis]:
    """A blocking client that prepares what a test needs."""
    with sync_client(load_settings({"REDIS_URL": server.url}), timeout=10) as connection:
        yield connection


Limit = Callable[..., Awaitable[Redis]]


@pytest.fixture
async def limit(server: LocalServer, admin: redis.Redis) -> AsyncIterator[Limit]:
    """Makes the client of a user who may do everything but the named commands."""
    clients: list[Redis] = []

    async def limited_client(*denied: str) -> Redis:
        rules = [f"-{name}" for name in denied]
        admin.execute_command("ACL", "SETUSER", "limited", "on", ">pw", "~*", "&*", "+@all", *rules)
        url = server.url.replace("redis://", "redis://limited:pw@")
        clients.append(async_client(load_settings({"REDIS_URL": url})))
        return clients[-1]

    yield limited_client
    for connection in clients:
        await connection.aclose()
    admin.execute_command("ACL", "DELUSER", "limited")
