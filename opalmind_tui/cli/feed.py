"""Reads a file or a pipe without stopping the event loop: a thread reads and parses, batches come over one by one."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import CancelledError
from io import FileIO
from stat import S_ISREG

from opalmind_tui.errors import OpalmindError
from opalmind_tui.tracking.lines import Line, read_lines

CHUNK = 65_536
"""Bytes of one read. From a pipe comes what is there, so that nothing waits for a batch to fill."""
BATCH = 125
"""Lines offered to the queue at once: no more than it takes in one script, so that a batch is stored whole or not."""
AHEAD = 4
"""Batches read ahead of the queue."""


class SourceUnreadable(OpalmindError):
    """The input cannot be opened or read."""


def open_source(name: str) -> FileIO:
    """The file with this name, or stdin for ``-``. Raises `SourceUnreadable`."""
    if name == "-" and sys.stdin is None:
        raise SourceUnreadable("stdin is closed")
    try:
        # Unbuffered: a thread that waits in a buffered read would hold a lock that the end of the program needs.
        return FileIO(0, closefd=False) if name == "-" else FileIO(name)
    except OSError as error:
        raise SourceUnreadable(f"{name}: {error.strerror}") from None


def size_of(source: FileIO) -> int | None:
    """Bytes of a regular file; None for a pipe, whose size nobody knows."""
    status = os.fstat(source.fileno())
    return status.st_size if S_ISREG(status.st_mode) else None


async def batches(source: FileIO, default_site_id: int | None) -> AsyncGenerator[list[Line], None]:
    """The lines of the source, up to `BATCH` at a time. Raises `SourceUnreadable` when reading fails on the way."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Queue[list[Line] | OSError | None] = asyncio.Queue(AHEAD)

    ended = threading.Event()

    def hand_over(found: list[Line] | OSError | None) -> None:
        if not ended.is_set():
            asyncio.run_coroutine_threadsafe(ready.put(found), loop).result()

    def pump() -> None:
        try:
            for lines in read_lines(_chunks(source, ended), default_site_id=default_site_id):
                for start in range(0, len(lines), BATCH):
                    hand_over(lines[start : start + BATCH])
            hand_over(None)
        except OSError as error:
            hand_over(error)
        except (RuntimeError, CancelledError):
            # Nobody waits for the rest any more, as after ctrl+c: the loop that would take it is gone.
            if not ended.is_set():
                raise

    threading.Thread(target=pump, name="track-from", daemon=True).start()
    try:
        while (found := await ready.get()) is not None:
            if isinstance(found, OSError):
                raise SourceUnreadable(f"The input cannot be read on: {found.strerror}")
            yield found
    finally:
        ended.set()


def _chunks(source: FileIO, ended: threading.Event) -> Iterator[bytes]:
    while not ended.is_set() and (chunk := source.read(CHUNK)):
        yield chunk
