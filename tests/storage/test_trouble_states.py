"""States of a real server that refuse commands: each has its own sentence and remedy, at the start and mid-run."""

from __future__ import annotations

import asyncio
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from opalmind_tui.engine.engine import Engine
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.model import Mode
from opalmind_tui.snapshot.wanted import Wanted
from opalmind_tui.storage.connection import COMMAND_TIMEOUT, CONNECT_TIMEOUT
from opalmind_tui.storage.link import PROBE_EVERY
from opalmind_tui.storage.local_server import LocalServer, free_port
from opalmind_tui.storage.trouble_table import KINDS
from tests.storage.test_trouble import kind_of
from tests.support.servers import Product, running


def settings_of(server: LocalServer) -> Settings:
    return Settings(redis_url=server.url, matomo_base_url="http://127.0.0.1:9/", matomo_token="t" * 32)


def test_every_trouble_has_its_own_sentence_and_a_remedy() -> None:
    sentences = [kind.sentence for kind in KINDS.values()]
    assert len(set(sentences)) == len(sentences)
    assert all(kind.remedy for kind in KINDS.values())
    # A server that hangs is named within two seconds.
    assert max(CONNECT_TIMEOUT, COMMAND_TIMEOUT) < 2.0


STARTER = ThreadPoolExecutor()
"""A server ends with the thread that started it."""


# -- states ------------------------------------------------------------------------------------------------------------


@contextmanager
def loading(product: Product) -> Iterator[LocalServer]:
    """A server that takes long to load its data."""
    with running(product, extra=("--save", "")) as server:
        starting = load_slowly(server)
        yield server
        finish_loading(server, starting)


def load_slowly(server: LocalServer) -> Future[None]:
    """Kill a server, and start it so that it loads its data and answers nothing else; that is what the future waits
    for. `finish_loading` lets it end."""
    with redis.Redis.from_url(server.url) as client:
        with client.pipeline(transaction=False) as pipe:
            for number in range(3000):
                pipe.set(f"key:{number}", "x" * 50)
            pipe.execute()
        client.save()
    server.kill()
    slowly = ("--key-load-delay", "5000", "--loading-process-events-interval-bytes", "1024")
    server.extra = (*server.extra, *slowly)
    starting = STARTER.submit(server.start)
    wait(server.answers)
    return starting


def finish_loading(server: LocalServer, starting: Future[None]) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.config_set("key-load-delay", 0)
    starting.result(60)


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


def wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


FROM_THE_START = {"loading": loading, "cluster-down": cluster_without_slots, "max-clients": crowded}
"""States that a server is best started in; into the others it is brought while it runs."""
AT_THE_START = (
    "loading", "oom", "readonly", "misconf", "cluster-down", "max-clients", "no-auth", "timeout", "busy",
    "too-few-replicas", "master-down",
)  # fmt: skip


@contextmanager
def in_state(product: Product, kind: str) -> Iterator[LocalServer]:
    """A server that is in this state before anybody of ours comes."""
    if kind in FROM_THE_START:
        with FROM_THE_START[kind](product) as server:
            yield server
        return
    with running(product) as server:
        MID_RUN[kind](server)
        try:
            yield server
        finally:
            end(server)


def end(server: LocalServer) -> None:
    """Some of these states let no server end in good order."""
    server.send(signal.SIGCONT)
    server.kill()


@pytest.mark.parametrize("kind", AT_THE_START)
async def test_at_the_start(any_product: Product, kind: str) -> None:
    with in_state(any_product, kind) as server:
        engine = Engine(settings_of(server), role="dashboard")
        try:
            await engine.start()
            snapshot = await engine.take_snapshot()
        finally:
            await engine.stop()
    assert snapshot.store.reason == KINDS[kind].sentence
    assert snapshot.store.remedy == KINDS[kind].remedy
    assert KINDS[kind].sentence in snapshot.cause


@pytest.mark.parametrize("kind", AT_THE_START)
async def test_status_and_worker_at_the_start(any_product: Product, kind: str) -> None:
    with in_state(any_product, kind) as server:
        async with Engine(settings_of(server), role="status") as engine:
            document = await engine.health_document()
        worker = Engine(settings_of(server), role="worker", deliver=True)
        try:
            await worker.start()
            met = worker.queue.mode is Mode.MEMORY
        except StoreUnavailable as error:
            met = error.kind == kind and not error.falls_back
        finally:
            await worker.stop()
    # `status` writes nothing: a server that only refuses writes is healthy to it, or judged by its figures.
    assert KINDS[kind].sentence in str(document) or kind in ONLY_WRITES
    assert met


