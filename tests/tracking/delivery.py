"""A queue, a stand-in Matomo over real HTTP and a dispatcher between them, for tests."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from opalmind_tui.demo.matomo import StandIn
from opalmind_tui.demo.matomo.accounts import Access, Account
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.matomo.answer import BulkAnswer
from opalmind_tui.matomo.endpoints import tracking_url
from opalmind_tui.matomo.tracking_client import TrackingClient
from opalmind_tui.snapshot.model import RequestRow
from opalmind_tui.tracking.dispatcher import Dispatcher
from opalmind_tui.tracking.extenders import loop_extender
from opalmind_tui.tracking.queue import QueueCounts
from opalmind_tui.tracking.request import TrackingRequest
from tests.tracking.queue_harness import Bench

SUPER, WRITER, STRANGER = "5" * 31 + "a", "6" * 31 + "b", "deadbeef" * 4
TOKENS = {WRITER: Account(Access.WRITE), "7" * 32: Account(Access.WRITE, sites=frozenset({2}))}
PATIENCE = 30.0
"""Seconds until a test that hangs fails. No test waits for it."""


@dataclass
class Delivery:
    """The parts."""

    bench: Bench
    matomo: StandIn
    dispatcher: Dispatcher
    endpoint: str

    async def accept(self, *requests: TrackingRequest) -> list[str]:
        """Enqueue and wake the dispatcher."""
        ids = await self.bench.accept(*requests, endpoint=self.endpoint)
        self.dispatcher.wake()
        return ids

    async def pause(self) -> None:
        """Hold delivery."""
        await self.bench.queue.pause(self.endpoint, by="kim", reason="a test")

    async def resume(self) -> None:
        """Go on."""
        assert await self.bench.queue.resume(self.endpoint, by="kim")
        self.dispatcher.wake()

    async def counts(self) -> QueueCounts:
        """The queue's counts."""
        return await self.bench.counts(self.endpoint)

    async def rows(self) -> list[RequestRow]:
        """What the queue lists."""
        return list(await self.bench.queue.rows(limit=100))

    async def until(self, done: Callable[[], bool | Awaitable[bool]]) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = done()
                if found if isinstance(found, bool) else await found:
                    return
                await asyncio.sleep(0.01)

    async def empty(self) -> None:
        """Wait until nothing is pending, scheduled or in flight."""

        async def is_empty() -> bool:
            counts = await self.counts()
            return counts.pending + counts.scheduled + counts.inflight == 0

        await self.until(is_empty)

    def stored(self) -> Counter[str]:
        """How often each page was stored."""
        return self.matomo.journal.counts("url")


@asynccontextmanager
async def delivering(
    bench: Bench,
    *,
    token: str = "",
    queue: Any = None,
    poster: Callable[[TrackingClient], Any] = lambda client: client,
    start: bool = True,
    timeout: float = 5.0,
    **options: Any,
) -> AsyncIterator[Delivery]:
    """Run a dispatcher on a bench's queue.

    Args:
        token: the dispatcher's.
        queue: stands before the bench's queue.
        poster: wraps a sender's client.
        timeout: of the client, in seconds.
        options: for the dispatcher.
    """
    matomo = StandIn(token=SUPER, seed=3, tokens=TOKENS)
    await matomo.start()
    endpoint = tracking_url(matomo.url)
    options.setdefault("extend", loop_extender(bench.queue, asyncio.get_running_loop()))
    if bench.clock is not None:
        options.setdefault("clock", bench.clock)
    url = matomo.url
    dispatcher = Dispatcher(
        queue or bench.queue,
        endpoint,
        token,
        poster=lambda: poster(TrackingClient(url, token, timeout=timeout)),
        uniform=lambda low, high: (low + high) / 2,
        **options,
    )
    if start:
        await dispatcher.start()
    try:
        yield Delivery(bench, matomo, dispatcher, endpoint)
    finally:
        await dispatcher.stop(grace=0.5)
        await matomo.stop()


def page(number: int, *, visitor: int | None = None, **params: str) -> TrackingRequest:
    """A page view with a key; hits of one `visitor` share a `cid`."""
    who = f"{number if visitor is None else visitor:016x}"
    given = {"idsite": "1", "url": f"https://example.org/{number}", "cid": who, **params}
    return TrackingRequest("pageview", given, key=f"key-{number}", fingerprint=f"{number:016x}", visitor=who)


class AwayQueue:
    """A queue whose calls of some names fail as if Redis were away, for as long as they are listed in `away`."""

    def __init__(self, queue: Any) -> None:
        self.queue = queue
        self.away: set[str] = set()
        self.failed: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.queue, name)

        async def call(*args: Any, **more: Any) -> Any:
            if name in self.away:
                self.failed[name] += 1
                raise StoreUnavailable("refused", "Redis refuses connections", "Is it running?")
            return await method(*args, **more)

        return call


class Unmarked(AwayQueue):
    """As such, and no claim is marked as posted when it is made: each is before its first post."""

    async def claim(self, *args: Any, **more: Any) -> Any:
        return await self.queue.claim(*args, **more | {"posting": False})


class Choosy:
    """A client behind which Matomo breaks down over certain hits: what HTTP scripts cannot see, the url decides."""

    def __init__(self, client: TrackingClient, status: int, word: str) -> None:
        self.client, self.status, self.word = client, status, word
        self.sizes: list[int] = []

    async def post_bulk(self, hits: Sequence[Mapping[str, str]], *, with_token: bool) -> BulkAnswer:
        self.sizes.append(len(hits))
        if any(self.word in hit["url"] for hit in hits):
            return BulkAnswer(status=self.status, body='{"status":"error","tracked":1,"invalid":0}')
        return await self.client.post_bulk(hits, with_token=with_token)

    async def close(self) -> None:
        await self.client.close()
