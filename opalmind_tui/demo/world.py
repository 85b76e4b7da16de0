"""A world of its own for the demo: a local server, a stand-in Matomo, and settings that point to them."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType

from opalmind_tui.demo.matomo import StandIn
from opalmind_tui.demo.traffic import Report, Track, Traffic
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.embedded import SOCKET_PATH_LIMIT, EmbeddedServer

PREFIX = "opalmind-demo-"
SHORT_FOLDER = Path("/tmp")
"""Where the socket goes when the usual place for temporary files has too long a path for one."""
KEEP_HITS = 20_000
"""Stored hits that the stand-in remembers; a demo may run for days."""


class DemoWorld:
    """Everything that the demo needs around the engine. Use it as an async context manager, or `start` and `stop`.

    Args:
        folder: where the server keeps its data; None takes a private temporary folder that goes with the world.
        port: of the stand-in; 0 takes a free one. A folder that is used again needs the same port again, because
            requests belong to the Matomo that they were accepted for.
        seed: settles the stand-in's made-up past, its faults, and the traffic (None draws the traffic anew).
        rate: hits a second.
    """

    def __init__(
        self, *, folder: Path | None = None, port: int = 0, seed: int | None = None, rate: float = 3.0
    ) -> None:
        self._folder, self._seed, self._rate = folder, seed, rate
        self._token = secrets.token_hex(16)
        self._ends = AsyncExitStack()
        self._settings: Settings | None = None
        self.stand_in = StandIn(port, self._token, seed if seed is not None else 1, keep=KEEP_HITS)
        self.notice = ""
        """Why there is no local server, in words for people; empty when there is one."""

    @property
    def settings(self) -> Settings:
        """What the engine is to be told. Raises `RuntimeError` before `start`."""
        if self._settings is None:
            raise RuntimeError("the demo's world has not been started")
        return self._settings

    async def start(self) -> Settings:
        """Start it all; what was started ends again when something fails. Without a server program: `notice` says so,
        and the settings name a server that does not exist, so that the engine runs on memory.

        Raises `OSError` when the port or the folder cannot be had.
        """
        try:
            folder = self._folder or self._temporary_folder()
            redis_url = self._start_server(folder)
            # First registered: a start that fails half way is undone, too.
            self._ends.push_async_callback(self.stand_in.stop)
            await self.stand_in.start()
        except BaseException:
            await self.stop()
            raise
        self._settings = Settings(
            redis_url=redis_url, matomo_base_url=self.stand_in.url, matomo_token=self._token,
            matomo_default_site_id=1, environment="demo",
        )  # fmt: skip
        return self._settings

    async def stop(self) -> None:
        """End and remove it all; safe to call twice."""
        self._settings = None
        await self._ends.aclose()

    def traffic(self, track: Track, report: Report) -> Traffic:
        """The demo's visitors and readers on two callables; run it as a task, cancel it to stop."""
        return Traffic(track, report, rate=self._rate, seed=self._seed)

    def _temporary_folder(self) -> Path:
        usual = Path(tempfile.gettempdir())
        too_long = len(str(usual / f"{PREFIX}12345678" / "server.sock")) > SOCKET_PATH_LIMIT
        parent = SHORT_FOLDER if too_long else usual
        _sweep(parent)
        made = tempfile.TemporaryDirectory(prefix=PREFIX, dir=parent)
        self._ends.callback(made.cleanup)
        return Path(made.name)

    def _start_server(self, folder: Path) -> str:
        # On this thread: on Linux the server ends with the thread that started it.
        server = EmbeddedServer(folder)
        self._ends.callback(server.stop)
        try:
            server.ensure()
        except StoreUnavailable as error:
            self.notice = f"{error.sentence}. {error.remedy} The demo keeps its queue in memory."
        return server.url

    async def __aenter__(self) -> DemoWorld:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


def _sweep(parent: Path) -> None:
    """Remove what demos left behind that were killed: folders of ours whose server nobody runs any more."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if folder.stat().st_uid == os.getuid() and (folder / "lock").is_file() and EmbeddedServer.is_idle(folder):
                shutil.rmtree(folder)
