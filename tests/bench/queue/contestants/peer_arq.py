"""arq: results not kept; it polls, here every 10 ms instead of every 500."""

from __future__ import annotations

from typing import Any

import arq
import stage
from arq.connections import RedisSettings
from arq.worker import Worker


async def job(_: Any, argument: str) -> None:
    await stage.job(argument)


class Arq(stage.Contestant):
    async def open(self) -> None:
        self.pool = await arq.create_pool(RedisSettings.from_dsn(stage.URL))

    async def put(self, payload: str) -> None:
        await self.pool.enqueue_job("job", payload)

    async def work(self) -> None:
        worker = Worker(
            [job], redis_settings=RedisSettings.from_dsn(stage.URL), max_jobs=stage.CONCURRENCY, keep_result=0,
            poll_delay=0.01, log_results=False, handle_signals=False,
        )  # fmt: skip
        await worker.async_run()


stage.main(Arq())
