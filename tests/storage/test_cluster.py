"""The client of a Cluster: slots that move, and a kind of server that is not what the settings say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis.crc

from opalmind_tui.observe.census import Census
from opalmind_tui.observe.full_count import FullCount
from opalmind_tui.observe.keyspace import Keyspace, own_keys
from opalmind_tui.observe.looks import Looker
from opalmind_tui.reports.keyspace import purge_keys
from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.cluster import ClusterClient
from opalmind_tui.storage.connection import async_client, sync_client
from opalmind_tui.storage.link import RedisLink
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.storage.slots import Node, SlotTable, beside_queue, key_of
from opalmind_tui.tracking.redis_queue.keys import tag_of
from tests.support.cluster import LocalCluster

TAG = tag_of("opalmind:queue:").decode()


def settings_of(cluster: LocalCluster) -> Settings:
    return Settings(redis_url=cluster.url, redis_cluster=True)


@pytest.fixture
async def client(cluster: LocalCluster) -> AsyncIterator[ClusterClient]:
    client = async_client(settings_of(cluster))
    assert isinstance(client, ClusterClient)
    yield client
    await client.aclose()


def owner_and_other(cluster: LocalCluster, key: str) -> tuple[LocalServer, LocalServer]:
    source = cluster.owner(key)
    return source, next(node for node in cluster.nodes if node is not source)


def id_of(cluster: LocalCluster, node: LocalServer) -> str:
    with cluster.client(node) as plain:
        return str(plain.execute_command("CLUSTER", "MYID").decode())


def give(cluster: LocalCluster, slot: int, node: LocalServer) -> None:
    """The move of a slot is finished: all know its new owner."""
    for each in [node, *cluster.nodes]:
        with cluster.client(each) as plain:
            plain.execute_command("CLUSTER", "SETSLOT", slot, "NODE", id_of(cluster, node))


async def test_a_slot_that_moves_under_its_keys(cluster: LocalCluster, client: ClusterClient) -> None:
    keys = [f"{{moving}}:{number}" for number in range(4)]
    slot = redis.crc.key_slot(keys[0].encode())
    source, target = owner_and_other(cluster, keys[0])
    for key in keys[:3]:
        await client.set(key, key)
    with cluster.client(source) as here, cluster.client(target) as there:
        there.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", id_of(cluster, source))
        here.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", id_of(cluster, target))
        here.execute_command("MIGRATE", "127.0.0.1", target.port, keys[0], 0, 1000)
    try:
        # On both nodes: one is there already, one not yet, and what is new goes to where the slot will be.
        assert await client.get(keys[0]) == keys[0].encode()
        assert await client.get(keys[1]) == keys[1].encode()
        await client.set(keys[3], "new")
        pipe = client.pipeline(transaction=False)
        for key in keys:
            pipe.get(key)
        assert await pipe.execute() == [*(key.encode() for key in keys[:3]), b"new"]
        script = client.register_script("return redis.call('GET', KEYS[1])")
        assert await script(keys=[keys[0]]) == keys[0].encode()
        with cluster.client(source) as here:
            here.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 1000, "KEYS", *keys[1:3])
        give(cluster, slot, target)
        async with client.pipeline(transaction=True) as both:
            both.get(keys[1])
            both.incr("{moving}:count")
            assert await both.execute() == [keys[1].encode(), 1]
        assert await client.unlink(*keys, "elsewhere") == 4
    finally:
        with cluster.client(target) as there:
            there.flushall()
        give(cluster, slot, source)


async def test_the_queue_moves_and_leases_are_renewed_where_it_is(cluster: LocalCluster) -> None:
    blocking = sync_client(settings_of(cluster))
    script = blocking.register_script("return redis.call('INCR', KEYS[1])")
    assert await asyncio.to_thread(script, keys=[TAG + "number"]) == 1
    slot = redis.crc.key_slot(TAG.encode())
    source, target = owner_and_other(cluster, TAG)
    with cluster.client(source) as here:
        here.flushall()
    give(cluster, slot, target)
    try:
        with pytest.raises(redis.RedisError):
            await asyncio.to_thread(script, keys=[TAG + "number"])
        # A thread that renews tries again by itself.
        assert await asyncio.to_thread(script, keys=[TAG + "number"]) == 1
    finally:
        with cluster.client(target) as there:
            there.flushall()
        give(cluster, slot, source)
        blocking.close()


async def test_commands_go_to_many_nodes_and_come_back_in_order(client: ClusterClient) -> None:
    pipe = client.pipeline(transaction=False)
    for number in range(100):
        pipe.set(f"key-{number}", number)
    await pipe.execute()
    for number in range(100):
        pipe.get(f"key-{number}")
    pipe.lpush("key-1", "x")
    *found, wrong = await pipe.execute(raise_on_error=False)
    assert [int(value) for value in found] == list(range(100))
    assert isinstance(wrong, redis.ResponseError)
    sizes = [await node.dbsize() for node in (await client.primaries()).values()]
    assert sum(sizes) == 100
    assert all(sizes)
    assert await client.ping()


async def test_a_cluster_is_named_where_it_is_not_expected_and_missed_where_it_is(
    cluster: LocalCluster, server: LocalServer
) -> None:
    for settings, kind in (
        (Settings(redis_url=server.url, redis_cluster=True), "no-cluster"),
        (Settings(redis_url=cluster.nodes[1].url), "cluster"),
        (Settings(redis_url=cluster.nodes[0].url), "cluster"),
    ):
        found = []
        for number in range(3):
            client = async_client(settings)
            link = RedisLink(client, probe_key=f"probe-{number}")
            if not await link.probe():
                assert link.trouble is not None
                found.append(link.trouble.kind)
                assert not link.trouble.falls_back
            await client.aclose()
        assert set(found) == {kind}


def test_keys_of_commands() -> None:
    assert key_of(("GET", "a")) == "a"
    assert key_of(("EVALSHA", "sha", 2, b"k", "other", "argument")) == b"k"
    assert key_of(("EVAL", "text", 0, "argument")) is None
    assert key_of(("MEMORY USAGE", "a")) == key_of(("MEMORY", "USAGE", "a")) == "a"
    assert key_of(("CONFIG GET", "maxmemory")) is key_of(("PING",)) is key_of(("SCRIPT LOAD", "text")) is None
    assert redis.crc.key_slot(beside_queue("s:probe", "{x}q:").encode()) == redis.crc.key_slot(b"{x}q:{q}:")


def test_a_table_with_gaps_and_nodes_that_do_not_know_their_address() -> None:
    asked = Node("db", 7000)
    table = SlotTable([[10, 20, [b"", 7000, b"id"], [b"10.0.0.2", 7001, b"id"]], [0, 5, [None, 7002, b"id"]]], asked)
    assert table.owner(3) == Node("db", 7002)
    assert table.owner(20) == asked
    assert table.owner(7) is table.owner(21) is None
    assert table.primaries == (Node("db", 7002), asked)
    assert len(table.nodes) == 3


async def test_all_keys_are_walked_counted_and_sampled_as_if_one_server_had_them(
    cluster: LocalCluster, client: ClusterClient
) -> None:
    settings = settings_of(cluster)
    pipe = client.pipeline(transaction=False)
    for number in range(3_000):
        pipe.set(f"opalmind:idempotency:{number}", '{"key":1}', ex=600)
    for number in range(1_000):
        pipe.set(f"opalmind:cache:{number}", "x" * 500)
    pipe.hset(TAG + "msg", "id", "body")
    await pipe.execute()

    seen, cursor = set(), 0
    while True:
        cursor, names = await client.scan(cursor, match="opalmind:*", count=300)
        seen.update(names)
        if not cursor:
            break
    assert len(seen) == await client.dbsize() == 4_001

    exact = await Census(settings).exact(client)
    assert (exact.total, exact.idempotency, exact.cache, exact.queue, exact.exact) == (4_001, 3_000, 1_000, 1, True)
    full = await FullCount(settings).run(client)
    assert full.total == 4_001
    assert {look.name for look in await Looker(Keyspace(settings), ("a", "b")).at(client, own_keys(settings))} == {
        (TAG + "msg").encode()
    }
    drawn = await Looker(Keyspace(settings), ("opalmind:idempotency:", "opalmind:cache:")).random(client, 400)
    assert len(drawn) == 400
    # 2,000 times as likely as not: a node that is left out would miss a third.
    assert 200 < sum(look.place[0] == "idempotency" for look in drawn) < 380
    owners = {cluster.owner(look.name.decode()).port for look in drawn[::20]}
    assert len(owners) == 3
    assert await purge_keys(client, "opalmind:cache:", lambda text: True) == 1_000
    assert (await Census(settings).glance(client)).cache == 0
