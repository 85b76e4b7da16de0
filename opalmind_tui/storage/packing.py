"""Connections that put commands together in C.

redis-py does so on its blocking connections only. On asyncio ones it joins a command in Python, one argument after the
other: for a script over a hundred requests that takes longer than all the rest.
"""

from __future__ import annotations

from typing import Any


def packing_in_c(kind: type[Any]) -> type[Any]:
    """A kind of redis-py's asyncio connections that packs commands with hiredis; itself where hiredis is missing."""
    from redis.connection import HiredisRespSerializer
    from redis.utils import HIREDIS_AVAILABLE

    if not HIREDIS_AVAILABLE:
        return kind
    from hiredis import pack_command as pack

    class Packing(kind):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self._serializer = HiredisRespSerializer()

        def pack_command(self, *arguments: Any) -> list[bytes]:
            name = arguments[0]
            if isinstance(name, str) and " " not in name:
                try:
                    return [pack(arguments)]
                except TypeError:
                    # Of a type that redis-py knows to turn into bytes, or refuses in its own words.
                    pass
            packed: list[bytes] = self._serializer.pack(*arguments)
            return packed

    return Packing
