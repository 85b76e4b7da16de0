"""Calls that arrive while one is under way travel together in the next; each gets its own answer.

A store is asked once for fifty callers instead of fifty times. Nobody waits for a group to fill: the first call goes at
once, and what comes meanwhile goes as soon as its answer is there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar, cast

from msgspec import Struct

T = TypeVar("T")
R = TypeVar("R")


class _Call(Struct, Generic[T, R]):
    items: Sequence[T]
    answered: asyncio.Future[list[R]]


class GroupCommit(Generic[T, R]):
    """Groups calls.

    Args:
        commit: does the work for a group, one answer for each item, in order. What it raises every caller gets.
        most: items of one group; a single call may hold more.
        lanes: groups that are under way at the most; a further one goes only when it is full.

    Used from one event loop.
    """

    def __init__(self, commit: Callable[[list[T]], Awaitable[list[R]]], most: int, lanes: int = 1) -> None:
        self._commit = commit
        self.most = most
        self._lanes = lanes
        self._waiting: deque[_Call[T, R]] = deque()
        self._running: set[asyncio.Task[None]] = set()

    async def add(self, items: Sequence[T]) -> list[R]:
        """Have items committed; returns their answers once they are. A cancelled caller cancels nobody else, and what
        it asked for happens all the same."""
        call: _Call[T, R] = _Call(items, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if not self._running or (len(self._running) < self._lanes and len(self._waiting) >= self.most):
            # A task of its own: the first caller's cancellation must not reach those who travel with it.
            running = asyncio.create_task(self._run(), name="group-commit")
            self._running.add(running)
        return await call.answered

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._commit_group(self._take())
        finally:
            # Here, not when the task is done: whoever calls in between would wait for nobody.
            self._running.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    def _take(self) -> list[_Call[T, R]]:
        group = [self._waiting.popleft()]
        size = len(group[0].items)
        while self._waiting and size + len(self._waiting[0].items) <= self.most:
            group.append(self._waiting.popleft())
            size += len(group[-1].items)
        return group

    async def _commit_group(self, group: list[_Call[T, R]]) -> None:
        try:
            answers = await self._commit([item for call in group for item in call.items])
        except BaseException as error:
            for call in group:
                _fail(call.answered, error)
            if not isinstance(error, Exception):
                raise
            return
        start = 0
        for call in group:
            end = start + len(call.items)
            # One that is done already was cancelled: its caller is gone.
            if not call.answered.done():
                call.answered.set_result(answers[start:end])
            start = end


def _fail(answered: asyncio.Future[list[R]], error: BaseException) -> None:
    if answered.done():
        return
    if isinstance(error, asyncio.CancelledError):
        answered.cancel()
        return
    answered.set_exception(error)
    # Its caller may be gone: nobody is left to be told then.
    answered.exception()
