"""What a new connection says first: who it is, where the server lets it.

redis-py gives a connection up when `CLIENT SETNAME` is refused. Managed servers forbid CLIENT, and serve all the same.
And it swallows the answer to `CLIENT SETINFO`, though that may be a server's only word before it closes (too many
clients, protected mode): so that is not said (`connection` sees to it).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

from opalmind_tui.storage.tls import explained
from opalmind_tui.storage.trouble import Named

NAME = "opalmind-tui"
"""What the name of every connection of ours begins with; the process id follows."""
_UNIMPORTANT = ("PERMISSION", "UNKNOWN COMMAND", "UNKNOWN SUBCOMMAND")
"""Refusals of the wish alone: by an ACL, or by a server that does not know it."""
_ROLE = ("INFO", "replication")
"""Asked with a command that we are permitted anyway; ROLE is one that few users are."""


def greeter(*, no_touch: bool = False, primary: bool = False) -> Callable[[Any], Awaitable[None]]:
    """Sets up redis-py's asyncio connections, and names them.

    Args:
        no_touch: reading changes nothing in the LRU and LFU order of keys, where the server knows that.
        primary: a server that says that it is a replica will not do.
    """

    async def greet(connection: Any) -> None:
        from redis.exceptions import ConnectionError, InvalidResponse, ResponseError

        try:
            await connection.on_connect()
            for command in _wishes(no_touch, primary):
                await connection.send_command(*command, check_health=False)
                try:
                    _look_at(command, await connection.read_response())
                except ResponseError as error:
                    _forgive(error)
        except (ConnectionError, InvalidResponse) as error:
            if (kind := await asyncio.to_thread(explained, connection, error)) is not None:
                raise Named(kind) from error
            raise

    return greet


def blocking_greeter(*, primary: bool = False) -> Callable[[Any], None]:
    """The same for blocking connections."""

    def greet(connection: Any) -> None:
        from redis.exceptions import ConnectionError, InvalidResponse, ResponseError

        try:
            connection.on_connect()
            for command in _wishes(no_touch=False, primary=primary):
                connection.send_command(*command, check_health=False)
                try:
                    _look_at(command, connection.read_response())
                except ResponseError as error:
                    _forgive(error)
        except (ConnectionError, InvalidResponse) as error:
            if (kind := explained(connection, error)) is not None:
                raise Named(kind) from error
            raise

    return greet


def _wishes(no_touch: bool, primary: bool) -> list[tuple[str, ...]]:
    named: list[tuple[str, ...]] = [("CLIENT", "SETNAME", f"{NAME}-{os.getpid()}")]
    named += [("CLIENT", "NO-TOUCH", "ON")] if no_touch else []
    return [*named, _ROLE] if primary else named


def _look_at(command: tuple[str, ...], reply: Any) -> None:
    """Raise `Named` for a replica where the primary is wanted."""
    if command == _ROLE and b"role:slave" in bytes(reply):
        raise Named("fail-over")


def _forgive(error: Exception) -> None:
    text = str(error).upper()
    if not any(refusal in text for refusal in _UNIMPORTANT):
        raise error
