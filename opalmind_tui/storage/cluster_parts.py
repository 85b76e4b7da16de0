"""Parts of the client of a Cluster: connections that notice a lost node, scripts that need no loading, pipelines."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from redis import exceptions as errors
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.commands.core import AsyncScript

_LOST: tuple[type[BaseException], ...] = (
    errors.ConnectionError,
    errors.TimeoutError,
    OSError,
    errors.ClusterDownError,
    errors.ReadOnlyError,
    # Somebody lost patience before a bound of ours was reached.
    asyncio.CancelledError,
)
"""After these the slots may have another owner."""
OnLost = Callable[[], None]


def noticing(kind: type[Any], on_lost: OnLost) -> type[Any]:
    """A kind of redis-py's asyncio connections that says so where its node is lost, or serves no more."""

    class Noticing(kind):  # type: ignore[misc]
        async def _connect(self) -> None:
            try:
                await super()._connect()
            except _LOST:
                on_lost()
                raise

        async def read_response(self, *arguments: Any, **named: Any) -> Any:
            try:
                return await super().read_response(*arguments, **named)
            except _LOST:
                on_lost()
                raise

    return Noticing


class ClusterScript(AsyncScript):
    """Not loaded by a command of its own: it would go to all nodes, once for each caller who met one without it."""

    async def __call__(self, keys: Any = None, args: Any = None, client: Any = None) -> Any:
        known: Any = self.registered_client if client is None else client
        number, rest = len(keys or ()), (*(keys or ()), *(args or ()))
        try:
            return await known.evalsha(self.sha, number, *rest)
        except errors.NoScriptError:
            return await known.eval(self.script, number, *rest)


class ClusterPipeline(Pipeline):
    """Gathers commands as any pipeline.

    Args:
        cluster: whose it is.
        run: runs them, and gives an answer or an error for each.
    """

    def __init__(self, cluster: Redis, transaction: bool, run: Callable[..., Awaitable[list[Any]]]) -> None:
        super().__init__(cluster.connection_pool, cluster.response_callbacks, transaction, None)
        self._run = run

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Run them. Raises where a whole node fails; else as any pipeline."""
        stack = list(self.command_stack)
        try:
            answers = await self._run(stack, together=self.is_transaction) if stack else []
        finally:
            await self.reset()  # type: ignore[no-untyped-call]
        for answer in answers:
            if raise_on_error and isinstance(answer, BaseException):
                raise answer
        return answers
