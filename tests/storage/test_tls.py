"""TLS with an authority of our own, client certificates and ACL users; and what a failed handshake means.

The servers at hand are built without TLS: a proxy of ours speaks it for them.
"""

from __future__ import annotations

import asyncio
import datetime
import shutil
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from opalmind_tui.engine.engine import Engine
from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.connection import address, async_client, sync_client
from opalmind_tui.storage.local_server import LocalServer, free_port
from opalmind_tui.storage.tls import speaks_tls
from opalmind_tui.storage.trouble import TROUBLES, trouble
from tests.storage.test_trouble import kind_of
from tests.support.servers import Product, running
from tests.support.tls_front import HOST, Authority, tls_before

SECRET = "correct-horse"
YESTERDAY = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture(scope="module")
def behind(any_product: Product) -> Iterator[LocalServer]:
    with running(any_product) as server:
        yield server


def settings_of(port: int, authority: Authority) -> Settings:
    return Settings(redis_url=f"rediss://{HOST}:{port}/0", redis_tls_ca=authority.file)


def kind_of_blocking(settings: Settings) -> str:
    with closing(sync_client(settings)) as client:
        try:
            client.ping()
        except TROUBLES as error:
            return trouble(error).kind
    return ""


async def both(settings: Settings) -> str:
    """What trouble both kinds of client meet."""
    found, _, _ = await kind_of(settings)
    assert await asyncio.to_thread(kind_of_blocking, settings) == found
    return found


async def test_an_authority_of_our_own_and_an_acl_user(behind: LocalServer, authority: Authority) -> None:
    admin = sync_client(Settings(redis_url=behind.url))
    admin.execute_command("ACL", "SETUSER", "opalmind", "on", f">{SECRET}", "~opalmind:*", "+@all")
    with tls_before(behind.port, authority.server(HOST)) as port:
        settings = replace(settings_of(port, authority), redis_username="opalmind", redis_password=SECRET)
        assert await both(settings) == ""
        assert await both(replace(settings, redis_password="wrong")) == "auth"
        assert (await kind_of(settings, "SET", "other", "1"))[0] == "permission"
        async with Engine(settings, role="dashboard") as engine:
            snapshot = await engine.take_snapshot()
        assert snapshot.store.reason == ""
        assert snapshot.store.address == f"tls {HOST}:{port}/0"
    admin.execute_command("ACL", "DELUSER", "opalmind")
    admin.close()


