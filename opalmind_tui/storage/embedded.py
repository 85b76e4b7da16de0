"""The server of ``--embedded``: one for each folder, started by the first process, shared by the others (ruling 13)."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.storage.local_server import LocalServer, find_binary

SOCKET_PATH_LIMIT = 100
"""Characters of a unix socket's path that every system takes."""


class EmbeddedServer:
    """A persistent local server that belongs to a folder.

    Whoever holds the folder's lock runs the server; every other process attaches to its socket, and takes over when
    the holder is gone.

    Args:
        folder: holds lock, socket and data; made 0700.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock: int | None = None
        self._server: LocalServer | None = None

    @property
    def url(self) -> str:
        """What `REDIS_URL` would hold."""
        return f"unix://{self.folder / 'server.sock'}?db=0"

    @property
    def owned(self) -> bool:
        """This process runs the server."""
        return self._lock is not None

    def ensure(self) -> None:
        """Run the server, or see that another process does. Blocks for seconds at the most; safe to call again.

        Raises `StoreUnavailable` when there is no server program, it does not start, or the folder cannot be used.
        """
        try:
            self._ensure()
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise StoreUnavailable(
                "local-server", f"No server can be run in {self.folder}: {why}",
                "Set XDG_DATA_HOME to a folder that can be written.",
            ) from error  # fmt: skip

    def _ensure(self) -> None:
        if len(str(self.folder / "server.sock")) > SOCKET_PATH_LIMIT:
            raise StoreUnavailable(
                "local-server", "The data folder's path is too long for a socket", "Set XDG_DATA_HOME to a shorter one."
            )
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        if self._lock is None:
            self._lock = self._try_lock()
        if self._lock is None:
            return
        server = self._server or LocalServer(self._binary(), self.folder, persistent=True)
        # A server without its owner may still be ending: two on one folder would spoil its data.
        if not server.answers():
            server.stop()
            server.start()
        self._server = server

    def _binary(self) -> Path:
        if binary := find_binary():
            return binary
        self._unlock()
        raise StoreUnavailable(
            "local-server", "No Redis or Valkey program was found", "Install valkey or redis, or set REDIS_URL."
        )

    def _try_lock(self) -> int | None:
        handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        return handle

    def _unlock(self) -> None:
        if self._lock is not None:
            with contextlib.suppress(OSError):
                os.close(self._lock)
            self._lock = None

    @classmethod
    def is_idle(cls, folder: Path) -> bool:
        """No process runs a server in this folder. Raises `OSError` where it cannot be told."""
        looked = cls(folder)
        looked._lock = looked._try_lock()
        try:
            return looked.owned
        finally:
            looked._unlock()

    def stop(self) -> None:
        """End the server if this process runs it; its data stays."""
        try:
            if self._server is not None:
                self._server.stop()
                self._server = None
        finally:
            self._unlock()
