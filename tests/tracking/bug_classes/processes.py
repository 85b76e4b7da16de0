"""Processes of their own for these tests, forked from one that has loaded everything: each starts in milliseconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.tracking.bug_classes.courses"])


class Child:
    """A process that runs a course and talks by a pipe.

    Args:
        course: a coroutine function of this package; it gets the pipe's end and the arguments.
    """

    def __init__(self, course: Callable[..., Any], *arguments: Any) -> None:
        self._pipe, theirs = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=_run, args=(course, theirs, *arguments), daemon=True)
        self.process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process.pid is not None
        return self.process.pid

    def say(self, what: Any) -> None:
        """Tell it something."""
        self._pipe.send(what)

    async def hear(self) -> Any:
        """What it says next. Raises `EOFError` when it has ended."""
        return await asyncio.to_thread(self._pipe.recv)

    async def ended(self) -> list[Any]:
        """Wait for its end, however it comes. Returns what it had said and nobody heard."""
        await asyncio.to_thread(self.process.join, 60)
        assert self.process.exitcode is not None, "it does not end"
        heard = []
        try:
            while self._pipe.poll():
                heard.append(self._pipe.recv())
        except EOFError:
            pass
        return heard

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.join()
        self._pipe.close()


def _run(course: Callable[..., Any], pipe: Connection, *arguments: Any) -> None:
    asyncio.run(course(pipe, *arguments))
