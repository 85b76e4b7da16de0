"""What redis-py does at the most: a list, one command for each request, nothing promised."""

from __future__ import annotations

import asyncio

import redis.asyncio
import stage


class Floor(stage.Contestant):
    async def open(self) -> None:
        pool = redis.asyncio.BlockingConnectionPool.from_url(stage.URL, max_connections=stage.CONCURRENCY)
        self.client = redis.asyncio.Redis.from_pool(pool)

    async def put(self, payload: str) -> None:
        await self.client.rpush("floor", payload)

    async def work(self) -> None:
        await asyncio.gather(*(self._one() for _ in range(stage.CONCURRENCY)))

    async def _one(self) -> None:
        while True:
            found = await self.client.blpop("floor")
            await stage.job(found[1].decode())


stage.main(Floor())
