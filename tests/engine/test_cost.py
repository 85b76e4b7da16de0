"""What a dashboard that only looks asks of Redis: counted over rounds, not timed."""

from __future__ import annotations

import time
from collections import Counter

import pytest
import redis

from opalmind_tui.engine.engine import Engine
from opalmind_tui.snapshot.redis_report import MOST_BYTES, MOST_COMMANDS
from opalmind_tui.snapshot.wanted import Wanted
from opalmind_tui.storage.local_server import LocalServer
from tests.engine.conftest import Ground, hits

ROUNDS = 60
"""Seconds of the schedule, one look in each."""
KEYS = 21_000
"""From 20,001 on a database is sampled, whatever its size."""
LOAD = "for n = 1, tonumber(ARGV[1]) do redis.call('SET', 'opalmind:idempotency:' .. n, '{}', 'EX', 86400) end"


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.passed = 0.0
        self._began = time.time()

    def ticks(self) -> float:
        return 100.0 + self.passed

    def __call__(self) -> float:
        return self._began + self.passed


async def watched(engine: Engine, clock: Clock, busy: Engine | None, *, closer: bool) -> tuple[Counter[str], int]:
    """Commands and bytes of `ROUNDS` looks and of the housekeeping beside them, once the first is over."""
    meter, upkeep = engine._stores.meter, engine._upkeep
    assert upkeep is not None
    kept = 0.0
    for second in range(ROUNDS + 10):
        if second == 10:
            commands, taken = meter.commands.copy(), meter.sent + meter.received
        if busy is not None:
            await busy.offer(hits(1, second + 1_000))
        clock.passed += 1.0
        if clock.passed >= kept:
            await upkeep.step()
            kept = clock.passed + upkeep.pause
        snapshot = await engine.take_snapshot(Wanted(rows=25, closer=closer))
        assert snapshot.queue.error is None
        assert snapshot.keys.error is None
    return meter.commands - commands, meter.sent + meter.received - taken


@pytest.mark.parametrize("busy", [True, False], ids=["busy", "quiet"])
@pytest.mark.parametrize("closer", [True, False], ids=["from-near", "overview"])
async def test_an_observing_dashboard_keeps_within_its_budget(
    ground: Ground, server: LocalServer, busy: bool, closer: bool
) -> None:
    with redis.Redis.from_url(server.url) as admin:
        admin.eval(LOAD, 0, KEYS)
    clock = Clock()
    shop = await ground.engine(role="client")
    await shop.offer(hits(40))
    engine = await ground.engine(clock=clock, ticks=clock.ticks)
    commands, taken = await watched(engine, clock, shop if busy else None, closer=closer)
    assert commands.total() / ROUNDS <= MOST_COMMANDS, commands
    assert taken / ROUNDS <= MOST_BYTES
    # It did look: at the queue each second, at the server every other one.
    assert commands["info"] >= ROUNDS / 3
    assert commands["evalsha"] >= ROUNDS
    assert bool(commands["client|list"]) is closer


async def test_the_list_is_read_when_the_queue_changes_and_now_and_then(ground: Ground) -> None:
    clock = Clock()
    shop = await ground.engine(role="client")
    await shop.offer(hits(2))
    engine = await ground.engine(clock=clock, ticks=clock.ticks)
    for number in (2, 3, 4):
        seen = await engine.take_snapshot(Wanted(rows=10))
        assert len(seen.requests.value or ()) == number
        await shop.offer(hits(1, 100 + number))
        clock.passed += 1.0
    await engine.take_snapshot(Wanted(rows=10))
    before = engine._stores.meter.commands["evalsha"]
    for _ in range(8):
        clock.passed += 1.0
        seen = await engine.take_snapshot(Wanted(rows=10))
        assert seen.requests.at == seen.taken_at
    # Counts alone, and who is there every five seconds.
    assert engine._stores.meter.commands["evalsha"] - before <= 8 + 2
    await engine.take_snapshot(Wanted())
    assert len((await engine.take_snapshot(Wanted(rows=3))).requests.value or ()) == 3
