"""The ledger's alarm, and what an operator takes note of (I1)."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from opalmind_tui.engine.engine import Engine
from opalmind_tui.errors import BadArgument, ReadOnly
from opalmind_tui.snapshot.commands import Act, Command, Outcome
from opalmind_tui.snapshot.model import Verdict
from opalmind_tui.storage.local_server import LocalServer
from tests.engine.conftest import Ground, hits

LEDGER = "opalmind:queue:{q}:ledger"


async def take_note(engine: Engine, note: str) -> Outcome:
    """Plan and run it."""
    return await engine.run(await engine.plan(Command(Act.ACKNOWLEDGE, reason=note)))


async def alarm(engine: Engine) -> tuple[int, Verdict]:
    """What the screen says: the difference nobody knows of, and line 2."""
    await engine._stores.config.refresh()
    snapshot = await engine.take_snapshot()
    assert snapshot.queue.value is not None
    return snapshot.queue.value.ledger_alarm, snapshot.cause_verdict


async def test_a_difference_is_noted_for_all_and_the_next_one_alarms(ground: Ground, server: LocalServer) -> None:
    here, there = await ground.engine(), await ground.engine()
    await here.offer(hits(5))
    assert (await alarm(here))[0] == 0
    nothing = await here.plan(Command(Act.ACKNOWLEDGE, reason="all is well"))
    assert nothing.nothing_to_do
    async with Redis.from_url(server.url) as client:
        await client.hincrby(LEDGER, "accepted", 3)
        assert await alarm(there) == (3, Verdict.FAIL)
        outcome = await take_note(here, "the test took three\x1b[31m")
        assert outcome.done == 1
        for engine in (here, there):
            number, verdict = await alarm(engine)
            assert number == 0
            assert verdict is not Verdict.FAIL
        view = await there.queue_view()
        assert view.ledger_difference == 3
        assert view.ledger_acknowledged is not None
        assert view.ledger_acknowledged.note == "the test took three\x1b[31m"
        await client.hincrby(LEDGER, "accepted", 1)
        assert await alarm(there) == (1, Verdict.FAIL)
        [*_, (_, entry)] = await client.xrange("opalmind:stats:audit")
        assert entry[b"act"] == b"acknowledge"


async def test_counters_that_were_replaced_are_noted_by_whoever_saw_others(ground: Ground, server: LocalServer) -> None:
    here, there = await ground.engine(), await ground.engine()
    await here.offer(hits(5))
    for engine in (here, there):
        assert not (await engine.queue_view()).epoch_changed
    async with Redis.from_url(server.url) as client:
        await client.flushall()
    await here.offer(hits(2, 10))
    for engine in (here, there):
        assert (await engine.queue_view()).epoch_changed
    await take_note(there, "emptied by mistake")
    for engine in (here, there):
        await engine._stores.config.refresh()
        assert not (await engine.queue_view()).epoch_changed
    await here.offer(hits(2, 20))
    assert not (await there.queue_view()).epoch_changed


@pytest.mark.parametrize("note", ["", "   ", "x" * 201])
async def test_a_note_must_say_something(ground: Ground, note: str) -> None:
    engine = await ground.engine()
    with pytest.raises(BadArgument, match="note"):
        await engine.plan(Command(Act.ACKNOWLEDGE, reason=note))


async def test_read_only_takes_no_note(ground: Ground, server: LocalServer) -> None:
    writer = await ground.engine()
    await writer.offer(hits(1))
    async with Redis.from_url(server.url) as client:
        await client.hincrby(LEDGER, "accepted", 1)
    reader = await ground.engine(read_only=True)
    with pytest.raises(ReadOnly):
        await take_note(reader, "no")


@pytest.mark.parametrize("raw", ["", "{}", "true", "[]", '{"difference":"x","epoch":1}', "\x00"])
async def test_foreign_notes_silence_nothing(ground: Ground, server: LocalServer, raw: str) -> None:
    engine = await ground.engine()
    await engine.offer(hits(1))
    async with Redis.from_url(server.url) as client:
        await client.hincrby(LEDGER, "accepted", 1)
        await engine._stores.config.set("ledger:acknowledged", raw, "somebody")
    assert (await alarm(engine))[0] == 1
