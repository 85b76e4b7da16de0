"""`--embedded`: a persistent server of this machine's own while a command runs (ruling 13)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from opalmind_tui.cli.options import data_folder
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.settings import Settings
from opalmind_tui.storage.embedded import EmbeddedServer

LOOK_EVERY = 1.0
"""Seconds between two looks at whether the process that runs the server is still there."""


@contextmanager
def embedded(settings: Settings) -> Iterator[Settings]:
    """Settings that name the server; it runs inside, and ends with the process that started it.

    Raises `StoreUnavailable` when no server can be started.
    """
    server = EmbeddedServer(data_folder() / "server")
    server.ensure()
    ended = threading.Event()
    keeper = threading.Thread(target=_keep, args=(server, ended), name="embedded-server", daemon=True)
    keeper.start()
    try:
        yield replace(settings, redis_url=server.url)
    finally:
        ended.set()
        keeper.join()
        server.stop()


def _keep(server: EmbeddedServer, ended: threading.Event) -> None:
    """Take over when the process that ran the server is gone."""
    while not ended.wait(LOOK_EVERY):
        try:
            server.ensure()
        except StoreUnavailable:
            # The engine notices by itself that the server is away, and says so; the next look tries again.
            continue
