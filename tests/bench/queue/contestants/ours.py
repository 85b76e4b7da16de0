"""This project's queue. Accepting is measured at the queue's `enqueue` with a ready `TrackingRequest`, as peers get a
ready argument (variant ``offer``: at `Engine.offer`, with all that stands before the queue). The worker is the engine
that `opalmind-tui worker` runs; only the client that posts to Matomo is replaced by one that answers at once, unless
the task names a Matomo.

Variants of accepting: ``group`` (callers share scripts), ``script`` (a script for each call), ``offer``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

import stage

from opalmind_tui.engine.engine import Engine
from opalmind_tui.matomo import tracking_client
from opalmind_tui.matomo.answer import BulkAnswer
from opalmind_tui.matomo.endpoints import tracking_url
from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.connection import async_client
from opalmind_tui.tracking.dispatcher import Dispatcher
from opalmind_tui.tracking.queue import Acceptance
from opalmind_tui.tracking.redis_queue import RedisQueue
from opalmind_tui.tracking.request import TrackingRequest

NOWHERE = "http://127.0.0.1:9/"
VARIANT = stage.TASK.get("variant", "group")
VISITORS = 1_000


def settings() -> Settings:
    """Of every process of a run."""
    return Settings(redis_url=stage.URL, matomo_base_url=stage.TASK.get("matomo", NOWHERE))


def request_of(text: str) -> TrackingRequest:
    """A page view whose stored form has as many bytes as the text; the text's beginning is its page title."""
    number = int(text.split(" ", 1)[0])
    visitor = f"{number % VISITORS:016x}"
    given = {"idsite": "1", "action_name": text, "url": "https://example.org/", "cid": visitor}
    request = TrackingRequest("pageview", given, f"key-{number}", f"{number & (1 << 64) - 1:016x}", visitor)
    given["action_name"] = text[: len(text) - (len(request.encode()) - len(text))]
    return request


class Posts:
    """Counts what is posted, so that the store is not asked all the time whether everything is delivered."""

    def __init__(self) -> None:
        self.number = 0
        self.enough = asyncio.Event()

    def add(self, number: int) -> None:
        """So many hits more."""
        self.number += number
        if self.number >= stage.COUNT:
            self.enough.set()


posts = Posts()


class InstantPoster(tracking_client.TrackingClient):
    """The client of a sender, loaded and made as ever before anything is claimed; but every hit is tracked at once."""

    async def post_bulk(self, hits: Sequence[Mapping[str, str]], *, with_token: bool) -> BulkAnswer:
        for hit in hits:
            stage.start(hit["action_name"])
        if stage.PAUSE:
            await asyncio.sleep(stage.PAUSE)
        for hit in hits:
            stage.ended(hit["action_name"])
        posts.add(len(hits))
        body = f'{{"status":"success","tracked":{len(hits)},"invalid":0}}'
        return BulkAnswer(200, body, {"content-type": "application/json"}, at=time.time())


class TimedClient(tracking_client.TrackingClient):
    """The client as it is; the clock starts with the first post."""

    async def post_bulk(self, hits: Sequence[Mapping[str, str]], *, with_token: bool) -> BulkAnswer:
        if not posts.number:
            stage.begin()
        posts.add(len(hits))
        return await super().post_bulk(hits, with_token=with_token)


class Ours(stage.Contestant):
    async def open(self) -> None:
        if stage.TASK["do"] == "work":
            return
        own = settings()
        self.endpoint = tracking_url(own.matomo_base_url)
        if VARIANT == "offer":
            self.engine = Engine(own, role="client")
            await self.engine.start()
            return
        number = 1 if VARIANT == "group" else stage.CONCURRENCY
        client = async_client(own, pool=stage.CONCURRENCY)
        # Callers share scripts within one queue only, so a queue for each caller is a script for each call.
        self.queues = [
            RedisQueue(
                client, queue_prefix=own.queue_prefix, idempotency_prefix=own.idempotency_prefix,
                idempotency_ttl=lambda: 86_400,
            )
            for _ in range(number)
        ]  # fmt: skip
        self.turn = 0

    def prepare(self, text: str) -> TrackingRequest:
        return request_of(text)

    async def put(self, payload: TrackingRequest) -> None:
        if VARIANT == "offer":
            answers = await self.engine.offer([payload])
        else:
            self.turn = (self.turn + 1) % len(self.queues)
            answers = await self.queues[self.turn].enqueue(self.endpoint, [payload])
        assert answers[0].outcome is Acceptance.ACCEPTED, answers

    async def work(self) -> None:
        tracking_client.TrackingClient = TimedClient if "matomo" in stage.TASK else InstantPoster
        if "lease" in stage.TASK:
            Dispatcher.__init__.__kwdefaults__["lease"] = stage.TASK["lease"]
        engine = Engine(settings(), role="worker", deliver=True)
        await engine.start()
        # The clock stops when the store has been told of the last one, not when it was posted.
        await posts.enough.wait()
        while True:
            await asyncio.sleep(0.002)
            if (await engine.queue.counts(engine.endpoint)).delivered >= stage.COUNT:
                stage.finish()


if __name__ == "__main__":
    stage.main(Ours())
