"""streaQ: results not kept."""

from __future__ import annotations

import stage
from streaq import Worker

worker = Worker(redis_url=stage.URL, concurrency=stage.CONCURRENCY, handle_signals=False)


@worker.task(ttl=0)
async def job(argument: str) -> None:
    await stage.job(argument)


class Streaq(stage.Contestant):
    async def open(self) -> None:
        if stage.TASK["do"] != "work":
            await worker.__aenter__()

    async def put(self, payload: str) -> None:
        await job.enqueue(payload)

    async def work(self) -> None:
        await worker.run_async()


stage.main(Streaq())
