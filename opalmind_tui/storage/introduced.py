"""Connections that say who they are, where the server lets them.

Servers of hosting firms often forbid CLIENT altogether. redis-py then cannot connect with a name; ours goes on without.
"""

from __future__ import annotations

from typing import Any

NAME = "opalmind-tui"
"""What the name of every connection of ours begins with; the process id follows."""


def introduced(kind: type[Any], *, no_touch: bool = False) -> type[Any]:
    """A kind of redis-py's connections, asyncio or blocking, that gives its name if it may.

    Args:
        no_touch: reading changes nothing in the LRU and LFU order of keys, where the server knows that.
    """
    from inspect import iscoroutinefunction

    wishes = (("CLIENT", "NO-TOUCH", "ON"),) if no_touch else ()
    return _for_asyncio(kind, wishes) if iscoroutinefunction(kind.read_response) else _blocking(kind, wishes)


def _for_asyncio(kind: type[Any], wishes: tuple[tuple[str, ...], ...]) -> type[Any]:
    from redis.exceptions import ResponseError

    class Introduced(kind):  # type: ignore[misc]
        client_name: str | None

        async def on_connect_check_health(self, check_health: bool = True) -> None:
            name, self.client_name = self.client_name, None
            try:
                await super().on_connect_check_health(check_health=check_health)
            finally:
                self.client_name = name
            for command in (*([("CLIENT", "SETNAME", name)] if name else []), *wishes):
                await self.send_command(*command, check_health=False)
                try:
                    await self.read_response()
                except ResponseError:
                    # It may not, or the server is older than the command.
                    continue

    return Introduced


def _blocking(kind: type[Any], wishes: tuple[tuple[str, ...], ...]) -> type[Any]:
    from redis.exceptions import ResponseError

    class Introduced(kind):  # type: ignore[misc]
        client_name: str | None

        def on_connect_check_health(self, check_health: bool = True) -> None:
            name, self.client_name = self.client_name, None
            try:
                super().on_connect_check_health(check_health=check_health)
            finally:
                self.client_name = name
            for command in (*([("CLIENT", "SETNAME", name)] if name else []), *wishes):
                self.send_command(*command, check_health=False)
                try:
                    self.read_response()
                except ResponseError:
                    # It may not, or the server is older than the command.
                    continue

    return Introduced
