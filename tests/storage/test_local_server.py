"""Servers of our own start, keep their data, are shared by processes, and end with them."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.storage import embedded
from opalmind_tui.storage.embedded import EmbeddedServer
from opalmind_tui.storage.local_server import LocalServer, find_binary
from tests.support.servers import Product

HOLD = """
import sys, time
from pathlib import Path
from opalmind_tui.storage.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1])); server.ensure()
print(server.owned, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _needs_a_server(any_product: Product) -> None:
    assert find_binary() is not None


def wait_for(condition, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_data_outlives_the_server(short_folder: Path) -> None:
    server = EmbeddedServer(short_folder / "data")
    server.ensure()
    assert server.owned
    assert stat.S_IMODE((short_folder / "data").stat().st_mode) == 0o700
    redis.Redis.from_url(server.url).set("kept", "1")
    server.stop()
    again = EmbeddedServer(short_folder / "data")
    again.ensure()
    assert redis.Redis.from_url(again.url).get("kept") == b"1"
    again.stop()


def test_a_second_process_attaches_and_takes_over_when_the_first_is_killed(short_folder: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(short_folder)]
    first = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert first.stdout.readline().strip() == "True"
    second = EmbeddedServer(short_folder)
    second.ensure()
    assert not second.owned
    redis.Redis.from_url(second.url).set("kept", "1")
    first.send_signal(signal.SIGKILL)
    first.wait()
    probe = LocalServer(Path("none"), short_folder)
    if sys.platform == "linux":
        wait_for(lambda: not probe.answers())
    second.ensure()
    assert second.owned
    assert redis.Redis.from_url(second.url).get("kept") == b"1"
    second.stop()
    assert not probe.answers()


def test_a_server_that_cannot_start_shows_its_log(short_folder: Path, any_product: Product) -> None:
    assert any_product.binary is not None
    server = LocalServer(any_product.binary, short_folder, extra=("--no-such-setting", "1"))
    with pytest.raises(StoreUnavailable):
        server.start()
    assert server.pid == 0


def test_no_server_program(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "find_binary", lambda: None)
    server = EmbeddedServer(short_folder)
    with pytest.raises(StoreUnavailable, match="No Redis or Valkey"):
        server.ensure()
    assert not server.owned


def test_a_folder_that_cannot_be_used_is_no_bug_of_ours(short_folder: Path) -> None:
    (short_folder / "file").touch()
    with pytest.raises(StoreUnavailable, match=r"in .*: Not a directory\. Set XDG_DATA_HOME"):
        EmbeddedServer(short_folder / "file" / "server").ensure()


def test_a_path_too_long_for_a_socket(short_folder: Path) -> None:
    with pytest.raises(StoreUnavailable, match="too long"):
        EmbeddedServer(short_folder / ("x" * 120)).ensure()


def test_stopping_a_stopped_server_is_fine(short_folder: Path) -> None:
    server = EmbeddedServer(short_folder)
    server.ensure()
    os.kill(redis.Redis.from_url(server.url).info("server")["process_id"], signal.SIGKILL)
    server.stop()
    server.stop()
