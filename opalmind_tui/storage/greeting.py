"""What a new connection says first: who it is, where the server lets it.

redis-py gives a connection up when `CLIENT SETNAME` is refused. Managed servers forbid CLIENT, and serve all the same.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from redis.exceptions import ResponseError


def _name() -> str:
    return f"opalmind-tui-{os.getpid()}"


async def greet(connection: Any) -> None:
    """Set up one of redis-py's asyncio connections, and name it."""
    await connection.on_connect()
    await connection.send_command("CLIENT", "SETNAME", _name(), check_health=False)
    with suppress(ResponseError):
        await connection.read_response()


def greet_blocking(connection: Any) -> None:
    """The same for a blocking one."""
    connection.on_connect()
    connection.send_command("CLIENT", "SETNAME", _name(), check_health=False)
    with suppress(ResponseError):
        connection.read_response()
