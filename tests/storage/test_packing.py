"""Commands that C puts together are the same bytes on the wire."""

from __future__ import annotations

import pytest
import redis.asyncio.connection
from redis.exceptions import DataError

from opalmind_tui.storage.packing import packing_in_c

COMMANDS = [
    ("PING",),
    ("CONFIG GET", "maxmemory"),
    ("EVALSHA", "abc", 1, b"{q}:", "é€", b"\x00\xff\r\n", 7, -1, 1.5, "", b"x" * 100_000),
    (b"HSET", "key", bytearray(b"field"), memoryview(b"value")),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command[0]))
def test_the_bytes_are_those_of_redis_py(command: tuple[object, ...]) -> None:
    plain = redis.asyncio.connection.Connection()
    fast = packing_in_c(redis.asyncio.connection.Connection)()
    assert type(fast).pack_command is not type(plain).pack_command
    assert b"".join(fast.pack_command(*command)) == b"".join(plain.pack_command(*command))
    together = [command, ("PING",)]
    assert b"".join(fast.pack_commands(together)) == b"".join(plain.pack_commands(together))


def test_what_cannot_be_sent_is_refused() -> None:
    fast = packing_in_c(redis.asyncio.connection.Connection)()
    with pytest.raises(DataError):
        fast.pack_command("SET", "key", object())
