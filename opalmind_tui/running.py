"""Runs a program's coroutine and leaves the process without waiting for a thread that hangs."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")
PATIENCE = 0.1
"""Seconds that a worker thread gets to end by itself."""


class _Loop(asyncio.SelectorEventLoop):
    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Not waited for: a resolver that swallows questions keeps its thread for half a minute and more."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, but a name look-up that hangs holds up nobody's end."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main)


def leave(code: int) -> NoReturn:
    """End the process with this exit code, whatever a worker thread still waits for."""
    workers = [thread for thread in threading.enumerate() if thread.name.startswith("asyncio_")]
    for thread in workers:
        thread.join(PATIENCE)
    if any(thread.is_alive() for thread in workers):
        for stream in (sys.stdout, sys.stderr):
            if stream is not None and not stream.closed:
                stream.flush()
        os._exit(code)
    sys.exit(code)
