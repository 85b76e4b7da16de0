"""Serving the figures of an engine for as long as it runs."""

from __future__ import annotations

import os

from opalmind_tui.errors import BadArgument
from opalmind_tui.metrics.look import Looker, Source
from opalmind_tui.metrics.page import Pages
from opalmind_tui.metrics.server import MetricsServer


class Export:
    """Looks at an engine and serves what was seen.

    Args:
        source: the engine; it may start after `open`.
    """

    def __init__(self, source: Source) -> None:
        self._looker = Looker(source)
        self._server = MetricsServer(Pages(self._looker).answer)

    async def open(self, host: str, port: int) -> str:
        """Listen; returns the address. Raises `BadArgument` where that cannot be."""
        try:
            found = await self._server.start(host, port)
        except OSError as error:
            number = error.errno or 0
            why = os.strerror(number) if number > 0 else str(error.strerror)
            raise BadArgument("--metrics", f"cannot listen on {host} port {port}: {why}") from error
        return f"http://{f'[{host}]' if ':' in host else host}:{found}/metrics"

    async def watch(self) -> None:
        """Look again and again, once the engine has started. Runs until it is cancelled."""
        await self._looker.run()

    async def close(self) -> None:
        """Serve no more."""
        await self._server.close()
