"""The demo's world: everything starts, answers, and is gone afterwards."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import redis

from opalmind_tui.demo.matomo import StandIn
from opalmind_tui.demo.world import DemoWorld
from opalmind_tui.storage import embedded
from opalmind_tui.storage.local_server import find_binary
from opalmind_tui.tracking import fields
from tests.demo.support import NO_TLS

needs_server = pytest.mark.skipif(find_binary() is None, reason="no server program for the demo")


def folder_of(url: str) -> Path:
    """The folder of a unix socket's address."""
    assert url.startswith("unix://")
    return Path(urlsplit(url).path).parent


def is_empty(folder: Path) -> bool:
    """Nothing is in the folder."""
    return not list(folder.iterdir())


@needs_server
async def test_what_a_killed_demo_left_is_swept_and_nothing_else(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(short_folder))
    for name, lock in (("opalmind-demo-killed", True), ("opalmind-demo-strange", False), ("other", True)):
        (short_folder / name).mkdir()
        if lock:
            (short_folder / name / "lock").touch()
    async with DemoWorld() as first:
        assert not (short_folder / "opalmind-demo-killed").exists()
        async with DemoWorld():
            assert folder_of(first.settings.redis_url).is_dir()
    assert sorted(os.listdir(short_folder)) == ["opalmind-demo-strange", "other"]  # noqa: PTH208


@needs_server
async def test_a_world_starts_and_leaves_nothing(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(short_folder))
    tasks = asyncio.all_tasks()
    async with DemoWorld() as world:
        settings = world.settings
        folder = folder_of(settings.redis_url)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert not world.notice
        assert (settings.environment, settings.matomo_default_site_id) == ("demo", 1)
        assert len(settings.matomo_token) == 32
        with redis.Redis.from_url(settings.redis_url) as client:
            assert client.ping()
            pid = client.info("server")["process_id"]
            assert client.config_get("port") == {"port": "0"}
        async with httpx.AsyncClient(base_url=settings.matomo_base_url, trust_env=False, verify=NO_TLS) as client:
            asked = {"module": "API", "method": "API.getMatomoVersion", "token_auth": settings.matomo_token}
            assert (await client.get("index.php", params=asked)).status_code == 200
    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(("127.0.0.1", world.stand_in.port))
    assert not folder.exists()
    assert is_empty(short_folder)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(RuntimeError):
        _ = world.settings
    await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == tasks
    await world.stop()


@needs_server
async def test_a_failure_half_way_undoes_what_was_started(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(short_folder))
    other = StandIn()
    await other.start()
    servers: list[int] = []
    ensure = embedded.EmbeddedServer.ensure

    def watched(self: embedded.EmbeddedServer) -> None:
        ensure(self)
        assert self._server is not None
        servers.append(self._server.pid)

    monkeypatch.setattr(embedded.EmbeddedServer, "ensure", watched)
    try:
        with pytest.raises(OSError, match="in use"):
            await DemoWorld(port=other.port).start()
    finally:
        await other.stop()
    assert is_empty(short_folder)
    with pytest.raises(ProcessLookupError):
        os.kill(servers[0], 0)


async def test_without_a_server_program_it_says_so_and_names_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "find_binary", lambda: None)
    async with DemoWorld() as world:
        assert "memory" in world.notice
        assert "No Redis or Valkey program" in world.notice
        assert world.settings.redis_configured
        with pytest.raises(redis.ConnectionError):
            redis.Redis.from_url(world.settings.redis_url).ping()


@needs_server
async def test_a_given_folder_keeps_its_data(short_folder: Path) -> None:
    folder = short_folder / "data"
    for expected in (None, b"kept"):
        async with DemoWorld(folder=folder) as world:
            with redis.Redis.from_url(world.settings.redis_url) as client:
                assert client.get("k") == expected
                client.set("k", "kept")
    assert folder.exists()


@needs_server
async def test_a_temporary_folder_with_a_long_path_is_not_used_for_the_socket(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = short_folder / ("x" * 90)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    async with DemoWorld() as world:
        assert not world.notice


async def test_traffic_reaches_the_stand_in_exactly_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "find_binary", lambda: None)
    calls = {"pageview": fields.pageview, "event": fields.event, "goal": fields.goal}
    async with (
        DemoWorld(seed=1, rate=2000) as world,
        httpx.AsyncClient(base_url=world.settings.matomo_base_url, trust_env=False, verify=NO_TLS) as client,
    ):
        enough = asyncio.Event()

        async def track(kind: str, /, **given: object) -> None:
            params = {**calls[kind](given).params, "rec": "1", "mark": str(traffic.tracked)}
            response = await client.post("matomo.php", json={"requests": [params]})
            assert response.json()["tracked"] == 1
            if traffic.tracked > 150:
                enough.set()

        async def report(name: str, /, **params: object) -> None:
            return None

        traffic = world.traffic(track, report)
        task = asyncio.create_task(traffic.run())
        await asyncio.wait_for(enough.wait(), 20)
        task.cancel()
        journal = world.stand_in.journal
        assert traffic.errors == 0
        assert journal.repeated("mark") == {}
        skipped = sum(post.tracked - post.stored for post in journal.posts)
        assert journal.stored + skipped == len(journal.posts) > 150
        assert skipped < 10
