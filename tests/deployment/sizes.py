"""What things take in Redis: measured on a real server by its own figure, used_memory."""

from __future__ import annotations

import asyncio
import json
import secrets

import redis.asyncio
from msgspec.structs import replace

from opalmind_tui.matomo.endpoints import tracking_url
from opalmind_tui.settings import Settings
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tracking.fields import pageview
from opalmind_tui.tracking.queue import Fate, Settlement
from opalmind_tui.tracking.redis_queue import RedisQueue

ENDPOINT = tracking_url("https://matomo.example.org/")
COUNT = 4000
REPORT = 2048
"""Bytes of a report."""


def requests(count: int) -> list[object]:
    """Page views whose stored form has about 500 bytes, with an idempotency key each."""
    made = [
        pageview({
            "url": f"https://shop.example.org/products/{number:08d}?campaign=spring", "actionName": "A product " * 6,
            "siteId": 1, "idempotencyKey": f"order-{number:012d}", "userAgent": "Mozilla/5.0 Firefox/141.0",
        })
        for number in range(count)
    ]  # fmt: skip
    return [
        replace(one, params={**one.params, "dimension1": "x" * max(0, 500 - len(one.encode()) - 17)}) for one in made
    ]


async def measure(server: LocalServer) -> dict[str, float]:
    """Bytes of each by its name in the README."""
    settings = Settings(redis_url=server.url)
    client = async_client(settings)
    queue = RedisQueue(
        client, queue_prefix=settings.queue_prefix, idempotency_prefix=settings.idempotency_prefix,
        idempotency_ttl=lambda: 86_400,
    )  # fmt: skip
    try:
        sizes: dict[str, float] = {}
        before = await used(client)
        await queue.enqueue(ENDPOINT, requests(COUNT))
        sizes["waiting request"] = (await used(client) - before) / COUNT
        await fail(queue)
        sizes["request that failed once"] = (await used(client) - before) / COUNT
        await client.flushall()
        before = await used(client)
        for first in range(0, COUNT, 500):
            pipe = client.pipeline(transaction=False)
            for number in range(first, first + 500):
                key = f"order-{number:012d}"
                pipe.set(settings.idempotency_prefix + key, record(key), ex=86_400)
            await pipe.execute()
        sizes["idempotency record"] = (await used(client) - before) / COUNT
        await client.flushall()
        before = await used(client)
        for number in range(COUNT):
            name = f'{settings.cache_prefix}{{"feature":"events","input":{{"siteId":{number},"period":"day"}}}}'
            await client.set(name, secrets.token_bytes(REPORT), px=60_000)
        sizes["cached report, beside its own bytes"] = (await used(client) - before) / COUNT - REPORT
        return sizes
    finally:
        await client.aclose()


def record(key: str) -> str:
    """What a delivered request leaves."""
    value = {"ok": True, "status": 200, "body": ""}
    kept = {"key": key, "value": value, "attempts": 1, "completedAt": 1_795_375_415_380}
    return json.dumps(kept | {"fingerprint": secrets.token_hex(8)}, separators=(",", ":"))


async def fail(queue: RedisQueue) -> None:
    """Every request was refused once and waits for its next try."""
    while True:
        token = secrets.token_hex(8)
        claim = await queue.claim(ENDPOINT, token, limit=500, lease=600.0)
        if not claim.requests:
            return
        later = [
            Settlement(one.id, Fate.RETRY, status=503, error="503 Service Unavailable", delay=3600.0)
            for one in claim.requests
        ]
        await queue.settle(token, later)


async def used(client: redis.asyncio.Redis) -> int:
    """The server's own figure, once it has stopped to change."""
    last = -1
    while last != (now := int((await client.info("memory"))["used_memory"])):
        last = now
        await asyncio.sleep(0.05)
    return last
