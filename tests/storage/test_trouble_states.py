"""States of a real server that refuse commands: each has its own sentence and remedy, at the start and mid-run."""

from __future__ import annotations

import asyncio
import signal
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import redis

from opalmind_tui.engine.engine import Engine
from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.connection import COMMAND_TIMEOUT, CONNECT_TIMEOUT
from opalmind_tui.storage.local_server import LocalServer, free_port
from opalmind_tui.storage.trouble_table import KINDS
from tests.storage.test_trouble import kind_of
from tests.support.servers import Product, running

PROTECTED = (
    b"-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the "
    b"default user. In this mode connections are only accepted from the loopback interface.\r\n"
)


def settings_of(server: LocalServer) -> Settings:
    return Settings(redis_url=server.url, matomo_base_url="http://127.0.0.1:9/", matomo_token="t" * 32)


def test_every_trouble_has_its_own_sentence_and_a_remedy() -> None:
    sentences = [kind.sentence for kind in KINDS.values()]
    assert len(set(sentences)) == len(sentences)
    assert all(kind.remedy for kind in KINDS.values())
    # A server that hangs is named within two seconds.
    assert max(CONNECT_TIMEOUT, COMMAND_TIMEOUT) < 2.0


# -- states ------------------------------------------------------------------------------------------------------------


@contextmanager
def loading(product: Product) -> Iterator[LocalServer]:
    """A server that takes long to load its data."""
    with running(product, extra=("--save", "")) as server:
        with redis.Redis.from_url(server.url) as client:
            with client.pipeline(transaction=False) as pipe:
                for number in range(3000):
                    pipe.set(f"key:{number}", "x" * 50)
                pipe.execute()
            client.save()
        server.kill()
        slowly = ("--key-load-delay", "1500", "--loading-process-events-interval-bytes", "1024")
        server.extra = (*server.extra, *slowly)
        started = threading.Thread(target=server.start)
        started.start()
        wait(server.answers)
        yield server
        started.join(60)


@contextmanager
def full(product: Product) -> Iterator[LocalServer]:
    with running(product, extra=("--maxmemory", "1")) as server:
        yield server


@contextmanager
def replica(product: Product) -> Iterator[LocalServer]:
    with running(product) as primary, running(product, extra=("--replicaof", "127.0.0.1", str(primary.port))) as server:
        yield server


@contextmanager
def cannot_save(product: Product) -> Iterator[LocalServer]:
    with running(product, extra=("--save", "3600 1")) as server:
        with redis.Redis.from_url(server.url) as client:
            place = server.folder / client.config_get("dbfilename")["dbfilename"]
            place.unlink(missing_ok=True)
            place.mkdir()
            (place / "x").touch()
            client.set("changed", "1")
            client.bgsave()
            wait(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")
        yield server


@contextmanager
def cluster_without_slots(product: Product) -> Iterator[LocalServer]:
    assert product.binary is not None
    # Nodes speak with each other on a port that is 10,000 higher.
    port = next(port for port in iter(free_port, None) if port < 55_000)
    with tempfile.TemporaryDirectory(prefix="opm-") as folder:
        server = LocalServer(product.binary, Path(folder), port=port, extra=("--cluster-enabled", "yes"))
        server.start()
        yield server
        server.stop()


@contextmanager
def crowded(product: Product) -> Iterator[LocalServer]:
    """A server whose connections are all taken."""
    with running(product, extra=("--maxclients", "3")) as server:
        held = [redis.Redis.from_url(server.url, max_connections=1) for _ in range(3)]
        for client in held:
            client.ping()
        yield server
        for client in held:
            client.close()


@contextmanager
def locked(product: Product) -> Iterator[LocalServer]:
    with running(product, extra=("--requirepass", "correct-horse")) as server:
        yield server


@contextmanager
def hanging(product: Product) -> Iterator[LocalServer]:
    with running(product) as server:
        server.send(signal.SIGSTOP)
        yield server
        server.send(signal.SIGCONT)


@contextmanager
def busy(product: Product) -> Iterator[LocalServer]:
    """A server in which a script does not end."""
    with running(product, extra=("--lua-time-limit", "50")) as server:
        caller = redis.Redis.from_url(server.url, socket_timeout=0.2)
        with pytest.raises(redis.RedisError):
            caller.eval("while true do end", 0)
        yield server
        with redis.Redis.from_url(server.url) as client:
            client.script_kill()


def wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


STATES = {
    "loading": loading, "oom": full, "readonly": replica, "misconf": cannot_save, "cluster-down": cluster_without_slots,
    "max-clients": crowded, "no-auth": locked, "timeout": hanging, "busy": busy,
}  # fmt: skip


@pytest.mark.parametrize("kind", STATES)
async def test_at_the_start(any_product: Product, kind: str) -> None:
    with STATES[kind](any_product) as server:
        engine = Engine(settings_of(server), role="dashboard")
        try:
            await engine.start()
            snapshot = await engine.take_snapshot()
        finally:
            await engine.stop()
    assert snapshot.store.reason == KINDS[kind].sentence
    assert snapshot.store.remedy == KINDS[kind].remedy
    assert KINDS[kind].sentence in snapshot.cause


# -- mid-run -----------------------------------------------------------------------------------------------------------


def fill(server: LocalServer) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", "1")


def refuse_passwords(server: LocalServer) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.config_set("requirepass", "new-secret")
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def take_rights(server: LocalServer) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.execute_command("ACL", "SETUSER", "default", "resetkeys", "~shop:*")


def demote(server: LocalServer) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.replicaof("127.0.0.1", str(server.port))


MID_RUN: dict[str, Callable[[LocalServer], object]] = {
    "oom": fill,
    "no-auth": refuse_passwords,
    "permission": take_rights,
    "timeout": lambda server: server.send(signal.SIGSTOP),
    "refused": lambda server: server.kill(),
}


@pytest.mark.parametrize("kind", MID_RUN)
async def test_mid_run(any_product: Product, kind: str) -> None:
    with running(any_product) as server:
        engine = Engine(settings_of(server), role="dashboard")
        await engine.start()
        try:
            assert not (await engine.take_snapshot()).store.reason
            MID_RUN[kind](server)
            async with asyncio.timeout(30):
                while (snapshot := await engine.take_snapshot()).store.reason != KINDS[kind].sentence:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        finally:
            server.send(signal.SIGCONT)
            await engine.stop()
    assert snapshot.store.remedy == KINDS[kind].remedy
    assert "new-secret" not in str(snapshot)


# -- what no server of ours can be brought into ------------------------------------------------------------------------


@asynccontextmanager
async def stranger(greeting: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Something that says one thing to whoever connects."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_protected_mode() -> None:
    """A server that listens on loopback only is never in protected mode towards us."""
    async with stranger(PROTECTED) as port:
        assert (await kind_of(Settings(redis_host="127.0.0.1", redis_port=port)))[:2] == ("protected", False)


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    """A certificate that nobody trusts."""
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
            "-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]  # fmt: skip
    try:
        subprocess.run(made, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no openssl program to make a certificate with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    return context


async def test_a_certificate_that_is_not_trusted(certificate: ssl.SSLContext) -> None:
    async with stranger(b"+PONG\r\n", certificate) as port:
        settings = Settings(redis_host="127.0.0.1", redis_port=port, redis_tls=True)
        assert (await kind_of(settings))[:2] == ("tls", False)
