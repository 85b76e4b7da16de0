"""A fail-over under traffic: what was kept stays, what came meanwhile moves over, and nothing is counted twice."""

from __future__ import annotations

import asyncio

from opalmind_tui.engine.engine import Engine
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.model import Mode
from opalmind_tui.tracking.request import TrackingRequest
from tests.support.sentinels import NAME, wait, watched
from tests.support.servers import Product


def request(number: int) -> TrackingRequest:
    params = {"idsite": "1", "url": f"https://example.org/{number}"}
    return TrackingRequest("pageview", params, key=f"key-{number}", fingerprint="f", visitor=str(number))


async def test_nothing_that_was_kept_is_lost(any_product: Product) -> None:
    with watched(any_product, replicas=1) as found:
        settings = Settings(
            sentinels=found.addresses, sentinel_master=NAME, matomo_base_url="http://127.0.0.1:9/",
            matomo_token="0123456789abcdef" * 2,
        )  # fmt: skip
        async with Engine(settings, role="dashboard") as engine:
            accepted: list[str] = []
            number = 0

            async def offer() -> Mode:
                nonlocal number
                number += 1
                (answer,) = await engine.offer([request(number)])
                accepted.append(answer.id)
                return engine.queue.mode

            for _ in range(50):
                assert await offer() is Mode.REDIS
            former = found.primary()
            assert (await engine.take_snapshot()).store.address == f"{NAME} 127.0.0.1:{former.port}/0"
            await asyncio.to_thread(wait, found.replicated)
            found.take_away(former)
            modes = set()
            async with asyncio.timeout(60):
                while Mode.MEMORY not in modes or engine.queue.mode is not Mode.REDIS or engine.queue.only_here:
                    modes.add(await offer())
                    await asyncio.sleep(0.01)
            for _ in range(20):
                await offer()
            view = await engine.queue_view()
            kept: list[str] = []
            after = ""
            while not kept or after:
                some, after = await engine.queue.ids(None, after=after)
                kept += some
            address = (await engine.take_snapshot()).store.address
        assert address == f"{NAME} 127.0.0.1:{found.primary().port}/0" != f"{NAME} 127.0.0.1:{former.port}/0"
        assert sorted(kept) == sorted(accepted)
        assert (view.accepted, view.backlog, view.ledger_difference) == (len(accepted), len(accepted), 0)
