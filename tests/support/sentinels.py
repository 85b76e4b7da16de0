"""A primary with replicas, and sentinels that watch them, from the servers at hand."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import redis

from opalmind_tui.storage.local_server import LocalServer, free_port
from tests.support.servers import Product, running

NAME = "shop"
PATIENCE = 60.0
# On a busy machine a server is late by more than a sentinel's usual patience: a fail-over that no test asked for would
# come, and one that a test asks for right after it may promote a replica that is being filled anew.
PATIENT = 60_000


class SentinelSet:
    """Data servers and the sentinels beside them."""

    def __init__(self, servers: list[LocalServer], ports: list[int], password: str = "") -> None:
        self.servers, self.ports, self._password = servers, ports, password or None
        self.processes: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """What `Settings.sentinels` would hold."""
        return tuple(("127.0.0.1", port) for port in self.ports)

    def ask(self, *words: str, port: int = 0) -> object:
        """A command to one sentinel."""
        with redis.Redis(
            port=port or self.ports[0], password=self._password, decode_responses=True, socket_timeout=2
        ) as client:
            return client.execute_command(*words)

    def take_away(self, server: LocalServer, how: signal.Signals = signal.SIGKILL) -> None:
        """End or stop a server, and let the sentinels see that it is gone."""
        self._call_gone_after(500)
        server.kill() if how is signal.SIGKILL else server.send(how)

    def be_patient(self) -> None:
        """Let no sentinel take a server that is late for one that is gone."""
        self._call_gone_after(PATIENT)

    def _call_gone_after(self, milliseconds: int) -> None:
        for port in self.ports:
            self.ask("SENTINEL", "SET", NAME, "down-after-milliseconds", str(milliseconds), port=port)

    def primary(self) -> LocalServer:
        """The server that the first sentinel names."""
        _, port = self.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)  # type: ignore[misc]
        return next(server for server in self.servers if server.port == int(port))

    def replicated(self) -> bool:
        """Every replica has all that the primary has."""
        primary = self.primary()
        with redis.Redis.from_url(primary.url, single_connection_client=True) as client:
            connected = sum(server.pid != 0 for server in self.servers) - 1
            # WAIT speaks of what its own connection wrote: without a write it holds at once.
            client.publish("replicated", "")
            return client.wait(connected, 1000) >= connected  # type: ignore[operator]

    def followed_by(self, other: LocalServer) -> bool:
        """Another server than `other` is the primary, and all sentinels say so."""
        return all(
            self.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME, port=port)[1] != str(other.port)  # type: ignore[index]
            for port in self.ports
        )


def wait(done: Callable[[], object]) -> None:
    """Until it holds."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with suppress(redis.RedisError):
            if done():
                return
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def watched(
    product: Product,
    *,
    replicas: int = 2,
    sentinels: int = 3,
    data: tuple[str, ...] = (),
    extra: str = "",
    password: str = "",
) -> Iterator[SentinelSet]:
    """A running set that has found itself. Its sentinels are patient until a server is taken away.

    Args:
        data: settings of the data servers. extra: lines for the sentinels' configuration. password: of the sentinels.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="opm-")))
        first = stack.enter_context(running(product, extra=data))
        replica = ("--replicaof", "127.0.0.1", str(first.port), *data)
        others = [stack.enter_context(running(product, extra=replica)) for _ in range(replicas)]
        for server in (first, *others):
            # A primary that is asked to stop waits for its replicas.
            stack.callback(server.kill)
        found = SentinelSet([first, *others], [free_port() for _ in range(sentinels)], password)
        for port in found.ports:
            found.processes[port] = _sentinel(product, folder, port, first.port, sentinels // 2 + 1, extra)
            stack.callback(_end, found.processes[port])
        wait(lambda: all(_knows(found, port, replicas, sentinels - 1) for port in found.ports))
        yield found


def _sentinel(
    product: Product, folder: Path, port: int, primary: int, quorum: int, extra: str
) -> subprocess.Popen[bytes]:
    file = folder / f"{port}.conf"
    file.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {folder}\nlogfile {folder / f'{port}.log'}\n"
        f"sentinel monitor {NAME} 127.0.0.1 {primary} {quorum}\n"
        f"sentinel down-after-milliseconds {NAME} {PATIENT}\nsentinel failover-timeout {NAME} 3000\n{extra}\n"
    )
    return subprocess.Popen(
        [str(product.binary), str(file), "--sentinel"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _knows(found: SentinelSet, port: int, replicas: int, others: int) -> bool:
    told = found.ask("SENTINEL", "MASTER", NAME, port=port)
    state = dict(zip(told[::2], told[1::2], strict=True)) if isinstance(told, list) else told
    return int(state["num-slaves"]) >= replicas and int(state["num-other-sentinels"]) >= others  # type: ignore[index]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
