"""An OpalMind service for tests: real HTTP on loopback, and whatever answer a test wants, recorded or hostile."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from opalmind_tui.demo.matomo.message import JSON, Request, Response
from opalmind_tui.demo.matomo.wire import Listener

DATA = Path(__file__).parents[1] / "data" / "services"
TOKEN = "bearer-0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded answer."""

    name: str
    method: str
    path: str
    code: int
    status: str
    body: str

    @property
    def response(self) -> Response:
        return Response(self.code, self.body.encode(), JSON)


ANSWERS = {
    one.name: one for one in (Recorded(**json.loads(line)) for line in (DATA / "answers.jsonl").open(encoding="utf-8"))
}
REFUSALS = [json.loads(line) for line in (DATA / "refusals.jsonl").open(encoding="utf-8")]


def recorded(name: str) -> Response:
    """A recorded answer by its name."""
    return ANSWERS[name].response


@dataclass
class Service:
    """One service. `answers` makes each answer, `asked` is what came."""

    answers: Callable[[Request], Response]
    asked: list[Request] = field(default_factory=list)
    url: str = ""

    async def handle(self, request: Request) -> Response:
        self.asked.append(request)
        return self.answers(request)


@asynccontextmanager
async def serving(answer: Response | Callable[[Request], Response]) -> AsyncIterator[Service]:
    """A service that gives this answer to everybody, or what the function makes."""
    service = Service((lambda request: answer) if isinstance(answer, Response) else answer)
    listener = Listener(service.handle)
    await listener.open()
    service.url = f"http://127.0.0.1:{listener.port}"
    try:
        yield service
    finally:
        await listener.close()


@contextmanager
def served(answer: Response | Callable[[Request], Response]) -> Iterator[Service]:
    """The same in a thread, for tests whose program is another process."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    context = serving(answer)
    service = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(20)
    try:
        yield service
    finally:
        asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@asynccontextmanager
async def raw(pieces: list[bytes], *, pause: float = 0.0, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that writes these bytes to whoever connects, with a pause between them, and hangs up; its port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)
        except (OSError, EOFError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
