"""What processes do in these tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from typing import Any

from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.model import GateKind
from opalmind_tui.storage.connection import async_client
from opalmind_tui.tracking.ids import new_token
from opalmind_tui.tracking.queue import Acceptance, Adopted, Fate, KeptRecord, LedgerShare, Settlement
from tests.tracking.queue_harness import ENDPOINT, hit, id_for, record_of, redis_queue, visitor_in

ONE, TWO = visitor_in(1), visitor_in(2)


@asynccontextmanager
async def a_queue(url: str) -> AsyncIterator[Any]:
    client = async_client(Settings(redis_url=url))
    try:
        yield redis_queue(client)
    finally:
        await client.aclose()


async def everything(pipe: Connection, url: str) -> None:
    """Every operation of the queue, one after the other. Says which ids were accepted as soon as it knows."""
    async with a_queue(url) as queue:

        async def enqueue(*numbers: int, **more: Any) -> list[str]:
            answers = await queue.enqueue(ENDPOINT, [hit(number, **more) for number in numbers])
            ids = [answer.id for answer in answers if answer.outcome is Acceptance.ACCEPTED]
            pipe.send(ids)
            return ids

        ids = await enqueue(1, 2, 3, visitor=ONE) + await enqueue(4, 5, 6, visitor=TWO) + await enqueue(7, 8, key="")
        token = new_token()
        await queue.claim(ENDPOINT, token, limit=100, lease=60)
        await queue.mark_posted(token)
        await queue.extend([token], 60)
        fates = [Fate.DELIVERED, Fate.RETRY, Fate.DEAD, Fate.REJECTED, Fate.DROPPED, Fate.DELIVERED]
        await queue.settle(
            token,
            [
                Settlement(request_id, fate, delay=50, error="503", record=record_of(f"key-{number}"))
                for number, (request_id, fate) in enumerate(zip(ids, fates, strict=False), 1)
            ],
        )
        await queue.retry([ids[1], ids[2]])
        another = new_token()
        await queue.claim(ENDPOINT, another, limit=100, lease=60, posting=True)
        await queue.release(another)
        await enqueue(1, 9, 10)
        await queue.purge([ids[2], ids[7]])
        await queue.restore([ids[7]])
        await queue.purge([ids[6]], hard=True)
        await queue.close_gate(ENDPOINT, GateKind.BREAKER, seconds=0, reason="503", failures=1)
        await queue.claim(ENDPOINT, new_token(), limit=100, lease=60)
        await queue.open_gate(ENDPOINT)
        adopted = [hit(11), hit(12)]
        answers = await queue.adopt([Adopted(id_for(each), each, ENDPOINT, 1.7e9, dead=each is adopted[0])
                                     for each in adopted])  # fmt: skip
        pipe.send([answer.id for answer in answers])
        await queue.merge_ledger(LedgerShare("nonce", delivered=2, unknown=1))
        await queue.keep_records([KeptRecord("key-77", record_of("key-77"), 60)])
        await queue.reap()
        await queue.reconcile()


async def zombie(pipe: Connection, url: str, token: str) -> None:
    """Claim and post; settle when told to, and say what came of it."""
    async with a_queue(url) as queue:
        claim = await queue.claim(ENDPOINT, token, limit=100, lease=30)
        await queue.mark_posted(token)
        pipe.send([request.id for request in claim.requests])
        fate, error = pipe.recv()
        settled = await queue.settle(
            token,
            [Settlement(request.id, Fate(fate), error=error, record=record_of("key-1")) for request in claim.requests],
        )
        pipe.send(settled)


async def doomed(pipe: Connection, url: str) -> None:
    """Claim, to post at once, and never come to it. Says what it got."""
    async with a_queue(url) as queue:
        claim = await queue.claim(ENDPOINT, new_token(), limit=100, lease=30, posting=True)
        pipe.send((claim.posting, [request.id for request in claim.requests]))
        pipe.recv()


async def claimer(pipe: Connection, url: str, endless: int) -> None:
    """Claim and settle until nothing is left. Says which ids were held by another at the same time: none."""
    client = async_client(Settings(redis_url=url))
    queue = redis_queue(client)
    shared: list[str] = []
    rounds = empty = 0
    while empty < endless:
        token = new_token()
        claim = await queue.claim(ENDPOINT, token, limit=7, lease=60)
        held = [f"held:{request.id}" for request in claim.requests]
        shared += [name for name in held if await client.incr(name) != 1]
        for name in held:
            await client.decr(name)
        empty = 0 if held else empty + 1
        rounds += 1
        if rounds % 3 == 0:
            await queue.release(token)
        elif held:
            await queue.settle(token, [Settlement(each.id, Fate.DELIVERED) for each in claim.requests])
    pipe.send(shared)
    await client.aclose()
