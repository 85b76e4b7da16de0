"""A cancelled task ends, whenever in a command the cancellation comes."""

from __future__ import annotations

import asyncio

import pytest

from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.local_server import LocalServer


async def test_a_cancellation_in_any_step_of_a_command_ends_the_task(server: LocalServer) -> None:
    client = async_client(Settings(redis_url=server.url))

    async def work() -> None:
        for _ in range(200):
            await client.set("key", b"x" * 1000)

    try:
        # One more turn of the loop before each cancellation, so that it meets every step of a command.
        for turns in range(40):
            task = asyncio.create_task(work())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await client.ping()
    finally:
        await client.aclose()


async def test_a_server_that_takes_nothing_is_a_time_out() -> None:
    held: list[asyncio.StreamWriter] = []

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        while data := await reader.read(4096):
            writer.write(b"+OK\r\n" * data.count(b"*"))
            if b"SETNAME" in data:
                # The greeting is over; what comes now is left lying.
                return

    from redis.exceptions import TimeoutError as RedisTimeout

    listener = await asyncio.start_server(hold, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    client = async_client(Settings(redis_host="127.0.0.1", redis_port=port), timeout=0.3)
    try:
        with pytest.raises(RedisTimeout):
            await client.set("key", b"x" * 50_000_000)
    finally:
        await client.aclose()
        for writer in held:
            writer.close()
        listener.close()
