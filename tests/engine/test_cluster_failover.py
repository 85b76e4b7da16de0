"""A shard of a Cluster dies under traffic: nothing that was acknowledged and kept is lost; all follows by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

import opalmind_tui
from opalmind_tui.demo.matomo import StandIn
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.model import Mode
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tracking.redis_queue.keys import tag_of
from tests.support.cluster import LocalCluster, running_cluster
from tests.support.servers import Product

TAG = tag_of("opalmind:queue:").decode()
PATIENCE = 60.0


def kept(cluster: LocalCluster, node: LocalServer) -> None:
    """Return when the replica of a node has all of it."""
    with cluster.client(node) as client:
        client.wait(1, 1_500)


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - servers have no event
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("which", ["home", "another"])
async def test_a_shard_dies_under_traffic(any_product: Product, which: str) -> None:
    """The home shard has the queue; another has a part of the records."""
    matomo = StandIn(seed=3)
    await matomo.start()
    with running_cluster(any_product, replicas=True) as cluster:
        settings = Settings(
            redis_url=cluster.url, redis_cluster=True, matomo_base_url=matomo.url, matomo_default_site_id=1
        )
        home = cluster.owner(TAG)
        victim = home if which == "home" else next(node for node in cluster.primaries() if node is not home)
        async with asyncio.timeout(PATIENCE), opalmind_tui.MatomoClient(settings) as client:
            stores, endpoint = client._engine._stores, client._engine.endpoint
            sent: list[str] = []
            paused, over = asyncio.Event(), asyncio.Event()
            paused.set()

            async def traffic() -> None:
                while not over.is_set():
                    await paused.wait()
                    page = f"https://example.org/{len(sent)}"
                    assert (await client.track_pageview(page, uid=f"u{len(sent) % 7}", idempotency_key=page)).ok
                    sent.append(page)
                    await asyncio.sleep(0.005)

            flowing = asyncio.create_task(traffic())
            await until(lambda: len(sent) > 50)
            # What a primary said yes to and had not passed on when it died is lost with it: so is the promise of Redis.
            paused.clear()
            await asyncio.to_thread(kept, cluster, victim)
            victim.kill()
            paused.set()
            await until(lambda: stores.queue.mode is Mode.MEMORY)
            await until(lambda: stores.queue.mode is Mode.REDIS)
            reached = len(sent)
            await until(lambda: len(sent) > reached + 50)
            over.set()
            await flowing
            await until(lambda: matomo.journal.counts("url").keys() >= set(sent))
            while (left := await stores.queue.counts(endpoint)).pending + left.scheduled + left.inflight:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            counts = await stores.shared.counts(endpoint)
            assert counts.ledger_difference == 0
            assert sum(matomo.journal.counts("url").values()) - len(sent) <= counts.unknown
            assert (await client.track_pageview(sent[0], uid="u0", idempotency_key=sent[0])).outcome == "duplicate"
    await matomo.stop()
