"""taskiq-redis with its stream broker, the one that acknowledges. Its group starts at the stream's beginning."""

from __future__ import annotations

import stage
from taskiq.api import run_receiver_task
from taskiq_redis import RedisStreamBroker

broker = RedisStreamBroker(stage.URL, consumer_id="0")


@broker.task
async def job(argument: str) -> None:
    await stage.job(argument)


class Taskiq(stage.Contestant):
    async def open(self) -> None:
        await broker.startup()

    async def put(self, payload: str) -> None:
        await job.kiq(payload)

    async def work(self) -> None:
        await run_receiver_task(broker, max_async_tasks=stage.CONCURRENCY)


stage.main(Taskiq())
