"""The dashboard's own log: a small rotated file that nobody else can read, and its last lines."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from msgspec import Struct

from opalmind_tui.text import safe_text

LARGEST = 512 * 1024
"""Bytes of a file before another is begun."""
OLDER = 2
"""Files that are kept beside the newest."""
READ = 128 * 1024
"""Bytes that a look at the end of a file reads at the most."""
WIDEST = 500
"""Cells of a line that is shown."""


def log_path() -> Path:
    """Where the dashboard's log is (XDG state folder)."""
    import platformdirs

    return platformdirs.user_log_path("opalmind-tui") / "dashboard.log"


class LogFile(RotatingFileHandler):
    """Appends to a file of mode 0600 in a folder of mode 0700. Several processes may share it. Raises `OSError`."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        super().__init__(path, maxBytes=LARGEST, backupCount=OLDER, encoding="utf-8", errors="backslashreplace")

    def _open(self) -> TextIOWrapper:
        found = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        os.fchmod(found, 0o600)
        return open(found, "a", encoding=self.encoding, errors=self.errors)  # noqa: PTH123 - a descriptor

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line to the file of that name, also after another process has begun a new one."""
        try:
            if self.stream is not None and not self._is_current(self.stream):
                self.stream.close()
                self.stream = self._open()
        except OSError:
            return  # The disk is full or the folder gone: a dashboard has nowhere else to say it.
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing: the screen is in use."""

    def _is_current(self, stream: TextIOWrapper) -> bool:
        try:
            named = Path(self.baseFilename).stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(stream.fileno()))


class Tail(Struct, frozen=True):
    """The end of a log: its last lines, oldest first and safe to show, or why there are none."""

    lines: tuple[str, ...] = ()
    trouble: str = ""


def last_lines(path: Path, number: int = 200) -> Tail:
    """The last lines of a log and, where it was just begun, of the file before. Bounded in time and memory."""
    try:
        lines = [*_end_of(path)]
        if len(lines) < number:
            lines = [*_before(path), *lines]
    except OSError as error:
        return Tail(trouble=os.strerror(error.errno or 0))
    return Tail(tuple(safe_text(line, WIDEST) for line in lines[-number:]))


def _before(path: Path) -> Iterator[str]:
    try:
        yield from _end_of(path.with_name(f"{path.name}.1"))
    except OSError:
        return


def _end_of(path: Path) -> Iterator[str]:
    # Neither a link to another's file nor a pipe that would be waited for.
    found = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(found, "rb") as file:
        about = os.fstat(found)
        if not stat.S_ISREG(about.st_mode):
            raise OSError(22, "no file")
        start = max(0, about.st_size - READ)
        file.seek(start)
        lines = file.read(READ).decode("utf-8", "replace").splitlines()
    yield from lines[1:] if start else lines
