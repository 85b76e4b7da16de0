"""What a new connection says first: who it is, where the server lets it.

redis-py gives a connection up when `CLIENT SETNAME` is refused. Managed servers forbid CLIENT, and serve all the same.
And it swallows the answer to `CLIENT SETINFO`, though that may be a server's only word before it closes (too many
clients, protected mode): so that is not said.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

NAME = "opalmind-tui"
"""What the name of every connection of ours begins with; the process id follows."""
_UNIMPORTANT = ("PERMISSION", "UNKNOWN COMMAND", "UNKNOWN SUBCOMMAND")
"""Refusals of the wish alone: by an ACL, or by a server that does not know it."""


def greeter(*, no_touch: bool = False) -> Callable[[Any], Awaitable[None]]:
    """Sets up redis-py's asyncio connections, and names them.

    Args:
        no_touch: reading changes nothing in the LRU and LFU order of keys, where the server knows that.
    """

    async def greet(connection: Any) -> None:
        from redis.exceptions import ResponseError

        _name_no_library(connection)
        await connection.on_connect()
        for command in _wishes(no_touch):
            await connection.send_command(*command, check_health=False)
            try:
                await connection.read_response()
            except ResponseError as error:
                _forgive(error)

    return greet


def greet_blocking(connection: Any) -> None:
    """The same for a blocking connection."""
    from redis.exceptions import ResponseError

    _name_no_library(connection)
    connection.on_connect()
    for command in _wishes(no_touch=False):
        connection.send_command(*command, check_health=False)
        try:
            connection.read_response()
        except ResponseError as error:
            _forgive(error)


def _wishes(no_touch: bool) -> list[tuple[str, ...]]:
    named = [("CLIENT", "SETNAME", f"{NAME}-{os.getpid()}")]
    return [*named, ("CLIENT", "NO-TOUCH", "ON")] if no_touch else [*named]


def _name_no_library(connection: Any) -> None:
    connection.driver_info = connection.lib_name = connection.lib_version = None


def _forgive(error: Exception) -> None:
    text = str(error).upper()
    if not any(refusal in text for refusal in _UNIMPORTANT):
        raise error
