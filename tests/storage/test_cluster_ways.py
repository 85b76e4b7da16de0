"""Ways into a Cluster: by TLS, and by any of several nodes."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from opalmind_tui.errors import SettingsError, StoreUnavailable
from opalmind_tui.settings import load_settings
from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.cluster import ClusterClient
from opalmind_tui.storage.connection import address, async_client, sync_client
from opalmind_tui.storage.link import RedisLink
from opalmind_tui.storage.local_server import LocalServer, free_port
from opalmind_tui.storage.slots import Node
from tests.support.cluster import LocalCluster, running_cluster, wait_until
from tests.support.servers import Product
from tests.support.tls_front import HOST, Authority, tls_before


async def goes_everywhere(settings: Settings) -> None:
    """Keys of all nodes are written and read, by both clients."""
    client = async_client(settings)
    assert isinstance(client, ClusterClient)
    try:
        pipe = client.pipeline(transaction=False)
        for number in range(60):
            pipe.set(f"key:{number}", number)
        assert await pipe.execute() == [True] * 60
        assert all([await one.dbsize() > 0 for one in (await client.primaries()).values()])
        with sync_client(settings) as blocking:
            blocking.set(f"{settings.queue_prefix}{{q}}:x", "1")
    finally:
        await client.aclose()


def announced(cluster: LocalCluster, node: LocalServer) -> set[int]:
    """Ports that a node tells its clients of."""
    with cluster.client(node) as client:
        return {primary[1] for _, _, primary, *_ in client.execute_command("CLUSTER", "SLOTS")}


async def test_every_node_is_reached_by_tls(any_product: Product, tmp_path: Path) -> None:
    """The nodes announce the ports at which they speak TLS; here a proxy does that for each of them."""
    authority = Authority(tmp_path)
    with running_cluster(any_product) as cluster, ExitStack() as stack:
        ports = []
        for node in cluster.nodes:
            port = stack.enter_context(tls_before(node.port, authority.server(HOST)))
            with cluster.client(node) as plain:
                plain.config_set("cluster-announce-bus-port", node.port + 10_000)
                plain.config_set("cluster-announce-port", port)
            ports.append(port)
        settings = Settings(
            redis_host=HOST, redis_port=ports[0], redis_cluster=True, redis_tls=True, redis_tls_ca=authority.file
        )
        wait_until(lambda: all(announced(cluster, node) == set(ports) for node in cluster.nodes), "all know the ports")
        await goes_everywhere(settings)
        strangers = Settings(
            redis_host=HOST, redis_port=ports[0], redis_cluster=True, redis_tls=True,
            redis_tls_ca=Authority(tmp_path).file,
        )  # fmt: skip
        stranger = async_client(strangers)
        link = RedisLink(stranger)
        assert not await link.probe()
        assert isinstance(link.trouble, StoreUnavailable)
        assert link.trouble.kind == "tls-unknown-ca"
        await stranger.aclose()


async def test_any_of_several_nodes_is_enough(cluster: LocalCluster) -> None:
    gone, here = free_port(), cluster.nodes[1].port
    named = f"127.0.0.1:{gone},127.0.0.1:{here}"
    alone = load_settings({"REDIS_CLUSTER": "true", "REDIS_NODES": named}, {})
    beside = load_settings(
        {"REDIS_CLUSTER": "true", "REDIS_URL": f"redis://127.0.0.1:{gone}", "REDIS_NODES": named}, {}
    )
    for loaded in (alone, beside):
        assert address(loaded).port == gone
        await goes_everywhere(loaded)
    with pytest.raises(SettingsError, match="REDIS_CLUSTER"):
        load_settings({"REDIS_NODES": named}, {})


async def test_a_connection_that_was_made_anew_meanwhile_is_not_closed() -> None:
    closed = []

    class Connection:
        def __init__(self, *, at_end: bool) -> None:
            self._reader = asyncio.StreamReader()
            if at_end:
                self._reader.feed_eof()

        async def disconnect(self) -> None:
            closed.append(self)
            # Somebody takes the next one while this one closes, and connects.
            pool._available_connections[1]._reader = asyncio.StreamReader()

    pool = SimpleNamespace(_available_connections=[Connection(at_end=True), Connection(at_end=True)])
    client = ClusterClient.__new__(ClusterClient)
    client._clients = {Node("h", 1): SimpleNamespace(connection_pool=pool)}
    assert await client.hung_up()
    assert closed == pool._available_connections[:1]
    pool._available_connections[0]._reader = None
    assert not await client.hung_up()
