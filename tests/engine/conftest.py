"""A stand-in Matomo and engines on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from opalmind_tui.demo.matomo.server import StandIn
from opalmind_tui.engine.engine import Engine
from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tracking.fields import pageview
from opalmind_tui.tracking.request import TrackingRequest

_TRIES = 10
TOKEN = "0123456789abcdef0123456789abcdef"


@dataclass
class Ground:
    """Settings that name a server and a stand-in, and a way to make engines that end with the test."""

    settings: Settings
    matomo: StandIn
    made: list[Engine]

    async def engine(self, **options: Any) -> Engine:
        """A started engine; keywords are options of `Engine` or fields of the settings."""
        fields = {name: options.pop(name) for name in list(options) if hasattr(self.settings, name)}
        engine = Engine(replace(self.settings, **fields), **{"role": "dashboard", **options})
        self.made.append(engine)
        await engine.start()
        for _ in range(_TRIES):
            # On a busy machine a server that is there may be late: that is nobody's trouble here.
            trouble = engine._stores.link.trouble
            if trouble is None or "timeout" not in trouble.kind:
                break
            await engine.try_again()
        return engine


def hits(count: int, start: int = 0) -> list[TrackingRequest]:
    """Page views of one site, each by a visitor of its own."""
    return [
        pageview({"url": f"https://example.com/?mark={number}", "visitorId": f"{number:016x}"}, default_site_id=1)
        for number in range(start, start + count)
    ]


async def until(done: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    """Wait until something holds; the limit is for a test that hangs."""
    async with asyncio.timeout(seconds):
        while not await done():  # noqa: ASYNC110 - what is waited for lives in other processes
            await asyncio.sleep(0.05)


@pytest.fixture
def ground(server: LocalServer, bare_ground: Ground) -> Ground:
    bare_ground.settings = replace(bare_ground.settings, redis_url=server.url)
    return bare_ground


@pytest.fixture
async def bare_ground() -> AsyncIterator[Ground]:
    """A ground that names no server yet."""
    matomo = StandIn(token=TOKEN, seed=3)
    await matomo.start()
    settings = Settings(matomo_base_url=matomo.url, matomo_token=TOKEN, matomo_default_site_id=1)
    made = Ground(settings, matomo, [])
    yield made
    for engine in made.made:
        await engine.stop()
    await matomo.stop()
