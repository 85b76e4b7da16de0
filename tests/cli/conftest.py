"""One server for all of these tests: the command line does not differ by product, and processes are dear."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from opalmind_tui.storage.local_server import LocalServer
from tests.cli.matomo import Served, served
from tests.support.servers import Product, running


@pytest.fixture(scope="session")
def cli_server(any_product: Product) -> Iterator[LocalServer]:
    with running(any_product) as server:
        yield server


@pytest.fixture
def server(cli_server: LocalServer) -> LocalServer:
    """A running, empty server."""
    with redis.Redis.from_url(cli_server.url) as client:
        client.flushall()
    return cli_server


@pytest.fixture
def stand_in() -> Iterator[Served]:
    with served() as stand_in:
        yield stand_in


@pytest.fixture
def healthy_matomo(stand_in: Served) -> dict[str, str]:
    """Settings that name a Matomo that answers, and its token."""
    return stand_in.settings
