"""What httpx does at the most: loops that post ready hits and keep no account. Variants: ``bulk`` with our worker's
bulk size and number of clients, ``single`` for the rule to send one at a time."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import orjson
import stage
from ours import request_of

from opalmind_tui.matomo.endpoints import tracking_url
from opalmind_tui.tracking.dispatcher import MAX_BULK, SENDERS

URL = tracking_url(stage.TASK["matomo"])


async def main() -> None:
    requests = [request_of(stage.text(number)) for number in range(stage.COUNT)]
    hits: list[dict[str, Any]] = [{**request.params, "rec": "1", "apiv": "1"} for request in requests]
    alone = stage.TASK["variant"] == "single"
    bulks = [hits[at : at + MAX_BULK] for at in range(0, len(hits), MAX_BULK)]
    work = iter(hits if alone else bulks)
    clients = [httpx.AsyncClient() for _ in range(1 if alone else SENDERS)]
    stage.begin()
    await asyncio.gather(*(_one_by_one(client, work) if alone else _in_bulks(client, work) for client in clients))
    stage.finish()


async def _one_by_one(client: httpx.AsyncClient, work: Any) -> None:
    for hit in work:
        (await client.get(URL, params=hit)).raise_for_status()


async def _in_bulks(client: httpx.AsyncClient, work: Any) -> None:
    for bulk in work:
        body = orjson.dumps({"requests": bulk})
        answer = await client.post(URL, content=body, headers={"content-type": "application/json"})
        assert answer.json()["tracked"] == len(bulk), answer.text


asyncio.run(main())
