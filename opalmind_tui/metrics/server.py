"""A small HTTP server for scrapers: one answer a connection, bounded in time, size and number."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus

import h11

from opalmind_tui.metrics.page import Answer

PATIENCE = 5.0
"""Seconds that a client gets to ask, and again to take the answer."""
MOST = 16
"""Connections at a time; one more ends the oldest."""
HEAD = 16 * 1024
"""Bytes of a request's head at the most."""
Handler = Callable[[str, str], Answer]


class MetricsServer:
    """Listens and answers.

    Args:
        handler: makes the answer from a path and the header ``Accept``.
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], None] = {}

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port, chosen by the system where it is 0. Raises `OSError`."""
        self._server = await asyncio.start_server(self._accept, host, port, limit=HEAD)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """End everything at once."""
        if self._server is not None:
            self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= MOST:
            oldest = next(iter(self._open))
            del self._open[oldest]
            oldest.cancel()
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._open[task] = None

        def ended(done: asyncio.Task[None]) -> None:
            # Not at the end of the task's own code: one that is cancelled at once never runs it.
            writer.transport.abort()
            self._open.pop(done, None)

        task.add_done_callback(ended)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD)
        # What the system's buffers hold is taken; more waits for the client.
        writer.transport.set_write_buffer_limits(high=0)
        try:
            async with asyncio.timeout(PATIENCE):
                answer, method = await self._asked(http, reader)
            if answer is not None:
                async with asyncio.timeout(PATIENCE):
                    writer.write(_written(http, answer, method))
                    await writer.drain()
                    writer.write_eof()
                    # Closing while unread bytes wait would take the answer away from the client.
                    while await reader.read(HEAD):
                        pass
        except (OSError, TimeoutError):
            pass  # The client is gone, or too slow.

    async def _asked(self, http: h11.Connection, reader: asyncio.StreamReader) -> tuple[Answer | None, str]:
        """The answer to what is asked, None where the client is gone, and the method."""
        try:
            while (event := http.next_event()) is h11.NEED_DATA:
                http.receive_data(await reader.read(HEAD))
        except h11.RemoteProtocolError as error:
            return Answer(error.error_status_hint, b"This is no request that can be read.\n"), "GET"
        if not isinstance(event, h11.Request):
            return None, ""
        method = event.method.decode("latin-1")
        if method not in ("GET", "HEAD"):
            return Answer(405, b"GET or HEAD\n"), method
        accept = b",".join(value for name, value in event.headers if name == b"accept").decode("latin-1")
        return self._handler(event.target.decode("latin-1").partition("?")[0], accept), method


def _written(http: h11.Connection, answer: Answer, method: str) -> bytes:
    headers = [
        ("Content-Type", answer.kind), ("Content-Length", str(len(answer.body))), ("Connection", "close"),
        ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"),
    ]  # fmt: skip
    reason = HTTPStatus(answer.status).phrase
    head = http.send(h11.Response(status_code=answer.status, headers=headers, reason=reason)) or b""
    return head if method == "HEAD" else head + answer.body
