"""HTTP/1.1 over asyncio and h11: keep-alive, limits and time-outs, on loopback only."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate

import h11
from msgspec import Struct

from opalmind_tui.demo.matomo.message import REASONS, Request, Response, Wire

HOST = "127.0.0.1"
Handler = Callable[[Request], Awaitable[Response]]


class Limits(Struct, frozen=True):
    """What one client may take. Seconds and bytes."""

    head_time: float = 20.0
    """For the head of the next request, idle time before it included."""
    body_time: float = 20.0
    write_time: float = 10.0
    stall_time: float = 300.0
    head_size: int = 64 * 1024
    body_size: int = 12 * 1024 * 1024
    connections: int = 64


class TooLarge(Exception):
    """The body is over the limit."""


class Connection:
    """One client's connection, from accept to close."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        handler: Handler,
        limits: Limits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._reader, self._writer, self._handler, self._limits = reader, writer, handler, limits
        self._clock = clock
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.head_size)
        writer.transport.set_write_buffer_limits(high=0)
        peer = writer.get_extra_info("peername")
        self._address = str(peer[0]) if peer else ""
        self.busy = False
        self.last = False

    async def serve(self) -> None:
        """Answer requests until either side has enough. Raises nothing but cancellation."""
        try:
            while await self._one():
                self._http.start_next_cycle()
        except (OSError, TimeoutError, EOFError):
            pass  # The client is gone or too slow: what it sent in full has been served.
        finally:
            # Everything that is owed has been drained, so nothing is lost by this.
            self._writer.transport.abort()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    async def _one(self) -> bool:
        """Serve one request; true when the connection can carry another."""
        try:
            request = await self._read()
        except h11.RemoteProtocolError as error:
            await self._refuse(error.error_status_hint)
            return False
        except TooLarge:
            await self._refuse(413)
            return False
        if request is None:
            return False
        self.busy = True
        response = await self._handler(request)
        await self._write(request, response)
        self.busy = False
        return response.wire is Wire.WHOLE and not self.last and self._http.our_state is h11.DONE

    async def _read(self) -> Request | None:
        async with asyncio.timeout(self._limits.head_time):
            head = await self._event()
        if not isinstance(head, h11.Request):
            return None
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        with contextlib.suppress(ValueError):
            if int(headers.get("content-length", "0")) > self._limits.body_size:
                raise TooLarge
        async with asyncio.timeout(self._limits.body_time):
            body = await self._read_body()
        path, _, query = head.target.decode("latin-1").partition("?")
        return Request(head.method.decode("latin-1"), path, query, headers, body, self._address)

    async def _read_body(self) -> bytes:
        parts, size = [], 0
        if self._http.they_are_waiting_for_100_continue:
            self._put(h11.InformationalResponse(status_code=100, headers=[], reason="Continue"))
        while isinstance(event := await self._event(), h11.Data):
            size += len(event.data)
            if size > self._limits.body_size:
                raise TooLarge
            parts.append(bytes(event.data))
        if not isinstance(event, h11.EndOfMessage):
            raise EOFError
        return b"".join(parts)

    async def _event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(64 * 1024))
        return event

    async def _write(self, request: Request, response: Response) -> None:
        match response.wire:
            case Wire.CLOSED:
                return
            case Wire.RESET:
                self._tear_down()
                return
            case Wire.STALLED:
                await asyncio.sleep(self._limits.stall_time)
                return
            case Wire.CUT:
                self._put(self._head(response, len(response.body) + 2))
                self._writer.write(response.body[: len(response.body) // 2])
            case Wire.WHOLE:
                self._put(self._head(response, len(response.body)))
                if request.method != "HEAD":
                    self._put(h11.Data(data=response.body))
                self._put(h11.EndOfMessage())
        async with asyncio.timeout(self._limits.write_time):
            await self._writer.drain()

    def _head(self, response: Response, length: int) -> h11.Response:
        headers = [*response.headers, ("Date", formatdate(self._clock(), usegmt=True)), ("Content-Type", response.kind)]
        if response.status != 204:
            headers.append(("Content-Length", str(length)))
        if self.last:
            headers.append(("Connection", "close"))
        reason = REASONS.get(response.status, "")
        return h11.Response(status_code=response.status, headers=headers, reason=reason)

    async def _refuse(self, status: int) -> None:
        """Say what was wrong with a request that could not be read, and end."""
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        self.last = True
        self._put(self._head(Response(status), 0))
        self._put(h11.EndOfMessage())
        async with asyncio.timeout(1.0):
            await self._writer.drain()
            self._writer.write_eof()
            # Closing with unread bytes would reset the connection and take the answer with it.
            while await self._reader.read(64 * 1024):
                pass

    def _put(self, event: h11.InformationalResponse | h11.Response | h11.Data | h11.EndOfMessage) -> None:
        if data := self._http.send(event):
            self._writer.write(data)

    def _tear_down(self) -> None:
        raw = self._writer.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


class Listener:
    """A listening socket on loopback whose port stays ours while it refuses connections."""

    def __init__(
        self,
        handler: Handler,
        port: int = 0,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._handler, self._limits, self._clock = handler, limits or Limits(), clock
        self.port = port
        self._server: asyncio.Server | None = None
        self._reserved: socket.socket | None = None
        self._connections: dict[asyncio.Task[None], Connection] = {}

    @property
    def listening(self) -> bool:
        """True while connections are accepted."""
        return self._server is not None

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    async def open(self) -> None:
        """Listen. Raises `OSError` when the port is taken."""
        if self._server is not None:
            return
        held = self._reserved or self._bind()
        self._reserved = None
        try:
            self._server = await asyncio.start_server(self._accept, sock=held)
        except BaseException:
            held.close()
            raise

    def refuse(self) -> None:
        """Refuse connections from now on. Idle ones end at once; a request that was read in full gets its answer."""
        self._stop_listening()
        if self._reserved is None:
            self._reserved = self._bind()
        for task, connection in list(self._connections.items()):
            connection.last = True
            if not connection.busy:
                task.cancel()

    async def close(self) -> None:
        """End everything at once and give the port back."""
        self._stop_listening()
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _bind(self) -> socket.socket:
        # Bound and not listening, the port refuses connections and nobody else gets it.
        # asyncio switches Nagle's algorithm off for sockets that name their protocol, and for no others.
        held = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind((HOST, self.port))
        except OSError:
            held.close()
            raise
        held.setblocking(False)
        self.port = held.getsockname()[1]
        return held

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A plain function with a task of our own: asyncio complains loudly when its own task is cancelled.
        if len(self._connections) >= self._limits.connections and not self._make_room():
            writer.close()
            return
        connection = Connection(reader, writer, self._handler, self._limits, self._clock)
        task = asyncio.get_running_loop().create_task(connection.serve())
        self._connections[task] = connection
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        del self._connections[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            told = {"message": "the stand-in failed on a request", "exception": error, "task": task}
            asyncio.get_running_loop().call_exception_handler(told)

    def _make_room(self) -> bool:
        """End the oldest connection that is not being answered, so that slow clients lock nobody out."""
        for task, connection in self._connections.items():
            if not connection.busy and not connection.last:
                connection.last = True
                task.cancel()
                return True
        return False
