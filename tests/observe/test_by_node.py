"""The census of a Cluster, node by node and summed: on real nodes, and its intervals by seeded trials."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from redis.exceptions import TimeoutError

from opalmind_tui.observe.by_node import NodeTotal, by_node
from opalmind_tui.observe.census import Census
from opalmind_tui.observe.full_count import FullCount
from opalmind_tui.observe.looks import Look
from opalmind_tui.observe.survey import Survey
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.census import Estimate, KeyCensus
from opalmind_tui.storage.cluster import ClusterClient
from opalmind_tui.storage.cluster_keys import shared_out
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.slots import Node, SlotTable
from opalmind_tui.tui.census_text import census_text
from opalmind_tui.tui.node_text import expiry_rows, node_rows
from tests.support.cluster import LocalCluster

TRIALS = 200


async def fill(client: ClusterClient) -> None:
    pipe = client.pipeline(transaction=False)
    for number in range(6_000):
        tag = "{one}" if number % 2 else ""
        ttl = None if number % 10 == 0 else 300 if number % 2 else 7_200
        pipe.set(f"opalmind:idempotency:{tag}{number}", '{"key":"' + "x" * (500 if tag else 50) + '"}', ex=ttl)
    await pipe.execute()


@pytest.fixture
async def client(cluster: LocalCluster) -> AsyncIterator[ClusterClient]:
    """A client of three nodes with 6,000 keys: half of them on one node, a tenth of all without a time to live."""
    found = async_client(Settings(redis_url=cluster.url, redis_cluster=True), no_touch=True)
    assert isinstance(found, ClusterClient)
    for _ in range(10):
        with suppress(TimeoutError):  # A busy machine.
            await fill(found)
            break
    yield found
    await found.aclose()


async def sizes(client: ClusterClient) -> dict[str, int]:
    return {str(node): int(await one.dbsize()) for node, one in (await client.primaries()).items()}


def agrees(census: KeyCensus, truth: dict[str, int]) -> None:
    """Each node has its number of keys, and the nodes make up the sum, span by span."""
    assert {node.address: node.census.total for node in census.nodes} == truth
    assert census.total == sum(truth.values()) == 6_000
    records = [node.census.prefixes[0].keys for node in census.nodes]
    assert [one.exact for one in records] == [True] * 3
    assert sum(one.value for one in records) == census.prefixes[0].keys.value == 6_000
    assert sum(node.census.looked_at for node in census.nodes) == census.looked_at
    biggest = max(census.nodes, key=lambda node: node.census.total).census
    soon, late = biggest.expiries[1].group.keys, biggest.expiries[3].group.keys
    assert soon.value > late.value > 0, "most of that node expire within ten minutes"
    assert max(node.census.all.memory.value for node in census.nodes if node.census.all.memory) == (
        biggest.all.memory.value if biggest.all.memory else None
    )


async def test_a_sample_tells_of_each_node_and_of_all(client: ClusterClient) -> None:
    truth = await sizes(client)
    census = await Census(Settings()).once(client)
    agrees(census, truth)
    assert [row[1] for row in node_rows(census)[1:]] == [*(f"{size:,}" for size in truth.values()), "6,000"]
    assert len(expiry_rows(census)) == 5, "titles, three nodes, all"
    assert all(address in census_text(census, bounds=False) for address in truth)


async def test_every_key_is_counted_on_its_node(client: ClusterClient) -> None:
    agrees(await FullCount(Settings()).run(client), await sizes(client))


async def test_a_count_goes_on_when_another_node_takes_over(
    client: ClusterClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = list((await sizes(client)).values())
    asked, real = 0, client._known

    async def known() -> SlotTable:
        nonlocal asked
        asked += 1
        first, *others = (await real()).primaries
        nodes = [first if asked < 4 else Node("localhost", first.port), *others]
        return SlotTable([(at * 5_461, at * 5_461 + 5_460, node) for at, node in enumerate(nodes)], first)

    monkeypatch.setattr(client, "_known", known)
    census = await FullCount(Settings()).run(client)
    assert [node.address.partition(":")[0] for node in census.nodes] == ["localhost", "127.0.0.1", "127.0.0.1"]
    assert [node.census.total for node in census.nodes] == truth, "each key once"


def test_small_nodes_get_their_share_of_draws() -> None:
    rng = random.Random(3)
    drawn = [shared_out([10, 970, 20], 20, rng.random()) for _ in range(10_000)]
    means = [sum(column) / len(drawn) for column in zip(*drawn, strict=True)]
    assert means == pytest.approx([0.2, 19.4, 0.4], abs=0.03)
    assert all(sum(parts) == 20 for parts in drawn)
    assert shared_out([0, 0], 20, 0.5) == [0, 0]


def holds(found: Estimate | None, truth: float) -> bool:
    return found is not None and found.low <= truth <= found.high


def test_intervals_of_nodes_and_of_the_sum_cover_the_truth() -> None:
    rng = random.Random(11)
    nodes = {"a:1": (60_000, 200, 0.7), "b:1": (30_000, 4_000, 0.2), "c:1": (10_000, 900, 0.5)}
    """Keys, mean size, share of idempotency records."""
    truth = {name: (share * keys, keys * mean) for name, (keys, mean, share) in nodes.items()}
    truth["all"] = (sum(one[0] for one in truth.values()), sum(one[1] for one in truth.values()))
    missed: Counter[tuple[str, str]] = Counter()
    for _ in range(TRIALS):
        parts = shared_out([keys for keys, _, _ in nodes.values()], 400, rng.random())
        drawn = [
            Look(b"%d" % rng.randrange(1 << 60), ("idempotency" if rng.random() < share else "cache", ""),
                 round(rng.gammavariate(2, mean / 2)), 60.0, True, name)
            for (name, (_, mean, share)), part in zip(nodes.items(), parts, strict=True)
            for _ in range(part)
        ]  # fmt: skip
        totals = {name: NodeTotal(keys) for name, (keys, _, _) in nodes.items()}
        found = {one.address: one.census for one in by_node(totals, drawn, [])}
        found["all"] = Survey(100_000, drawn).census()
        for name, census in found.items():
            records, memory = truth[name]
            missed[name, "keys"] += not holds(census.prefixes[0].keys, records)
            missed[name, "memory"] += not holds(census.all.memory, memory)
            assert math.isclose(census.all.keys.value, census.total)
    assert all(number <= 0.08 * TRIALS for number in missed.values()), missed
