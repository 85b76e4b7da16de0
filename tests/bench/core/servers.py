"""A fresh server for every measurement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis

from opalmind_tui.storage.local_server import LocalServer
from tests.support.servers import RUNNABLE, Product, running

PERSISTENCE = {
    "no persistence": (False, ()),
    "everysec": (True, ()),
    "always": (True, ("--appendfsync", "always")),
}


def product(name: str) -> Product:
    """The product whose name begins so. Raises `LookupError` naming those that run here."""
    for found in RUNNABLE:
        if found.name.startswith(name):
            return found
    raise LookupError(f"no server {name!r} runs here; there are: {', '.join(p.name for p in RUNNABLE)}")


@contextmanager
def fresh(of: Product, persistence: str = "no persistence") -> Iterator[LocalServer]:
    """A server with nothing in it."""
    persistent, extra = PERSISTENCE[persistence]
    with running(of, persistent=persistent, extra=extra) as server:
        yield server


def used_memory(server: LocalServer) -> int:
    """Bytes that the server uses, without what clients and the replies to them take."""
    with redis.Redis.from_url(server.url) as client:
        found = client.memory_stats()
        return int(found["total.allocated"]) - int(found["clients.normal"])


def processor_time(server: LocalServer) -> float:
    """Seconds of processor time that the server has used."""
    with redis.Redis.from_url(server.url) as client:
        found = client.info("cpu")
        return float(found["used_cpu_user"]) + float(found["used_cpu_sys"])
