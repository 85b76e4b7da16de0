"""Recordings on disk: readable by nobody else, never over a file that is there, whole up to the last snapshot."""

from __future__ import annotations

import os
import queue
import secrets
import threading
import zlib
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from opalmind_tui.errors import OpalmindError
from opalmind_tui.private_file import create
from opalmind_tui.recording.codec import Codec
from opalmind_tui.recording.coders import Clean
from opalmind_tui.recording.form import GZIP, MOST_ENTRIES, head_line, line
from opalmind_tui.recording.tape import Tape
from opalmind_tui.snapshot.audit import AuditEntry
from opalmind_tui.snapshot.model import Snapshot

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


def packed(raw: bytes) -> bytes:
    """A gzip member."""
    packer = zlib.compressobj(wbits=GZIP)
    return packer.compress(raw) + packer.flush()


class Recorder:
    """Keeps what a dashboard sees, and writes it to a file where that was asked for.

    Args:
        product: the version of this program.
        clean: every text goes through it (I10).
        path: a new file that everything is written to from now on; None for none.
        at: when that begins, epoch seconds.

    Raises `CannotRecord`.
    """

    def __init__(self, product: str, clean: Clean = str, path: Path | None = None, at: float = 0.0) -> None:
        self.file = Writing(path) if path is not None else None
        if self.file is not None:
            self.file.put(packed(head_line(product, at)))
        self._product = product
        self.tape = Tape(clean, self.file.put if self.file is not None else None)

    def take(self, snapshot: Snapshot) -> None:
        """Note a snapshot."""
        self.tape.take(snapshot)

    def contents(self, audit: Sequence[AuditEntry] = ()) -> bytes:
        """A recording of what is kept. `audit`: what operators did, the newest first."""
        tape = self.tape
        coder = Codec(tape.clean).of(AuditEntry)
        entries = [coder.plain(entry) for entry in audit[:MOST_ENTRIES]]
        head = packed(head_line(self._product, tape.span[1]))
        return head + tape.packed() + packed(line({"audit": entries}))

    @property
    def trouble(self) -> str:
        """Why nothing is written to the file any more; empty while it goes on."""
        return self.file.trouble if self.file is not None else ""

    def end(self) -> None:
        """No more will come. A file with nothing in it goes."""
        empty = not self.tape.frames
        self.tape.end()
        if self.file is not None:
            self.file.end()
            if empty:
                self.file.path.unlink(missing_ok=True)


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
