"""Connections whose commands end when their task is cancelled.

redis-py sends with `asyncio.wait_for`, which on Python 3.11 forgets a cancellation that comes in the moment in which
the sending is done: the task then goes on for ever, and whoever waits for its end with it. `asyncio.timeout` does not.
"""

from __future__ import annotations

import asyncio
from typing import Any


def cancellable(kind: type[Any]) -> type[Any]:
    """A kind of redis-py's asyncio connections, with the bound on sending kept by `asyncio.timeout`."""
    from redis.exceptions import TimeoutError as RedisTimeout

    class Cancellable(kind):  # type: ignore[misc]
        socket_timeout: float | None

        async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
            bound = self.socket_timeout
            if bound is None or not self.is_connected:
                # Connecting has bounds of its own, and sends by this method again.
                await super().send_packed_command(command, check_health)
                return
            self.socket_timeout = None
            try:
                async with asyncio.timeout(bound):
                    await super().send_packed_command(command, check_health)
            except TimeoutError:
                await self.disconnect(nowait=True)
                raise RedisTimeout("Timeout writing to socket") from None
            finally:
                self.socket_timeout = bound

    return Cancellable
