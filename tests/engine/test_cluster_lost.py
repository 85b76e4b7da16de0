"""A shard of a Cluster is away: it is named on the screen, memory takes over, and all moves back in the end."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from opalmind_tui.cli import keys
from opalmind_tui.engine.engine import Engine
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.model import Mode, Snapshot
from opalmind_tui.snapshot.wanted import Wanted
from opalmind_tui.storage.cluster_keys import ClusterKeys
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.link import RedisLink
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.storage.meter import Meter
from opalmind_tui.storage.trouble_table import KINDS
from opalmind_tui.tracking.redis_queue.keys import tag_of
from tests.support.cluster import LocalCluster, running_cluster, wait_until
from tests.support.servers import Product

PATIENCE = 60.0
SPANS = ("0-5460", "5461-10921", "10922-16383")


@asynccontextmanager
async def dashboard(cluster: LocalCluster) -> AsyncIterator[Engine]:
    settings = Settings(redis_url=cluster.url, redis_cluster=True, matomo_base_url="http://127.0.0.1:9/")
    async with asyncio.timeout(PATIENCE), Engine(settings, role="dashboard") as engine:
        yield engine


async def look_until(engine: Engine, holds: Callable[[Snapshot], bool]) -> Snapshot:
    """Look as a screen does, and do nothing else."""
    while not holds(taken := await engine.take_snapshot(Wanted(closer=True))):  # noqa: ASYNC110 - servers have no event
        await asyncio.sleep(0.02)
    return taken


def at(node: LocalServer) -> str:
    return f"127.0.0.1:{node.port}"


def away(taken: Snapshot) -> list[str]:
    return [node.address for node in taken.server.value.nodes if node.error] if taken.server.value else []


def shard_of(cluster: LocalCluster, which: str) -> LocalServer:
    home = cluster.owner(tag_of(Settings().queue_prefix).decode())
    return home if which == "home" else next(node for node in cluster.primaries() if node is not home)


@pytest.mark.parametrize(("coverage", "which"), [("yes", "another"), ("no", "home"), ("no", "another")])
async def test_a_lost_shard_is_named_and_memory_serves_until_it_is_back(
    any_product: Product, coverage: str, which: str
) -> None:
    """The home shard has the queue; another has a part of the records. A Cluster without full coverage serves on."""
    with running_cluster(any_product, extra=("--cluster-require-full-coverage", coverage)) as cluster:
        victim = shard_of(cluster, which)
        shard = f"node {at(victim)} (slots {SPANS[cluster.nodes.index(victim)]})"
        async with dashboard(cluster) as engine:
            await engine.take_snapshot()
            victim.kill()
            taken = await look_until(engine, lambda taken: shard in taken.store.reason)
            if coverage == "yes":
                down = KINDS["cluster-down"]
                taken = await look_until(engine, lambda taken: taken.store.reason == f"{down.sentence}: {shard}")
                assert taken.store.remedy == down.remedy
            assert shard in taken.cause
            assert taken.store.mode is Mode.MEMORY
            assert away(taken) == [at(victim)]
            assert taken.health.value is not None
            assert shard in next(one.output for one in taken.health.value.checks if one.name == "redis-connection")
            for exact in (False, True):
                with pytest.raises(StoreUnavailable, match=re.escape(shard)):
                    # Whoever starts now must begin with a node that is there.
                    await keys._found(replace(engine.settings, redis_url=cluster.running()[0].url), exact=exact)
            await asyncio.to_thread(victim.start)
            await look_until(engine, lambda taken: taken.store.mode is Mode.REDIS)
            await look_until(engine, lambda taken: not (taken.store.reason or taken.server.error or away(taken)))


@pytest.mark.parametrize("which", ["home", "another"])
async def test_a_fail_over_is_seen_from_its_begin_to_its_end(any_product: Product, which: str) -> None:
    with running_cluster(any_product, replicas=True) as cluster:
        victim = shard_of(cluster, which)
        replica = cluster.nodes[cluster.nodes.index(victim) + 3]
        with cluster.client(replica) as client:
            client.config_set("cluster-replica-no-failover", "yes")
        async with dashboard(cluster) as engine:
            await engine.take_snapshot()
            victim.kill()
            taken = await look_until(engine, lambda taken: at(victim) in taken.store.reason)
            assert away(taken) == [at(victim)]
            with cluster.client(replica) as client:
                client.config_set("cluster-replica-no-failover", "no")
            taken = await look_until(engine, lambda taken: taken.store.mode is Mode.REDIS and not taken.store.reason)
            # Who looks follows at once: what is left of the old connections is no outage.
            taken = await engine.take_snapshot(Wanted(closer=True))
            assert (taken.store.mode, taken.store.reason, taken.server.error) == (Mode.REDIS, "", None)
            assert taken.server.value is not None
            assert at(replica) in [node.address for node in taken.server.value.nodes]
            assert not away(taken)


async def test_a_node_that_answers_and_finds_the_cluster_down_does_not_serve(cluster: LocalCluster) -> None:
    async with dashboard(cluster) as engine:
        client, link = engine._stores.commands, engine._stores.link
        assert isinstance(client, ClusterKeys)
        assert await link.probe()
        victim = shard_of(cluster, "another")
        slot = SPANS[cluster.nodes.index(victim)].partition("-")[0]
        with cluster.client(victim) as admin:
            # It alone believes so.
            admin.execute_command("CLUSTER", "DELSLOTS", slot)
            try:
                assert await client.ping()
                assert not await link.probe()
                assert link.trouble is not None
                assert link.trouble.kind == "cluster-down"
            finally:
                admin.execute_command("CLUSTER", "ADDSLOTS", slot)
        wait_until(cluster.is_well, "the cluster serves again")


async def test_a_node_that_hangs_up_is_noticed_without_asking(cluster: LocalCluster) -> None:
    meter = Meter()
    client = async_client(Settings(redis_url=cluster.url, redis_cluster=True), meter=meter)
    link = RedisLink(client)
    assert await link.probe()
    watching = asyncio.create_task(link.watch())
    quiet, commands = meter.commands.total(), meter.commands
    with cluster.client(shard_of(cluster, "another")) as admin:
        admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    async with asyncio.timeout(PATIENCE):
        while commands.total() == quiet:  # noqa: ASYNC110 - servers have no event
            await asyncio.sleep(0.02)
    watching.cancel()
    assert link.writable
    assert isinstance(client, ClusterKeys)
    assert not await client.hung_up(), "it is told once"
    await client.aclose()


async def test_a_shard_that_hangs_is_named_without_its_time_out(any_product: Product) -> None:
    """The trouble has cost one already."""
    with running_cluster(any_product) as cluster:
        client = async_client(Settings(redis_url=cluster.url, redis_cluster=True), timeout=10 * PATIENCE)
        assert isinstance(client, ClusterKeys)
        assert await client.dbsize() == 0
        victim = cluster.nodes[1]
        os.kill(victim.pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(PATIENCE):
                lost = await client.lost()
        finally:
            os.kill(victim.pid, signal.SIGCONT)
        assert f"node {at(victim)} (slots {SPANS[1]})" in lost.words
        assert at(victim) in lost.nodes
        await client.aclose()
