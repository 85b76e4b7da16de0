"""The minutes of the day in a real server: first come, first written; bounded; foreign values are none of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.history import KEPT, MINUTE, Minute
from opalmind_tui.storage import history
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.history import FIGURES, HistoryStore, beginning
from opalmind_tui.storage.local_server import LocalServer

KEY = "opalmind:stats:history"
CLOCK = "the-clock-of-a-test"
START = 1_700_000_040.0
"""The begin of a minute."""


@pytest.fixture
async def client(server: LocalServer) -> AsyncIterator[Redis]:
    made = async_client(Settings(redis_url=server.url))
    yield made
    await made.aclose()


@pytest.fixture
def store(client: Redis, monkeypatch: pytest.MonkeyPatch) -> HistoryStore:
    """On a server whose clock is a key that the test sets: the rest of the script is the real one."""
    real = history.source()
    assert real.count("redis.call('TIME')") == 1
    text = real.replace("redis.call('TIME')", f"redis.call('LRANGE', '{CLOCK}', 0, 1)")
    monkeypatch.setattr(history, "source", lambda: text)
    return HistoryStore(client, KEY)


async def at(client: Redis, moment: float) -> None:
    """Set the server's clock."""
    await client.delete(CLOCK)
    await client.rpush(CLOCK, int(moment), int(moment % 1 * 1e6))


def figures(number: int) -> Minute:
    """Large ones, as after years."""
    return Minute(
        0.0, waiting=number % 5_000, dead=number % 7, oldest=number / 7, ledger=-(number % 3),
        accepted=900_000_000 + number, delivered=800_000_000 + number, retried=1_000_000 + number,
        rejected=20_000 + number, hits=70_000_000 + number, misses=6_000_000 + number, memory=8_000_000_000 + number,
        evicted=number, matomo=0.123, answers=True,
    )  # fmt: skip


async def test_a_day_is_written_once_a_minute_bounded_and_small(store: HistoryStore, client: Redis) -> None:
    days_and_more = KEPT + 200
    for number in range(days_and_more):
        await at(client, START + MINUTE * number + 1.25)
        assert await store.write(figures(number))
        if number % 100 == 0:
            assert not await store.write(figures(number + 1))
    assert await client.xlen(KEY) == KEPT
    size = await client.memory_usage(KEY, samples=0)
    assert size is not None
    assert size < 250_000
    end = START + MINUTE * (days_and_more - 1)
    minutes, newest, strange = await store.read(beginning(end))
    assert (len(minutes), strange) == (KEPT, 0)
    first = days_and_more - KEPT
    assert minutes[0].at == START + MINUTE * first + 1.25
    for number, minute in enumerate(minutes, first):
        told = figures(number)
        assert [getattr(minute, name) for name in FIGURES] == [
            round(value, 3) if isinstance(value := getattr(told, name), float) else value for name in FIGURES
        ]
    await at(client, end + MINUTE)
    await store.write(figures(1))
    again, _, _ = await store.read(newest)
    assert [minute.waiting for minute in again] == [1]


async def test_what_is_older_than_a_day_goes_also_after_a_long_gap(store: HistoryStore, client: Redis) -> None:
    for number in range(10):
        await at(client, START + MINUTE * number)
        await store.write(figures(number))
    await at(client, START + 86_400 + 5 * MINUTE)
    await store.write(figures(99))
    assert await client.xlen(KEY) == 6


async def test_of_many_processes_one_writes(server: LocalServer) -> None:
    """By the server's own clock: a minute may end meanwhile, so at most two are written."""
    clients = [async_client(Settings(redis_url=server.url)) for _ in range(8)]
    before = int((await clients[0].time())[0] // MINUTE)
    done = await asyncio.gather(*(HistoryStore(one, KEY).write(figures(1)) for one in clients))
    after = int((await clients[0].time())[0] // MINUTE)
    assert 1 <= sum(done) <= 1 + after - before
    assert await clients[0].xlen(KEY) == sum(done)
    for one in clients:
        await one.aclose()


async def test_a_clock_that_was_far_ahead_keeps_nobody_out(store: HistoryStore, client: Redis) -> None:
    for number in (0, 1, 365 * 1440):
        await at(client, START + MINUTE * number)
        await store.write(figures(number))
    await at(client, START + MINUTE * 2)
    assert await store.write(figures(3))
    minutes, _, _ = await store.read(beginning(START + MINUTE))
    assert [minute.waiting for minute in minutes] == [3], "the leap has trimmed the day; what lies ahead is gone"
    await client.xadd(KEY, {"m": b"[9]"}, id=f"{int(START + MINUTE * 365 * 1440) * 1000}-5")
    await at(client, START + MINUTE * 3)
    assert await store.write(figures(4))
    minutes, _, _ = await store.read(beginning(START + MINUTE))
    assert [minute.waiting for minute in minutes] == [3, 4], "what was noted before the leap stays"
    await at(client, START + MINUTE * 2 + 30)
    assert not await store.write(figures(4)), "a clock that goes back a little waits"


async def test_foreign_values_are_counted_and_left_out(store: HistoryStore, client: Redis) -> None:
    await client.xadd(KEY, {"m": b"[1,2]"}, id=f"{int(START * 1000)}-0")
    strange = (b"", b"{}", b"true", b"\xff\x1b[2J", b'["1"]', b"[-1]", b"[1.5]", b"[true]",
               b"[1e999]", b"[" + b"9" * 30 + b"]", b"[null,null,-1.0]", b"[" * 1_500, b"1" * 3_000)  # fmt: skip
    for number, value in enumerate(strange, 1):
        await client.xadd(KEY, {"m": value}, id=f"{int(START * 1000)}-{number}")
    await client.xadd(KEY, {"other": b"[1]"}, id=f"{int(START * 1000)}-99")
    minutes, _, counted = await store.read(beginning(START))
    assert [(minute.waiting, minute.dead, minute.oldest) for minute in minutes] == [(1, 2, None)]
    assert counted == len(strange) + 1


async def test_a_key_of_another_type_is_trouble_by_its_name(store: HistoryStore, client: Redis) -> None:
    await at(client, START)
    await client.set(KEY, "x")
    for call in (lambda: store.write(figures(1)), lambda: store.read(beginning(START))):
        with pytest.raises(StoreUnavailable) as told:
            await call()
        assert told.value.kind == "wrong-type"
    assert await client.get(KEY) == b"x"
