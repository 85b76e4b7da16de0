"""A shard of a Cluster is gone, without a replica: it is named, memory takes over, and all moves back in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from opalmind_tui.engine.engine import Engine
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.model import Mode
from opalmind_tui.tracking.redis_queue.keys import tag_of
from tests.support.cluster import running_cluster
from tests.support.servers import Product

PATIENCE = 60.0


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - servers have no event
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("coverage", ["yes", "no"])
async def test_a_lost_shard_is_named_and_memory_serves_until_it_is_back(any_product: Product, coverage: str) -> None:
    with running_cluster(any_product, extra=("--cluster-require-full-coverage", coverage)) as cluster:
        # Of the one the queue is gone, of the other a part of the records.
        settings = Settings(redis_url=cluster.url, redis_cluster=True, matomo_base_url="http://127.0.0.1:9/")
        home = cluster.owner(tag_of(settings.queue_prefix).decode())
        victim = home if coverage == "no" else next(node for node in cluster.nodes if node is not home)
        engine = Engine(settings, role="dashboard")
        await engine.start()
        try:
            async with asyncio.timeout(PATIENCE):
                victim.kill()
                stores = engine._stores
                await stores.link.probe()
                await until(lambda: f"node 127.0.0.1:{victim.port} (slots " in str(stores.link.trouble))
                await until(lambda: stores.queue.mode is Mode.MEMORY)
                taken = await engine.take_snapshot()
                assert f"127.0.0.1:{victim.port}" in taken.cause
                await asyncio.to_thread(victim.start)
                await until(lambda: stores.queue.mode is Mode.REDIS)
        finally:
            await engine.stop()
