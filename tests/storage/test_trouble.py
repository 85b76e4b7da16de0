"""Each failure of a real server gets its own sentence, and the right verdict on whether memory may take over."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.connection import address, async_client, sync_client
from opalmind_tui.storage.local_server import LocalServer, free_port
from opalmind_tui.storage.trouble import TROUBLES, trouble
from tests.support.servers import Product, running

SECRET = "correct-horse"


async def kind_of(settings: Settings, *command: str | bytes, timeout: float = 2.0) -> tuple[str, bool, bool]:
    """What trouble a command meets: (kind, falls back, in doubt)."""
    client = async_client(settings, timeout=timeout)
    try:
        await client.execute_command(*(command or ("PING",)))
    except TROUBLES as error:
        found = trouble(error)
        assert SECRET not in str(found)
        return found.kind, found.falls_back, found.in_doubt
    finally:
        await client.aclose()
    return "", False, False


async def test_nobody_listens() -> None:
    assert await kind_of(Settings(redis_host="127.0.0.1", redis_port=free_port())) == ("refused", True, False)


async def test_no_socket(tmp_path: Path) -> None:
    assert await kind_of(Settings(redis_url=f"unix://{tmp_path}/none.sock")) == ("no-socket", True, False)


async def test_name_does_not_resolve() -> None:
    assert (await kind_of(Settings(redis_host="nobody.invalid")))[0] == "dns"


async def test_plain_server_asked_for_tls(server: LocalServer) -> None:
    settings = Settings(redis_host="127.0.0.1", redis_port=server.port, redis_tls=True)
    kind, falls_back, _ = await kind_of(settings)
    assert (kind, falls_back) == ("tls-plain", False)


@pytest.fixture
def locked(any_product: Product):
    with running(any_product, extra=("--requirepass", SECRET)) as server:
        yield server


async def test_passwords(locked: LocalServer) -> None:
    url = locked.url
    assert await kind_of(Settings(redis_url=url)) == ("no-auth", False, False)
    assert await kind_of(Settings(redis_url=url, redis_password="wrong")) == ("auth", False, False)
    assert await kind_of(Settings(redis_url=url, redis_password=SECRET)) == ("", False, False)
    assert await kind_of(Settings(redis_url=url.replace("127", f":{SECRET}@127"))) == ("", False, False)


async def test_database_that_does_not_exist(server: LocalServer) -> None:
    assert (await kind_of(Settings(redis_url=server.url.replace("/0", "/99"))))[:2] == ("database", False)


async def test_full(locked: LocalServer) -> None:
    settings = Settings(redis_url=locked.url, redis_password=SECRET)
    assert await kind_of(settings, "CONFIG", "SET", "maxmemory", "1") == ("", False, False)
    assert await kind_of(settings, "SET", "key", "value") == ("oom", True, False)
    assert (await kind_of(settings, "EVAL", "return redis.call('SET', 'z', 'x')", "0"))[0] == "oom"


async def test_user_without_permission(server: LocalServer) -> None:
    admin = sync_client(Settings(redis_url=server.url))
    admin.execute_command("ACL", "SETUSER", "poor", "on", f">{SECRET}", "~allowed:*", "+get", "+ping")
    try:
        settings = Settings(redis_url=server.url, redis_username="poor", redis_password=SECRET)
        assert (await kind_of(settings, "INFO"))[:2] == ("permission", False)
        assert (await kind_of(settings, "GET", "forbidden"))[:2] == ("permission", False)
    finally:
        admin.execute_command("ACL", "DELUSER", "poor")
        admin.close()


async def test_hanging_and_dying_server(any_product: Product) -> None:
    with running(any_product) as server:
        settings = Settings(redis_url=server.url)
        server.send(signal.SIGSTOP)
        kind, falls_back, in_doubt = await kind_of(settings, timeout=0.2)
        assert (kind, falls_back, in_doubt) == ("timeout", True, True)
        server.send(signal.SIGCONT)
        client = async_client(settings)
        await client.ping()
        waiting = asyncio.create_task(client.execute_command("BLPOP", "nothing", "1"))
        await asyncio.sleep(0.1)
        server.kill()
        with pytest.raises(TROUBLES) as raised:
            await waiting
        assert trouble(raised.value).kind == "closed"
        assert trouble(raised.value).in_doubt
        await client.aclose()


async def test_read_only_replica(any_product: Product) -> None:
    with (
        running(any_product) as primary,
        running(any_product, extra=("--replicaof", "127.0.0.1", str(primary.port))) as replica,
    ):
        kind, falls_back, in_doubt = await kind_of(Settings(redis_url=replica.url), "SET", "a", "b")
        assert (kind, falls_back, in_doubt) == ("readonly", True, False)


async def test_something_else_answers() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    stranger = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with stranger:
        port = stranger.sockets[0].getsockname()[1]
        kind, falls_back, _ = await kind_of(Settings(redis_host="127.0.0.1", redis_port=port))
    assert (kind, falls_back) == ("broken", False)


def test_addresses_hold_no_secret() -> None:
    assert str(address(Settings(redis_url=f"rediss://user:{SECRET}@db.internal:6380/3"))) == "tls db.internal:6380/3"
    assert str(address(Settings(redis_url="unix:///run/redis.sock?db=2"))) == "/run/redis.sock#2"
    assert str(address(Settings(redis_host="::1"))) == "[::1]:6379/0"
    assert str(address(Settings())) == "127.0.0.1:6379/0"