ONLY_WRITES = ("oom", "readonly", "misconf", "too-few-replicas")


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


def fail_to_save(server: LocalServer) -> None:
    place = server.folder / "dump.rdb"
    place.mkdir()
    (place / "x").touch()
    with redis.Redis.from_url(server.url) as client:
        client.config_set("save", "3600 1")
        client.set("changed", "1")
        client.bgsave()
        wait(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")


def crowd_out(server: LocalServer) -> None:
    """What is connected stays; nobody else gets in, and ours are told to come again."""
    client = redis.Redis.from_url(server.url)
    client.ping()
    client.config_set("maxclients", 1)
    client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def want_replicas(server: LocalServer) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.config_set("min-replicas-to-write", 1)


def orphaned(server: LocalServer) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.config_set("replica-serve-stale-data", "no")
        client.replicaof("127.0.0.1", free_port())


def never_end(server: LocalServer) -> None:
    client = redis.Redis.from_url(server.url, socket_timeout=0.2)
    client.config_set("lua-time-limit", "50")
    with pytest.raises(redis.RedisError):
        client.eval("while true do end", 0)


MID_RUN: dict[str, Callable[[LocalServer], object]] = {
    "oom": fill,
    "no-auth": refuse_passwords,
    "permission": take_rights,
    "readonly": demote,
    "misconf": fail_to_save,
    "max-clients": crowd_out,
    "busy": never_end,
    "too-few-replicas": want_replicas,
    "master-down": orphaned,
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
            # Who refuses writes alone is looked at all the same.
            last = await engine.take_snapshot(Wanted(closer=True))
            assert KINDS[kind].reads is (last.server.error is None and last.redis.error is None), last.server.error
        finally:
            server.send(signal.SIGCONT)
            await engine.stop()
            end(server)
    assert snapshot.store.remedy == KINDS[kind].remedy
    assert "new-secret" not in str(snapshot)


async def test_loading_mid_run_is_told_from_the_first_probe_on_and_ends_by_itself(any_product: Product) -> None:
    # A look each second, and a probe in between: on screen within two.
    assert 1.1 * PROBE_EVERY < 1.0
    with running(any_product) as server:
        async with asyncio.timeout(60), Engine(settings_of(server), role="dashboard") as engine:
            link, met = engine._stores.link, []
            link.on_change(lambda: met.append(link.trouble and link.trouble.kind))
            assert not (await engine.take_snapshot()).store.reason
            starting = await asyncio.to_thread(load_slowly, server)
            while (taken := await engine.take_snapshot()).store.reason != KINDS["loading"].sentence:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            assert taken.store.remedy == KINDS["loading"].remedy
            assert KINDS["loading"].sentence in taken.cause
            assert taken.store.mode is Mode.MEMORY
            await asyncio.to_thread(finish_loading, server, starting)
            while taken.store.mode is not Mode.REDIS or taken.store.reason or taken.server.error:
                await asyncio.sleep(0.02)
                taken = await engine.take_snapshot()
            # Between the two it was nobody's.
            assert [kind for kind in met if kind not in ("closed", "refused")] == ["loading", None]


# -- protected mode ----------------------------------------------------------------------------------------------------


def own_address() -> str:
    """An address of this machine that is not a loopback one; empty where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return ""
        found = str(probe.getsockname()[0])
    return "" if found.startswith(("127.", "0.")) else found


async def test_protected_mode(any_product: Product) -> None:
    address = own_address()
    if not address:
        pytest.skip("this machine has a loopback address only")
    with running(any_product, extra=("--bind", f"{address} 127.0.0.1", "--protected-mode", "yes")) as server:
        settings = Settings(redis_host=address, redis_port=server.port)
        assert await kind_of(settings) == ("protected", False, False)
        async with Engine(settings, role="dashboard") as engine:
            assert (await engine.take_snapshot()).store.reason == KINDS["protected"].sentence