async def test_client_certificates(behind: LocalServer, authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.client()
    with tls_before(behind.port, authority.server(HOST, wants_client=True)) as port:
        settings = settings_of(port, authority)
        assert await both(replace(settings, redis_tls_cert=certificate, redis_tls_key=key)) == ""
        assert await both(settings) == "tls-client"
        stranger, strange_key = Authority(tmp_path).client("stranger@example.org")
        assert await both(replace(settings, redis_tls_cert=stranger, redis_tls_key=strange_key)) == "tls-client"
        assert await both(replace(settings, redis_tls_cert=certificate, redis_tls_key=strange_key)) == "tls-files"


def unknown(mine: Authority, other: Authority) -> ssl.SSLContext:
    return other.server(HOST)


def another_host(mine: Authority, other: Authority) -> ssl.SSLContext:
    return mine.server("redis.example.org")


def expired(mine: Authority, other: Authority) -> ssl.SSLContext:
    return mine.server(HOST, not_after=YESTERDAY)


def old_protocol(mine: Authority, other: Authority) -> ssl.SSLContext:
    context = mine.server(HOST)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize(
    ("show", "kind"),
    [(unknown, "tls-unknown-ca"), (another_host, "tls-host"), (expired, "tls-expired"), (old_protocol, "tls")],
)
async def test_certificates_that_will_not_do(
    behind: LocalServer,
    authority: Authority,
    tmp_path: Path,
    show: Callable[[Authority, Authority], ssl.SSLContext],
    kind: str,
) -> None:
    with tls_before(behind.port, show(authority, Authority(tmp_path))) as port:
        assert await both(settings_of(port, authority)) == kind


async def test_a_connection_that_is_closed_in_the_handshake(authority: Authority) -> None:
    """As by a server that restarts: no mistake of ours, and memory may take over."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with await asyncio.start_server(hang_up, HOST, 0) as server:
        settings = settings_of(server.sockets[0].getsockname()[1], authority)
        assert await kind_of(settings) == ("tls-closed", True, False)
    async with await asyncio.start_server(hang_up, HOST, 0, ssl=authority.server(HOST)) as server:
        settings = settings_of(server.sockets[0].getsockname()[1], authority)
        assert await kind_of(settings) == ("tls-closed", True, False)


async def test_where_an_authority_is_given_no_other_counts(behind: LocalServer, authority: Authority) -> None:
    """Without one, those of the system do: ours is not among them."""
    with tls_before(behind.port, authority.server(HOST)) as port:
        assert await both(replace(settings_of(port, authority), redis_tls_ca="")) == "tls-unknown-ca"


async def test_one_side_speaks_tls_and_the_other_does_not(behind: LocalServer, authority: Authority) -> None:
    assert await both(settings_of(behind.port, authority)) == "tls-plain"
    with tls_before(behind.port, authority.server(HOST, wants_client=True)) as port:
        assert await both(Settings(redis_url=f"redis://{HOST}:{port}/0")) == "tls-wanted"
    assert not speaks_tls(HOST, behind.port)
    assert not speaks_tls(HOST, free_port())


async def test_files_that_cannot_be_used(behind: LocalServer, authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.client()
    junk = tmp_path / "junk.pem"
    junk.write_text("no PEM")
    with tls_before(behind.port, authority.server(HOST)) as port:
        settings = settings_of(port, authority)
        for changed in (
            {"redis_tls_ca": str(junk)},
            {"redis_tls_ca": str(tmp_path / "gone.pem")},
            {"redis_tls_cert": str(junk), "redis_tls_key": key},
            {"redis_tls_cert": certificate, "redis_tls_key": str(tmp_path / "gone.key")},
        ):
            assert await both(replace(settings, **changed)) == "tls-files"


async def test_renewed_files_count_from_the_next_connection_on(
    behind: LocalServer, authority: Authority, tmp_path: Path
) -> None:
    file = tmp_path / "shown.pem"
    shutil.copy(Authority(tmp_path).file, file)
    with tls_before(behind.port, authority.server(HOST)) as port:
        client = async_client(replace(settings_of(port, authority), redis_tls_ca=str(file)))
        with pytest.raises(TROUBLES):
            await client.ping()
        shutil.copy(authority.file, file)
        assert await client.ping()
        await client.aclose()


async def test_sentinels_by_tls(behind: LocalServer, authority: Authority) -> None:
    """A stand-in answers for the sentinel: a real one would have to speak TLS with the servers, too."""

    def bulks(*texts: str) -> bytes:
        return b"*%d\r\n" % len(texts) + b"".join(b"$%d\r\n%s\r\n" % (len(text), text.encode()) for text in texts)

    with tls_before(behind.port, authority.server(HOST)) as port:

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            state = ("flags", "master", "ip", HOST, "port", str(port), "config-epoch", "1")
            while data := await reader.read(4096):
                asked = data.upper()
                answer = bulks(*state) if b"\r\nMASTER\r\n" in asked else b"+OK\r\n"
                writer.write(bulks(HOST, str(port)) if b"GET-MASTER-ADDR" in asked else answer)
            writer.close()

        async with await asyncio.start_server(serve, HOST, 0, ssl=authority.server(HOST)) as sentinel:
            node = (HOST, sentinel.sockets[0].getsockname()[1])
            settings = Settings(redis_tls=True, redis_tls_ca=authority.file, sentinels=(node,), sentinel_master="shop")
            assert await kind_of(settings) == ("", False, False)
            assert str(address(settings)) == f"tls shop {HOST}:{port}/0"
            assert (await kind_of(replace(settings, redis_tls_ca="")))[0] == "sentinel-tls"
            assert (await kind_of(replace(settings, redis_tls=False)))[0] == "sentinel-tls"
