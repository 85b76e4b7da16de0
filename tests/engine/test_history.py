"""The history of the day as engines keep it: written once, read by the next screen; in memory without Redis."""

from __future__ import annotations

import asyncio
import time

import pytest
from redis.asyncio import Redis

from opalmind_tui.engine import history as engine_history
from opalmind_tui.snapshot.commands import Act, Command
from opalmind_tui.snapshot.history import History
from opalmind_tui.snapshot.model import Mode, Reading
from opalmind_tui.snapshot.wanted import Wanted
from opalmind_tui.storage import history as storage_history
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.history import FIGURES
from opalmind_tui.tracking.queue import Acceptance
from tests.engine.conftest import Ground, hits, until

KEY = "opalmind:stats:history"


class Faster:
    """A clock that runs a minute in a twentieth of a second, for the process and for the history's script."""

    def __init__(self) -> None:
        self.began = time.time()
        self._real = time.time

    def __call__(self) -> float:
        return self.began + (self._real() - self.began) * 1_200


@pytest.fixture
async def store(ground: Ground) -> Redis:
    return async_client(ground.settings)


async def past_of(engine: object) -> Reading[History]:
    snapshot = await engine.take_snapshot(Wanted())  # type: ignore[attr-defined]
    found: Reading[History] = snapshot.past
    return found


async def test_a_worker_notes_the_minute_and_a_dashboard_shows_it(ground: Ground, store: Redis) -> None:
    client = await ground.engine(role="client")
    await client.offer(hits(3))
    await ground.engine(role="worker")
    await until(lambda: _some(store))
    dashboard = await ground.engine()
    found = (await past_of(dashboard)).value
    assert found is not None
    assert found.unreadable == 0
    assert found.minutes[-1].accepted in (0, 3)
    assert found.minutes[-1].memory
    await dashboard.run(await dashboard.plan(Command(Act.PAUSE, reason="a test", by="kim")))
    again = (await past_of(dashboard)).value
    assert again is not None
    assert [(mark.by, mark.act) for mark in again.marks] == [("kim", "pause")]
    await store.aclose()


async def _some(store: Redis) -> bool:
    return bool(await store.xlen(KEY))


async def test_two_processes_write_each_minute_once(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both look often within a minute, on clocks that run 1,200 times as fast; so does the script's."""
    clock, store = Faster(), async_client(ground.settings)
    real = storage_history.source().replace("redis.call('TIME')", "redis.call('LRANGE', 'clock', 0, 1)")
    monkeypatch.setattr(storage_history, "source", lambda: real)
    monkeypatch.setattr(engine_history, "LOOK_EVERY", 0.005)

    async def tick() -> None:
        while True:
            now = clock()
            async with store.pipeline(transaction=True) as pipe:
                pipe.delete("clock")
                pipe.rpush("clock", int(now), 0)
                await pipe.execute()
            await asyncio.sleep(0.005)

    ticking = asyncio.create_task(tick())
    await until(lambda: store.exists("clock"))
    for role in ("client", "worker"):
        await ground.engine(role=role, clock=clock)

    async def enough() -> bool:
        return bool(await store.xlen(KEY) >= 12)

    await until(enough)
    ticking.cancel()
    numbers = [int(name.split(b"-")[0]) // 60_000 for name, _ in await store.xrange(KEY, count=2_000)]
    assert len(set(numbers)) == len(numbers)
    await store.aclose()


async def test_read_only_writes_nothing(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_history, "LOOK_EVERY", 0.01)
    store = async_client(ground.settings)
    for role in ("dashboard", "client"):
        engine = await ground.engine(role=role, read_only=True)
        for _ in range(5):
            await past_of(engine)
            await asyncio.sleep(0.02)
    assert await store.dbsize() == 0
    await store.aclose()


async def test_without_redis_a_process_keeps_its_own(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_history, "LOOK_EVERY", 0.01)
    engine = await ground.engine(redis_url="redis://127.0.0.1:1/0")
    await engine.offer(hits(2))

    async def noted() -> bool:
        found = (await past_of(engine)).value
        return bool(found and found.minutes)

    engine._looking._past._every = 0.0
    await until(noted)
    found = await past_of(engine)
    assert engine.queue.mode is Mode.MEMORY
    assert found.error
    assert found.value is not None
    assert found.value.minutes[-1].alone
    assert found.value.minutes[-1].accepted in (0, 2)


async def test_what_lies_under_the_key_is_trouble_there_alone(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_history, "LOOK_EVERY", 0.01)
    store = async_client(ground.settings)
    await store.set(KEY, "x")
    await store.xadd("opalmind:stats:audit", {"at": "nan", "by": "a"})
    await store.xadd("opalmind:stats:audit", {"at": "inf", "by": "b"})
    await store.xadd("opalmind:stats:audit", {"x": "\x1b[2J"})
    engine = await ground.engine()
    snapshot = await engine.take_snapshot(Wanted())
    assert "overwritten" in (snapshot.past.error or "")
    assert snapshot.past.value == History()
    assert snapshot.queue.error is None
    assert (await engine.offer(hits(1)))[0].outcome is Acceptance.ACCEPTED
    assert engine.queue.mode is Mode.REDIS
    await store.delete(KEY)
    await store.xadd(KEY, {"m": b'{"hello": 1}'})
    engine._looking.expire()
    snapshot = await engine.take_snapshot(Wanted())
    assert snapshot.past.error is None
    assert snapshot.past.value is not None
    assert snapshot.past.value.unreadable >= 1
    assert snapshot.past.value.marks == ()
    await store.aclose()


def test_every_figure_of_a_minute_is_stored() -> None:
    from msgspec.structs import fields

    from opalmind_tui.snapshot.history import Minute

    assert tuple(field.name for field in fields(Minute)) == ("at", *FIGURES, "alone")
