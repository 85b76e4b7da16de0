"""What a dashboard shows of a Cluster."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest
from msgspec.structs import fields

from opalmind_tui.engine.engine import Engine
from opalmind_tui.health.redis import wrong_with
from opalmind_tui.observe.nodes import Servers
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.findings import Severity
from opalmind_tui.snapshot.model import Reading, Verdict
from opalmind_tui.snapshot.wanted import Wanted
from opalmind_tui.storage.cluster import ClusterClient
from opalmind_tui.storage.cluster_keys import nodes_of
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tracking.redis_queue.keys import tag_of
from opalmind_tui.tui.panels.header import render
from tests.support.cluster import LocalCluster, wait_until


async def test_every_panel_has_its_figures_and_the_doctor_no_failure(cluster: LocalCluster) -> None:
    settings = Settings(redis_url=cluster.nodes[0].url, redis_cluster=True, matomo_base_url="http://127.0.0.1:9/")
    client = async_client(settings)
    assert isinstance(client, ClusterClient)
    pipe = client.pipeline(transaction=False)
    for number in range(60):
        pipe.set(f"opalmind:idempotency:{number}", '{"key":"x"}', ex=600)
    await pipe.execute()
    engine = Engine(settings, role="dashboard")
    await engine.start()
    try:
        taken = await engine.take_snapshot(Wanted(closer=True))
        readings = {field.name: getattr(taken, field.name) for field in fields(taken)}
        errors = {name: one.error for name, one in readings.items() if isinstance(one, Reading) and one.error}
        assert set(errors) <= {"health"}, errors
        assert taken.keys.value is not None
        assert taken.keys.value.idempotency == 60, "of all nodes"
        assert taken.server.value is not None
        diagnosis = await engine.diagnose()
        about_redis = [one for one in diagnosis.findings if not one.id.startswith(("matomo", "no-token"))]
        assert all(one.severity is not Severity.FAILURE for one in about_redis), about_redis
        commands = [one.command for one in diagnosis.findings if "-cli " in one.command]
        assert commands
    finally:
        await engine.stop()
        await client.aclose()


@pytest.fixture
def evicting(cluster: LocalCluster) -> Iterator[LocalServer]:
    """A node without the queue that is nearly full, and would evict anything."""
    home = cluster.owner(tag_of(Settings().queue_prefix).decode())
    node = next(one for one in cluster.nodes if one is not home)
    with cluster.client(node) as client:
        used = client.info("memory")["used_memory"]
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("maxmemory", int(used * 1.11))
        yield node
        client.config_set("maxmemory", 0)
        client.config_set("maxmemory-policy", "noeviction")


async def test_each_primary_is_told_of_and_the_worst_one_named(cluster: LocalCluster, evicting: LocalServer) -> None:
    settings = Settings(redis_url=cluster.url, redis_cluster=True, matomo_base_url="http://127.0.0.1:9/")
    engine = Engine(settings, role="dashboard")
    await engine.start()
    home = cluster.owner(tag_of(settings.queue_prefix).decode())
    try:
        taken = await engine.take_snapshot(Wanted(closer=True))
        server = taken.server.value
        assert server is not None
        views = [node.view for node in server.nodes if node.view is not None]
        assert sorted(node.address for node in server.nodes) == sorted(f"127.0.0.1:{one.port}" for one in cluster.nodes)
        assert [node.address for node in server.nodes if node.home] == [f"127.0.0.1:{home.port}"]
        assert server.used_memory == sum(view.used_memory for view in views) > views[0].used_memory
        assert server.max_memory == 0, "two have no limit"
        assert server.memory_share is not None
        assert server.memory_share > 0.8, "the fullest of them"
        assert (taken.store.nodes, taken.store.home) == (3, f"127.0.0.1:{home.port}")
        assert f"queue on 127.0.0.1:{home.port}" in "".join(span.text for span in render(taken, 200)[0])
        checks = {one.name: one for one in taken.health.value.checks} if taken.health.value else {}
        assert f"node 127.0.0.1:{evicting.port}: eviction policy allkeys-lru" in checks["redis-connection"].output
        diagnosis = {one.id: one for one in (await engine.diagnose()).findings}
        finding = diagnosis["eviction-records"]
        assert finding.evidence.startswith(f"Node 127.0.0.1:{evicting.port}: maxmemory-policy is allkeys-lru")
        assert f" -p {evicting.port} config set maxmemory-policy volatile-ttl" in finding.command
        assert "eviction-queue" not in diagnosis, "the queue is elsewhere"
        append = diagnosis["no-append-only-file"]
        assert append.evidence.startswith("3 of 3 primaries.")
        assert all(f" -p {one.port} config set appendonly yes" in append.command for one in cluster.nodes)
        assert diagnosis["no-memory-limit"].evidence.startswith("2 of 3 primaries.")
        assert "no-replica" in diagnosis
    finally:
        await engine.stop()


async def test_a_silent_node_is_named_and_left_alone_for_a_while(cluster: LocalCluster) -> None:
    client = async_client(Settings(redis_url=cluster.url, redis_cluster=True))
    assert isinstance(client, ClusterClient)
    servers, home = Servers(), await client.home()
    first = await servers.read(client, 1_000.0)
    silent = next(address for address, one in (await nodes_of(client)).items() if one is not home)
    node = next(node for node in cluster.nodes if silent.endswith(str(node.port)))
    assert node.pid
    os.kill(node.pid, signal.SIGSTOP)
    try:
        for moment in (1_002.0, 1_004.0):
            view = await servers.read(client, moment)
        found = {one.address: one for one in view.nodes}[silent]
        assert found.error, "one is asked at each look, in turn"
        assert found.view is not None, "what was known of it"
        assert view.used_memory > 0.9 * first.used_memory
        verdict, sentence = wrong_with(view)[0]
        assert (verdict, silent in sentence, "slots " in sentence) == (Verdict.FAIL, True, True)
        before = time.monotonic()
        await servers.read(client, 1_006.0)
        assert time.monotonic() - before < 1.0, "it is not asked again so soon"
    finally:
        os.kill(node.pid, signal.SIGCONT)
        wait_until(cluster.is_well, "the cluster serves again")
    for moment in (1_020.0, 1_022.0):
        again = await servers.read(client, moment)
    assert not any(one.error for one in again.nodes)
    await client.aclose()
