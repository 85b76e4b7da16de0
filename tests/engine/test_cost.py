"""What a dashboard that only looks asks of Redis: counted over rounds, not timed."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from opalmind_tui.engine.engine import Engine
from opalmind_tui.engine.queue_look import ROWS_BYTES
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.audit import AuditView
from opalmind_tui.snapshot.entries import EntryView
from opalmind_tui.snapshot.listing import GroupView, ListView, Tab
from opalmind_tui.snapshot.redis_report import MOST_BYTES, MOST_COMMANDS
from opalmind_tui.snapshot.wanted import Wanted
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.local_server import LocalServer
from tests.engine.conftest import Ground, hits
from tests.support.cluster import LocalCluster

ROUNDS = 60
"""Seconds of the schedule, one look in each."""
COUNTED, SAMPLED = 5_000, 21_000
"""Keys of a database: up to 20,000 they are counted, from then on sampled, whatever the number."""
ENTRIES, ENTRY = 100, 'cache:{"feature":"keyNumbers","input":{"siteId":%d}}'
"""Reports among them."""
PLACES = {
    "overview": Wanted(rows=25),
    "queue": Wanted(view=ListView(Tab.PENDING, rows=30)),
    "groups": Wanted(groups=GroupView()),
    "cache": Wanted(entries=EntryView(rows=30)),
    "redis": Wanted(closer=True),
    "audit": Wanted(audit=AuditView()),
    "fleet": Wanted(),
}
"""What each place of the dashboard asks for in its snapshots."""


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.passed = 0.0
        self._began = time.time()

    def ticks(self) -> float:
        return 100.0 + self.passed

    def __call__(self) -> float:
        return self._began + self.passed


async def load(settings: Settings, keys: int) -> None:
    client = async_client(settings)
    for start in range(0, keys, 1_000):
        pipe = client.pipeline(transaction=False)
        for number in range(start, min(start + 1_000, keys)):
            name = f"idempotency:{number:032x}" if number >= ENTRIES else ENTRY % number
            pipe.set(f"opalmind:{name}", "{}", ex=86_400)
        await pipe.execute()
    await client.aclose()


async def watched(engine: Engine, clock: Clock, busy: Engine | None, wanted: Wanted) -> tuple[Counter[str], int]:
    """Commands and bytes of `ROUNDS` looks and of the housekeeping beside them, once the first is over."""
    meter, upkeep = engine._stores.meter, engine._upkeep
    assert upkeep is not None
    kept = 0.0
    if wanted.entries is not None:
        # A walk over all keys comes once in a while: at most a command a second on the average.
        began, commands = time.monotonic(), meter.commands.copy()
        async with asyncio.timeout(60):
            found = None
            while found is None or not found.done:
                found = (await engine.take_snapshot(wanted)).entries.value
                await asyncio.sleep(0.01)
        walk, made = engine._cache_look._walk, meter.commands - commands
        assert walk is not None
        assert 10 <= made["scan"] <= walk._again_at - began
        assert len(found.rows) == 30
    for second in range(ROUNDS + 10):
        if second == 10:
            commands, taken = meter.commands.copy(), meter.sent + meter.received
        if busy is not None:
            await busy.offer(hits(1, second + 1_000))
        clock.passed += 1.0
        if clock.passed >= kept:
            await upkeep.step()
            kept = clock.passed + upkeep.pause
        snapshot = await engine.take_snapshot(wanted)
        assert snapshot.queue.error is None
        assert snapshot.keys.error is None
        assert snapshot.server.error is None
    return meter.commands - commands, meter.sent + meter.received - taken


async def check(ground: Ground, places: Sequence[str], *, busy: bool = True) -> None:
    """Each of these places keeps within the budget, while others fill the queue or do not."""
    shop = await ground.engine(role="client")
    await shop.offer(hits(40))
    for place in places:
        clock = Clock()
        engine = await ground.engine(clock=clock, ticks=clock.ticks)
        commands, taken = await watched(engine, clock, shop if busy else None, PLACES[place])
        await engine.stop()
        assert commands.total() / ROUNDS <= MOST_COMMANDS, (place, commands)
        assert taken / ROUNDS <= MOST_BYTES, (place, taken / ROUNDS)
        # It did look: at the queue each second, at the server every other one.
        assert commands["info"] >= ROUNDS / 3
        assert commands["evalsha"] >= ROUNDS
        assert bool(commands["client|list"]) is (place == "redis")


@pytest.mark.parametrize("keys", [COUNTED, SAMPLED])
async def test_an_observing_dashboard_keeps_within_its_budget(ground: Ground, server: LocalServer, keys: int) -> None:
    await load(ground.settings, keys)
    await check(ground, list(PLACES) if keys == COUNTED else ["overview", "redis"])
    await check(ground, ["overview"], busy=False)


@pytest.mark.parametrize("keys", [COUNTED, SAMPLED])
async def test_also_of_a_cluster_all_nodes_together(cluster: LocalCluster, bare_ground: Ground, keys: int) -> None:
    bare_ground.settings = replace(bare_ground.settings, redis_url=cluster.url, redis_cluster=True)
    await load(bare_ground.settings, keys)
    await check(bare_ground, list(PLACES) if keys == COUNTED else ["overview", "redis"])


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


async def test_who_moves_on_in_a_long_list_is_not_made_to_wait(ground: Ground) -> None:
    """At rest a list of many bytes is read seldom; with each key that needs more of it, it is read at once."""
    shop = await ground.engine(role="client")
    await shop.offer(hits(200))
    clock = Clock()
    engine = await ground.engine(clock=clock, ticks=clock.ticks)

    async def rows(wanted: int) -> int:
        return len((await engine.take_snapshot(Wanted(rows=wanted))).requests.value or ())

    assert await rows(120) == 120
    await shop.offer(hits(1, 500))
    read = engine._stores.meter.received
    assert await rows(120) == 120
    resting = engine._stores.meter.received - read
    assert resting < ROWS_BYTES / 2, "the list was read again although it took many bytes a moment ago"
    for wanted in (121, 160, 201):
        clock.passed += 0.03
        assert await rows(wanted) == wanted
