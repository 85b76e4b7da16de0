"""The queues under test: memory and every server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import redis
import redis.asyncio

from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.local_server import LocalServer
from tests.support.cluster import LocalCluster, empty
from tests.support.servers import PRODUCTS, Product, running
from tests.tracking.queue_harness import QUEUE_PREFIX, Bench, memory_bench, redis_queue

CLUSTER = "cluster"


@pytest.fixture(
    scope="session",
    params=[None, *PRODUCTS, CLUSTER],
    ids=lambda param: param.name if isinstance(param, Product) else param or "memory",
)
def queue_server(request: pytest.FixtureRequest) -> Iterator[LocalServer | LocalCluster | None]:
    """Memory (None), then one server of each product for the session, then a cluster of three."""
    product: Product | str | None = request.param
    if product is None:
        yield None
    elif product == CLUSTER:
        yield request.getfixturevalue("shared_cluster")
    else:
        assert isinstance(product, Product)
        if product.binary is None:
            pytest.skip(f"{product.name}: {product.why_not}")
        with running(product) as server:
            yield server


def client_of(server: LocalServer | LocalCluster) -> redis.asyncio.Redis:
    """A client as the storage room makes it: bytes, no retries, two seconds at the most."""
    return async_client(
        Settings(redis_url=server.url, queue_prefix=QUEUE_PREFIX, redis_cluster=isinstance(server, LocalCluster))
    )


@pytest.fixture
async def make_bench(queue_server: LocalServer | LocalCluster | None) -> AsyncIterator[Callable[..., Bench]]:
    """Makes queues with limits of their own on an empty store; checks them at the end of the test."""
    benches: list[Bench] = []
    clients: list[redis.asyncio.Redis] = []

    def make(**limits: Any) -> Bench:
        if queue_server is None:
            benches.append(memory_bench(**limits))
        else:
            empty(queue_server)
            clients.append(client_of(queue_server))
            benches.append(Bench("redis", redis_queue(clients[-1], **limits), client=clients[-1]))
        return benches[-1]

    yield make
    for bench in benches:
        await bench.check()
    for client in clients:
        await client.aclose()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    """A queue with its usual limits, on memory and on every server in turn."""
    return make_bench()


@pytest.fixture
async def redis_bench(server: LocalServer) -> AsyncIterator[Bench]:
    """A queue on every server, for what only Redis has."""
    client = client_of(server)
    bench = Bench("redis", redis_queue(client), client=client)
    yield bench
    await bench.check()
    await client.aclose()
