"""A Redis Cluster of three primaries, each with a replica where a test wants one, from the same wheels. On loopback."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

import redis
import redis.crc

from opalmind_tui.storage.local_server import LocalServer, free_port
from tests.support.servers import Product, running

SLOTS = 16_384
PRIMARIES = 3
NODE_TIMEOUT_MS = 500
PATIENCE = 30.0


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Return as soon as it holds; a busy machine may take its time."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@dataclass
class LocalCluster:
    """Nodes: the primaries first, then their replicas in the same order."""

    nodes: list[LocalServer]
    _open: dict[int, redis.Redis] = field(default_factory=dict)

    def close(self) -> None:
        """Close what was opened."""
        for client in self._open.values():
            client.close()

    @property
    def url(self) -> str:
        """What `REDIS_URL` would hold: one of the nodes is enough."""
        return self.nodes[0].url

    def client(self, node: LocalServer) -> redis.Redis:
        """A plain blocking client of one node."""
        return redis.Redis(port=node.port, socket_timeout=2.0)

    def running(self) -> list[LocalServer]:
        """Nodes that were not killed."""
        return [node for node in self.nodes if node.pid]

    def primaries(self) -> list[LocalServer]:
        """Nodes that are primaries now, by their own account."""
        return [node for node in self.running() if self._ask(node, "ROLE")[0] == b"master"]

    def _ask(self, node: LocalServer, *command: str | int) -> object:
        with self.client(node) as client:
            return client.execute_command(*command)

    def owner(self, key: str) -> LocalServer:
        """The primary that has a key, by the word of a node that runs."""
        slot = redis.crc.key_slot(key.encode())
        for first, last, (_, port, *_), *_ in self._ask(self.running()[0], "CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == port)
        raise AssertionError(f"slot {slot} is nobody's")

    def flush(self) -> None:
        """Empty it; its primaries are those of the beginning."""
        for node in self.nodes[:PRIMARIES]:
            if node.port not in self._open:
                self._open[node.port] = self.client(node)
            self._open[node.port].flushall()

    def is_well(self) -> bool:
        """Every running node finds that the cluster serves."""
        return all(self._is_well(node) for node in self.running())

    def _is_well(self, node: LocalServer) -> bool:
        try:
            with self.client(node) as client:
                return client.cluster("INFO")["cluster_state"] == "ok"
        except redis.RedisError:
            return False

    def settle_replicas(self) -> None:
        """Wait until each replica has all of its primary's data and would take over."""
        for node in self.nodes[PRIMARIES:]:
            with self.client(node) as client:
                wait_until(lambda: client.info("replication").get("master_link_status") == "up", "a replica follows")


def _form(cluster: LocalCluster) -> None:
    first, *others = cluster.nodes
    for at, node in enumerate(cluster.nodes[:PRIMARIES]):
        with cluster.client(node) as client:
            begins, ends = SLOTS * at // PRIMARIES, SLOTS * (at + 1) // PRIMARIES
            client.execute_command("CLUSTER", "ADDSLOTS", *range(begins, ends))
            client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", at + 1)
    for node in others:
        with cluster.client(first) as client:
            client.execute_command("CLUSTER", "MEET", "127.0.0.1", node.port)
    for at, replica in enumerate(cluster.nodes[PRIMARIES:]):
        with cluster.client(cluster.nodes[at]) as client:
            primary = client.execute_command("CLUSTER", "MYID").decode()
        with cluster.client(replica) as client:
            wait_until(partial(_has_met, client, primary), "the nodes meet")
            client.execute_command("CLUSTER", "REPLICATE", primary)
    wait_until(cluster.is_well, "the cluster serves")
    wait_until(lambda: all(_knows_all(cluster, node) for node in cluster.nodes), "all nodes know each other")
    cluster.settle_replicas()


def _has_met(client: redis.Redis, node_id: str) -> bool:
    return node_id in str(client.execute_command("CLUSTER", "NODES"))


def _knows_all(cluster: LocalCluster, node: LocalServer) -> bool:
    with cluster.client(node) as client:
        return int(client.cluster("INFO")["cluster_known_nodes"]) == len(cluster.nodes)


def _port_with_bus() -> int:
    """A free port whose bus port, which is 10,000 above, is free as well."""
    while True:
        port = free_port()
        with suppress(OSError, OverflowError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port + 10_000))
            return port


@contextmanager
def running_cluster(product: Product, *, replicas: bool = False, extra: tuple[str, ...] = ()) -> Iterator[LocalCluster]:
    """A cluster that serves; its nodes end with the block."""
    options = ("--cluster-enabled", "yes", "--cluster-node-timeout", str(NODE_TIMEOUT_MS), *extra)
    options += ("--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0")
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(running(product, extra=options, port=_port_with_bus()))
            for _ in range(2 * PRIMARIES if replicas else PRIMARIES)
        ]
        cluster = LocalCluster(nodes)
        _form(cluster)
        yield cluster
        cluster.close()


def empty(server: LocalServer | LocalCluster) -> None:
    """Delete everything."""
    if isinstance(server, LocalCluster):
        server.flush()
        return
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
