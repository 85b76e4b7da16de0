"""saq: results not kept."""

from __future__ import annotations

from typing import Any

import saq
import stage


async def job(_: Any, *, argument: str) -> None:
    await stage.job(argument)


class Saq(stage.Contestant):
    async def open(self) -> None:
        self.queue = saq.Queue.from_url(stage.URL)
        await self.queue.connect()

    async def put(self, payload: str) -> None:
        await self.queue.enqueue("job", argument=payload, ttl=-1)

    async def work(self) -> None:
        await saq.Worker(self.queue, functions=[job], concurrency=stage.CONCURRENCY).start()


stage.main(Saq())
