"""A TCP proxy on loopback between a client and a real server, which loses, holds back or cuts what a test wants.

It reads whole commands and whole replies (RESP 2 and 3), so that what happens is never left to the size of a packet:
a reply that is dropped belongs to a command that ran.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum

HOST = "127.0.0.1"
TROUBLES = (OSError, EOFError, ValueError, asyncio.LimitOverrunError)
NESTED = {b"*": 1, b"~": 1, b">": 1, b"%": 2}
"""Replies made of replies, and how many each of their number stands for."""


class Fault(StrEnum):
    """What becomes of one command."""

    DROP_REPLY = "drop-reply"
    """It runs, and its connection ends before the reply."""
    CUT_REPLY = "cut-reply"
    """It runs, and its connection ends in the middle of the reply."""
    DROP_COMMAND = "drop-command"
    """It does not run, and its connection ends."""
    DELAY = "delay"
    """It runs, and its reply comes `Proxy.delay` seconds later."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command on its way.

    Args:
        number: counted from 1 over all connections.
        words: its words. client: which connection sent it, counted from 1.
    """

    number: int
    words: tuple[bytes, ...]
    client: int

    @property
    def name(self) -> str:
        """Its name in capitals."""
        return self.words[0].upper().decode("ascii", "replace")

    @property
    def script(self) -> bytes:
        """The hash of the script that it runs; empty for another command."""
        return self.words[1] if self.name == "EVALSHA" else b""


Script = Callable[[Command], Fault | None]
"""Chooses what becomes of a command; None lets it through."""


class Proxy:
    """Stands before a server.

    Args:
        port: the server's.
        script: what becomes of each command.
        delay: seconds that a delayed reply takes.
    """

    def __init__(self, port: int, script: Script | None = None, *, delay: float = 0.05) -> None:
        self._server_port = port
        self.script = script
        self.delay = delay
        self.commands = 0
        self.done: dict[Fault, int] = dict.fromkeys(Fault, 0)
        """How often each fault happened."""
        self.on_reply: Callable[[Command], None] = lambda command: None
        """Told of each command that ran, before its reply goes on."""
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self._clients = 0

    @property
    def port(self) -> int:
        """Where it listens, once started."""
        assert self._listener is not None
        found: int = self._listener.sockets[0].getsockname()[1]
        return found

    @property
    def url(self) -> str:
        """What `REDIS_URL` would hold."""
        return f"redis://{HOST}:{self.port}/0"

    async def start(self) -> None:
        """Listen on a free port."""
        self._listener = await asyncio.start_server(self._accept, HOST, 0)

    async def stop(self) -> None:
        """End all connections."""
        assert self._listener is not None
        self._listener.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """End all connections that are open now."""
        for task in self._tasks:
            task.cancel()

    def freeze(self) -> None:
        """From here on nothing goes either way; connections stay open."""
        self._open.clear()

    def thaw(self) -> None:
        """All goes on."""
        self._open.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._clients += 1
        try:
            await self._serve(reader, writer, self._clients)
        except (*TROUBLES, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: int) -> None:
        server_reader, server_writer = await asyncio.open_connection(HOST, self._server_port)
        try:
            while True:
                raw, words = await _command(reader)
                await self._open.wait()
                self.commands += 1
                command = Command(self.commands, words, client)
                fault = self.script(command) if self.script is not None else None
                if fault is not None:
                    self.done[fault] += 1
                if fault is Fault.DROP_COMMAND:
                    return
                server_writer.write(raw)
                if command.name.endswith("SUBSCRIBE"):
                    await _both_ways(reader, writer, server_reader, server_writer)
                    return
                reply = await _reply(server_reader)
                self.on_reply(command)
                await self._open.wait()
                if fault is Fault.DELAY:
                    await asyncio.sleep(self.delay)
                if fault is Fault.DROP_REPLY:
                    return
                if fault is Fault.CUT_REPLY:
                    writer.write(reply[: len(reply) // 2])
                    await writer.drain()
                    return
                writer.write(reply)
                await writer.drain()
        finally:
            server_writer.transport.abort()


async def _command(reader: asyncio.StreamReader) -> tuple[bytes, tuple[bytes, ...]]:
    """A command as it was sent, and its words."""
    line = await reader.readuntil(b"\r\n")
    raw, words = [line], []
    for _ in range(int(line[1:])):
        head = await reader.readuntil(b"\r\n")
        body = await reader.readexactly(int(head[1:]) + 2)
        raw += [head, body]
        words.append(body[:-2])
    return b"".join(raw), tuple(words)


async def _reply(reader: asyncio.StreamReader) -> bytes:
    """A whole reply."""
    parts, left = [], 1
    while left:
        left -= 1
        line = await reader.readuntil(b"\r\n")
        parts.append(line)
        kind = line[:1]
        if kind in (b"$", b"=", b"!") and int(line[1:]) >= 0:
            parts.append(await reader.readexactly(int(line[1:]) + 2))
        elif kind in NESTED:
            left += max(0, int(line[1:])) * NESTED[kind]
    return b"".join(parts)


async def _both_ways(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
    server_reader: asyncio.StreamReader, server_writer: asyncio.StreamWriter,
) -> None:  # fmt: skip
    """A connection that listens: bytes go through as they come."""

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()

    pumps = [asyncio.create_task(pump(*pair)) for pair in ((reader, server_writer), (server_reader, writer))]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in pumps:
            task.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


def by_chance(seed: int, shares: Mapping[Fault, float]) -> Script:
    """Faults at random, each with its share of the script calls; connections are set up in peace."""
    chance = random.Random(seed)

    def script(command: Command) -> Fault | None:
        if not command.script:
            return None
        number = chance.random()
        for fault, share in shares.items():
            if number < share:
                return fault
            number -= share
        return None

    return script


@asynccontextmanager
async def proxied(port: int, script: Script | None = None, *, delay: float = 0.05) -> AsyncIterator[Proxy]:
    """A running proxy before a server."""
    proxy = Proxy(port, script, delay=delay)
    await proxy.start()
    try:
        yield proxy
    finally:
        with suppress(OSError):
            await proxy.stop()
