"""Attached services are watched beside the snapshot, never within it, and only where somebody looks."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from opalmind_tui.demo.matomo.message import Response, Wire
from opalmind_tui.engine.attached import Attached
from opalmind_tui.engine.engine import Engine
from opalmind_tui.engine.roles import Role
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.services import Reach
from opalmind_tui.storage.local_server import LocalServer
from tests.support.opalmind_service import recorded, serving


async def test_the_dashboard_watches_them_beside_its_snapshots(server: LocalServer) -> None:
    async with serving(recorded("health-degraded-backlog10")) as one, serving(Response(200, wire=Wire.STALLED)) as two:
        settings = Settings(redis_url=server.url, api_urls=(one.url, two.url), read_only=True)
        async with Engine(settings, role="dashboard") as engine:
            async with asyncio.timeout(30):
                while True:
                    # One of them never answers, and no snapshot waits for it.
                    services = (await engine.take_snapshot()).services.value
                    assert services is not None
                    first, second = services.services
                    if first.reach is not Reach.UNASKED and two.asked:
                        break
                    await asyncio.sleep(0.01)
        assert (first.reach, second.reach) == (Reach.UP, Reach.UNASKED)
        assert first.figures is not None
        assert (first.figures.status, first.figures.pending, first.open_only) == ("degraded", 9, True)
        assert len(one.asked) == 1


@pytest.mark.parametrize("role", ["worker", "client", "status", "track"])
def test_nobody_else_asks_them_by_itself(role: Role) -> None:
    assert not Attached(Settings(api_urls=("http://127.0.0.1:1",)), role).watched


async def test_without_services_there_is_nothing_to_ask(server: LocalServer) -> None:
    settings = Settings(redis_url=server.url)
    async with Engine(settings, role="dashboard") as engine:
        assert (await engine.take_snapshot()).services.value is None
        assert await engine.services() is None
    assert not Attached(replace(settings, bearer_token="x"), "dashboard").watched
