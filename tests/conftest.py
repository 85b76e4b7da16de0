"""Fixtures that every room's tests share."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

# Textual reads these when it is imported; a developer's own must not change a picture.
for _name in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL_ANIMATIONS", "FORCE_COLOR"):
    os.environ.pop(_name, None)
for _name in [name for name in os.environ if name.startswith(("REDIS_", "MATOMO_", "OPAL", "CACHE_TTL"))]:
    os.environ.pop(_name)

import tempfile

# Hand-over files of processes that tests end belong to the tests.
_STATE = tempfile.TemporaryDirectory(prefix="opm-state-")
os.environ["XDG_STATE_HOME"] = _STATE.name
# A developer's own keys and profiles must not change what is tested.
os.environ["XDG_CONFIG_HOME"] = _STATE.name

import pytest
from hypothesis import settings

from opalmind_tui.storage.local_server import LocalServer
from tests.support.cluster import LocalCluster, running_cluster
from tests.support.servers import PRODUCTS, RUNNABLE, Product, running

# In CI every run tries the same examples; at a developer's desk each run tries new ones.
# No time decides a test: a machine may be busy.
settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long the chaos test runs, and which course of events it repeats."""
    parser.addoption("--minutes", type=float, default=0.5, help="minutes of chaos (default 0.5)")
    parser.addoption("--seed", type=int, default=0, help="the seed that a failed chaos test named")


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """What a command does to logging within a test ends with the test."""
    loggers = [logging.getLogger(), logging.getLogger("opalmind_tui")]
    before = [(one, one.level, list(one.handlers), one.propagate) for one in loggers]
    yield
    for one, level, handlers, propagate in before:
        one.setLevel(level)
        one.handlers[:] = handlers
        one.propagate = propagate


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """An empty folder whose path leaves room for a socket's; that of `tmp_path` grows with the number of processes."""
    with tempfile.TemporaryDirectory(prefix="opm-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session", params=PRODUCTS, ids=lambda product: product.name)
def shared_server(request: pytest.FixtureRequest) -> Iterator[LocalServer]:
    """One server of each product for the whole session. Do not stop it; `server` gives it empty."""
    product: Product = request.param
    if product.binary is None:
        pytest.skip(f"{product.name}: {product.why_not}")
    with running(product) as server:
        yield server


@pytest.fixture
def server(shared_server: LocalServer) -> LocalServer:
    """A running, empty server of each product in turn."""
    import redis

    with redis.Redis.from_url(shared_server.url) as client:
        client.flushall()
        client.acl_log_reset()
    return shared_server


@pytest.fixture(scope="session")
def shared_cluster(any_product: Product) -> Iterator[LocalCluster]:
    """One cluster of three primaries for the whole session. Do not stop its nodes; `cluster` gives it empty."""
    with running_cluster(any_product) as cluster:
        yield cluster


@pytest.fixture
def cluster(shared_cluster: LocalCluster) -> LocalCluster:
    """A running, empty cluster."""
    shared_cluster.flush()
    return shared_cluster


@pytest.fixture(scope="session")
def any_product() -> Product:
    """The newest product that runs here, for tests that start, kill or configure a server of their own."""
    if not RUNNABLE:
        pytest.skip("no Redis or Valkey server can be started here")
    return RUNNABLE[1] if len(RUNNABLE) > 1 else RUNNABLE[0]
