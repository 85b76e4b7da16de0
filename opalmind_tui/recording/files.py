"""Recordings on disk: readable by nobody else, never over a file that is there, whole up to the last snapshot."""

from __future__ import annotations

import os
import queue
import secrets
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from opalmind_tui.errors import OpalmindError
from opalmind_tui.private_file import create

MOST_WRITTEN = 64 * 2**20
"""Bytes of a file that is written on and on; it ends there."""
_WAITING = 1_000
"""Pieces that wait for a slow disk."""
_PATIENCE = 1.0
SUFFIX = ".jsonl.gz"


class CannotRecord(OpalmindError):
    """No file can be written. The text says where and why."""


def folder() -> Path:
    """Where recordings are saved (XDG state)."""
    import platformdirs

    return platformdirs.user_state_path("opalmind-tui") / "recordings"


def save(recording: bytes, moment: float, into: Path | None = None) -> Path:
    """Write `contents` to a new file, whole or not at all. Raises `CannotRecord`.

    Args:
        moment: for its name, epoch seconds.
        into: the folder; None for the usual one.
    """
    stamp = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    path = (into or folder()) / f"{stamp}-{secrets.token_hex(2)}{SUFFIX}"
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(create(part), "wb") as file:
            file.write(recording)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise CannotRecord(f"{path.parent} cannot take a recording: {error.strerror}") from None
    return path


class Writing:
    """A new file that grows. A thread of its own waits for the disk.

    Raises `CannotRecord`.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = create(path)
        except OSError as error:
            raise CannotRecord(f"{path}: {error.strerror}") from None
        self.path = path
        self.trouble = ""
        """Why no more is written; empty while it goes on."""
        self._written = 0
        self._pieces: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._write, name="recording", daemon=True)
        self._thread.start()

    def put(self, piece: bytes) -> None:
        """Write a piece, soon. Once there is a `trouble` nothing more is: what comes later would not fit."""
        self._written += len(piece)
        if self._written > MOST_WRITTEN and not self.trouble:
            self.trouble = f"{self.path} has reached {MOST_WRITTEN // 2**20} MiB: the recording ends there"
        if self.trouble:
            return
        try:
            self._pieces.put_nowait(piece)
        except queue.Full:
            self.trouble = f"{self.path}: the disk takes nothing, the recording ends there"

    def end(self) -> None:
        """Wait a moment for the disk."""
        with suppress(queue.Full):
            self._pieces.put(None, timeout=_PATIENCE)
            self._thread.join(_PATIENCE)

    def _write(self) -> None:
        try:
            while (piece := self._pieces.get()) is not None:
                while piece:
                    piece = piece[os.write(self._file, piece) :]
            os.fsync(self._file)
        except OSError as error:
            self.trouble = f"{self.path}: {error.strerror}, the recording ends there"
        finally:
            os.close(self._file)
