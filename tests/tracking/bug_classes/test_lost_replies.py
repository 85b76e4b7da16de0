"""Classes of what is lost or late between a client and its server."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.model import GateKind
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tracking.ids import new_token
from opalmind_tui.tracking.queue import Adopted, Fate, KeptRecord, LedgerShare, Settlement
from opalmind_tui.tracking.redis_queue.scripts import LIBRARIES, source_of
from tests.support.proxy import Command, Fault, proxied
from tests.tracking.queue_harness import ENDPOINT, Bench, hit, id_for, record_of, redis_queue, visitor_in

OLD, NEW = new_token(), new_token()
REQUESTS = [hit(number, visitor=visitor_in(number % 3)) for number in range(12)]
IDS = [id_for(request) for request in REQUESTS]
NEWCOMERS = [hit(100), hit(101), hit(1, payload="other"), hit(2)]
NEWCOMER_IDS = [id_for(request) for request in NEWCOMERS]
ADOPTED = [Adopted(id_for(each), each, ENDPOINT, 1.7e9, attempts=1, error="503") for each in (hit(200), hit(201))]


async def a_life(queue: Any) -> None:
    """Before each operation: requests in every state, one claim under way."""
    await queue.enqueue(ENDPOINT, REQUESTS, IDS)
    first = new_token()
    await queue.claim(ENDPOINT, first, limit=6, lease=60)
    await queue.settle(
        first,
        [
            Settlement(IDS[0], Fate.DEAD, error="refused"),
            Settlement(IDS[1], Fate.DEAD, error="refused"),
            Settlement(IDS[2], Fate.RETRY, delay=100, error="503"),
            Settlement(IDS[3], Fate.REJECTED, error="invalid"),
            *(Settlement(request_id, Fate.RETRY, delay=0) for request_id in IDS[4:]),
        ],
    )
    await queue.purge([IDS[1]])
    await queue.claim(ENDPOINT, OLD, limit=3, lease=60)


def held(fate: Fate, **more: Any) -> list[Settlement]:
    return [
        Settlement(request_id, fate, record=record_of(f"key-{number}"), **more) for number, request_id in enumerate(IDS)
    ]


OPERATIONS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "enqueue": lambda queue: queue.enqueue(ENDPOINT, NEWCOMERS, NEWCOMER_IDS),
    "claim": lambda queue: queue.claim(ENDPOINT, NEW, limit=5, lease=60),
    "mark_posted": lambda queue: queue.mark_posted(OLD),
    "extend": lambda queue: queue.extend([OLD, NEW], 90),
    **{
        f"settle-{fate}": lambda queue, fate=fate: queue.settle(OLD, held(fate, delay=30, error="why", unknown=True))
        for fate in Fate
    },
    "release": lambda queue: queue.release(OLD),
    "reconcile": lambda queue: queue.reconcile(),
    "retry": lambda queue: queue.retry(IDS),
    "purge": lambda queue: queue.purge(IDS),
    "purge-for-good": lambda queue: queue.purge(IDS, hard=True),
    "restore": lambda queue: queue.restore(IDS),
    "close_gate": lambda queue: queue.close_gate(ENDPOINT, GateKind.BREAKER, seconds=60, reason="503", failures=2),
    "open_gate": lambda queue: queue.open_gate(ENDPOINT),
    "adopt": lambda queue: queue.adopt(ADOPTED),
    "merge_ledger": lambda queue: queue.merge_ledger(LedgerShare("one", delivered=3, unknown=1)),
    "keep_records": lambda queue: queue.keep_records([KeptRecord("key-900", record_of("key-900"), 60)]),
}
SAME_ANSWER = ("enqueue", "claim", "mark_posted", "extend", "close_gate", "adopt")
"""Their answer says what is so, not what was done by this very call: it is the same however often one asks. Of a gate
the time is another."""
TOLD = ("pending", "scheduled", "inflight", "dead", "accepted", "delivered", "rejected", "dropped", "purged", "retried",
        "recovered", "unknown", "late", "other_endpoints", "last_error", "last_status", "trash", "rejected_kept",
        "unknown_waiting")  # fmt: skip
"""Of the counts: what is in the queue or left it. How often somebody asked (duplicates, conflicts) is another."""


async def state(bench: Bench) -> dict[str, Any]:
    """All that a queue holds, without its times."""
    counts = await bench.counts()
    ids = await bench.all_ids()
    rows = await bench.queue.rows_of([request_id for found in ids.values() for request_id in found])
    return {
        **{name: getattr(counts, name) for name in TOLD},
        "gate": counts.gate and (counts.gate.kind, counts.gate.failures),
        "ids": {name: sorted(found) for name, found in ids.items()},
        "rows": sorted((row.id, row.state, row.attempts, row.error, row.unknown) for row in rows),
        "records": sorted(await bench.client.keys("opalmind:idempotency:*")),
    }


def timeless(name: str, answer: Any) -> Any:
    if name == "claim":
        return sorted(request.id for request in answer.requests), answer.probe
    return answer.kind if name == "close_gate" else answer


@pytest.mark.parametrize("fault", [Fault.DROP_REPLY, Fault.CUT_REPLY])
@pytest.mark.parametrize("name", OPERATIONS)
async def test_class_09_a_call_whose_reply_was_lost_and_that_is_sent_again_is_done_once(
    server: LocalServer, redis_bench: Bench, name: str, fault: Fault
) -> None:
    operation = OPERATIONS[name]
    for script in LIBRARIES:
        await redis_bench.client.script_load(source_of(script))
    await a_life(redis_bench.queue)
    in_peace = timeless(name, await operation(redis_bench.queue))
    expected = await state(redis_bench)
    await redis_bench.client.flushdb()

    await a_life(redis_bench.queue)
    async with proxied(server.port) as proxy:

        def once(command: Command) -> Fault | None:
            return fault if command.script and not proxy.done[fault] else None

        client = async_client(Settings(redis_url=proxy.url))
        lossy = redis_queue(client)
        proxy.script = once
        with pytest.raises(StoreUnavailable) as lost:
            await operation(lossy)
        assert lost.value.in_doubt
        assert proxy.done[fault] == 1
        again = timeless(name, await operation(lossy))
        if name in SAME_ANSWER:
            assert again == in_peace
        await client.aclose()
    assert await state(redis_bench) == expected


async def test_class_09_the_reaper_may_lose_its_answer(server: LocalServer, redis_bench: Bench) -> None:
    await a_life(redis_bench.queue)
    await redis_bench.pass_seconds(70)
    async with proxied(server.port, lambda command: Fault.DROP_REPLY if command.script else None) as proxy:
        client = async_client(Settings(redis_url=proxy.url))
        with pytest.raises(StoreUnavailable):
            await redis_queue(client).reap()
        await client.aclose()
    assert await redis_bench.queue.reap() == 0
    counts = await redis_bench.counts()
    assert (counts.inflight, counts.recovered) == (0, 3)


def test_class_09_our_clients_send_nothing_again_by_themselves() -> None:
    client = async_client(Settings(redis_url="redis://127.0.0.1:1/0"))
    assert client.connection_pool.connection_kwargs["retry"].get_retries() == 0


@pytest.mark.parametrize("seed", range(3))
async def test_class_10_cancelled_calls_leave_no_answer_for_the_next(
    server: LocalServer, redis_bench: Bench, seed: int
) -> None:
    chance = random.Random(seed)
    async with proxied(server.port, lambda _: chance.choice((Fault.DELAY, None)), delay=0.01) as proxy:
        client = async_client(Settings(redis_url=proxy.url), pool=4)
        queue = redis_queue(client)
        waiting = {number: id_for(hit(number)) for number in range(120)}

        async def accept(number: int) -> None:
            (answer,) = await queue.enqueue(ENDPOINT, [hit(number)], [waiting[number]])
            assert answer.id == waiting[number]
            (row,) = await queue.rows_of([answer.id])
            assert row.id == answer.id
            assert row.key == f"key-{number}"

        async def echo(number: int) -> None:
            value = f"value {number}".encode()
            assert await client.execute_command("ECHO", value) == value

        calls = [asyncio.create_task(work(number)) for number in waiting for work in (accept, echo)]
        spared = set(chance.sample(calls, 60))
        for call in calls:
            await asyncio.sleep(chance.choice((0, 0, 0.002)))
            if call not in spared:
                call.cancel()
        for call in calls:
            with suppress(asyncio.CancelledError):
                await call
        assert all(not call.cancelled() for call in spared)
        pool: Any = client.connection_pool
        assert not pool._in_use_connections
        await asyncio.gather(*(echo(number) for number in range(20)))
        await client.aclose()
    found = {request_id for ids in (await redis_bench.all_ids()).values() for request_id in ids}
    assert found <= set(waiting.values())


async def test_class_35_no_call_waits_for_a_silent_server_longer_than_its_bound(
    server: LocalServer, redis_bench: Bench
) -> None:
    blocking = {"BLPOP", "BRPOP", "BLMOVE", "BZPOPMIN", "BZPOPMAX", "XREAD", "XREADGROUP", "WAIT", "WAITAOF", "BLMPOP"}
    seen: set[str] = set()

    def note(command: Command) -> None:
        seen.add(command.name)

    async with proxied(server.port) as proxy:
        client = async_client(Settings(redis_url=proxy.url), timeout=0.2)
        proxy.on_reply = note
        queue = redis_queue(client)
        await a_life(queue)
        for operation in OPERATIONS.values():
            await operation(queue)
        proxy.freeze()
        with pytest.raises(StoreUnavailable) as silent:
            async with asyncio.timeout(30):
                await queue.counts(ENDPOINT)
        assert silent.value.kind == "timeout"
        proxy.thaw()
        await client.aclose()
    assert seen
    assert not seen & blocking
