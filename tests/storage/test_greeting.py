"""What a new connection says: whose it is, and nothing that nobody asked for."""

from __future__ import annotations

import os

import pytest
import redis.utils

from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.connection import async_client, sync_client
from opalmind_tui.storage.local_server import LocalServer


@pytest.fixture
def no_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def version() -> str:
        raise AssertionError("the library's version was looked up")

    monkeypatch.setattr(redis.utils, "get_lib_version", version)


def is_named(connections: list[dict[str, str]]) -> None:
    """The one connection bears our name and no library's; an old server says nothing of libraries."""
    (one,) = [found for found in connections if found["cmd"].startswith("client")]
    assert one["name"] == f"opalmind-tui-{os.getpid()}"
    assert one.get("lib-name", "") == one.get("lib-ver", "") == ""


async def test_a_connection_bears_our_name(server: LocalServer, no_look_up: None) -> None:
    client = async_client(Settings(redis_url=server.url))
    try:
        is_named(await client.client_list())
    finally:
        await client.aclose()


def test_a_blocking_connection_bears_our_name(server: LocalServer, no_look_up: None) -> None:
    with sync_client(Settings(redis_url=server.url)) as client:
        is_named(client.client_list())
