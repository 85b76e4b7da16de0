"""What a new connection says first: who it is, where the server lets it.

redis-py gives a connection up when `CLIENT SETNAME` is refused. Managed servers forbid CLIENT, and serve all the same.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

NAME = "opalmind-tui"
"""What the name of every connection of ours begins with; the process id follows."""


def greeter(*, no_touch: bool = False) -> Callable[[Any], Awaitable[None]]:
    """Sets up redis-py's asyncio connections, and names them.

    Args:
        no_touch: reading changes nothing in the LRU and LFU order of keys, where the server knows that.
    """

    async def greet(connection: Any) -> None:
        from redis.exceptions import ResponseError

        await connection.on_connect()
        for command in _wishes(no_touch):
            await connection.send_command(*command, check_health=False)
            with suppress(ResponseError):
                await connection.read_response()

    return greet


def greet_blocking(connection: Any) -> None:
    """The same for a blocking connection."""
    from redis.exceptions import ResponseError

    connection.on_connect()
    for command in _wishes(no_touch=False):
        connection.send_command(*command, check_health=False)
        with suppress(ResponseError):
            connection.read_response()


def _wishes(no_touch: bool) -> list[tuple[str, ...]]:
    named = [("CLIENT", "SETNAME", f"{NAME}-{os.getpid()}")]
    return [*named, ("CLIENT", "NO-TOUCH", "ON")] if no_touch else [*named]
