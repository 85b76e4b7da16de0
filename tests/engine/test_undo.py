"""Undo, with two operators on one Redis: the last act of anybody, planned, noted, and only once."""

from __future__ import annotations

import pytest
import redis

from opalmind_tui.engine.engine import Engine
from opalmind_tui.engine.undoing.inverse import decoded, encoded
from opalmind_tui.engine.undoing.last import NothingToUndo, last_undoable
from opalmind_tui.snapshot.audit import UNDO_WITHIN, AuditEntry
from opalmind_tui.snapshot.commands import Act, Command, Outcome, TtlTarget
from opalmind_tui.snapshot.model import State
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.storage.trouble import trouble_of_kind
from tests.engine.conftest import Ground, hits

HERE = "https://matomo.example/matomo.php"
UNDO = Command(Act.UNDO)


async def do(engine: Engine, command: Command) -> Outcome:
    return await engine.run(await engine.plan(command))


async def two(ground: Ground) -> tuple[Engine, Engine]:
    return await ground.engine(role="operator", operator="anna"), await ground.engine(role="operator", operator="bert")


async def ttl_of(engine: Engine, feature: str) -> float:
    return (await engine.times_to_live())[feature].seconds


@pytest.mark.parametrize("number", [3, 150], ids=["by name", "by time"])
async def test_a_purge_of_another_process_comes_back_and_nothing_else(ground: Ground, number: int) -> None:
    anna, bert = await two(ground)
    await anna.offer(hits(number + 2))
    ids = list((await anna.queue.ids(State.PENDING, limit=number + 2))[0])
    await do(anna, Command(Act.PURGE, ids=tuple(ids[:2])))
    await do(anna, Command(Act.PURGE, ids=tuple(ids[2:])))
    plan = await bert.plan(UNDO)
    assert plan.title == f"Undo: Purge {number} requests"
    assert plan.eligible == number
    assert "It was done by anna" in plan.consequences[1]
    await bert.run(plan)
    assert set((await anna.queue.ids(State.PENDING, limit=500))[0]) == set(ids[2:])
    newest = (await anna.audit(1))[0]
    assert (newest.act, newest.by, newest.done) == ("undo", "bert", number)
    # The one before it is next, then there is none.
    await do(anna, UNDO)
    assert (await anna.queue.counts("")).trash == 0
    with pytest.raises(NothingToUndo):
        await bert.plan(UNDO)


async def test_times_to_live_go_back_one_by_one(ground: Ground) -> None:
    anna, bert = await two(ground)
    before = await ttl_of(anna, "events")
    await do(anna, Command(Act.SET_TTL, feature="events", seconds=300))
    await do(bert, Command(Act.SET_TTL, feature="events", seconds=600))
    for expected in (300, before):
        outcome = await do(anna, UNDO)
        assert not outcome.error
        assert await ttl_of(bert, "events") == expected
    await do(anna, Command(Act.SET_TTL, target=TtlTarget.IDEMPOTENCY, seconds=7_200))
    await do(bert, Command(Act.SET_TTL, target=TtlTarget.IDEMPOTENCY, seconds=0))
    await do(anna, UNDO)
    assert await ttl_of(bert, "idempotency") == 7_200


async def test_pause_resume_and_limit_go_back(ground: Ground) -> None:
    anna, bert = await two(ground)
    at = anna.endpoint
    await do(anna, Command(Act.LIMIT, per_second=5, reason="slow"))
    await do(bert, Command(Act.LIMIT, per_second=9))
    await do(anna, UNDO)
    rate = (await bert.queue.control(at)).rate
    assert rate is not None
    assert (rate.per_second, rate.reason) == (5, "slow")
    await do(anna, UNDO)
    assert (await bert.queue.control(at)).rate is None
    await do(anna, Command(Act.PAUSE, seconds=600, reason="upgrade"))
    await do(bert, Command(Act.RESUME))
    await do(anna, UNDO)
    paused = (await bert.queue.control(at)).paused
    assert paused is not None
    assert (paused.by, paused.reason) == ("anna", "upgrade")
    assert 500 < paused.until - paused.since <= 601
    await do(bert, UNDO)
    assert (await anna.queue.control(at)).paused is None


async def test_whoever_comes_second_undoes_nothing(ground: Ground) -> None:
    """Both read the same plan; what came between is not taken back by it."""
    anna, bert = await two(ground)
    await do(anna, Command(Act.SET_TTL, feature="events", seconds=300))
    first, second = await anna.plan(UNDO), await bert.plan(UNDO)
    await bert.run(second)
    outcome = await anna.run(first)
    assert outcome.error.startswith("Nothing was undone")
    await do(anna, Command(Act.SET_TTL, feature="events", seconds=300))
    stale = await anna.plan(UNDO)
    await do(bert, Command(Act.SET_TTL, feature="events", seconds=600))
    assert (await anna.run(stale)).error
    assert await ttl_of(anna, "events") == 600


async def test_what_cannot_be_undone_is_passed_over(ground: Ground) -> None:
    anna, _ = await two(ground)
    await anna.offer(hits(2))
    await do(anna, Command(Act.SET_TTL, feature="events", seconds=300))
    ids = (await anna.queue.ids(State.PENDING))[0]
    await do(anna, Command(Act.PURGE, ids=ids[:1], hard=True))
    await do(anna, Command(Act.PURGE_CACHE))
    await do(anna, Command(Act.KILL, ids=ids[1:]))
    assert (await anna.plan(UNDO)).title == "Undo: Set the time to live of events entries to 300 s"


async def test_a_dashboard_knows_what_can_be_undone(ground: Ground) -> None:
    anna, _ = await two(ground)
    dashboard = await ground.engine(deliver=False)
    assert (await dashboard.take_snapshot()).undo is None
    await do(dashboard, Command(Act.SET_TTL, feature="events", seconds=300))
    found = (await dashboard.take_snapshot()).undo
    assert found is not None
    assert found.what == "Set the time to live of events entries to 300 s"
    await do(anna, UNDO)
    dashboard._looking.expire()
    assert (await dashboard.take_snapshot()).undo is None


async def test_without_redis_what_this_process_did_can_be_undone(ground: Ground, server: LocalServer) -> None:
    dashboard = await ground.engine(deliver=False)
    dashboard._stores.link.report(trouble_of_kind("refused"))
    await do(dashboard, Command(Act.SET_TTL, feature="events", seconds=300))
    plan = await dashboard.plan(UNDO)
    assert plan.title.endswith("to 300 s")
    assert not (await dashboard.run(plan)).error
    with pytest.raises(NothingToUndo):
        await dashboard.plan(UNDO)


def entry(at: float = 1000.0, **parts: str) -> AuditEntry:
    return AuditEntry(at, "anna", "set-ttl", "What", "Done", **parts)  # type: ignore[arg-type]


LIMIT = Command(Act.LIMIT, per_second=4.0, reason="x")
WAYS = (
    Command(Act.RESTORE, ids=("a" * 14, "b" * 14)),
    Command(Act.RESTORE, since=1.5, until=2.5),
    Command(Act.SET_TTL, target=TtlTarget.IDEMPOTENCY, seconds=60.0),
    Command(Act.SET_TTL, feature="events", existing=True),
    Command(Act.PAUSE, reason="[red]\x1b[2J", seconds=3.0),
    Command(Act.RESUME),
    LIMIT,
)
FOREIGN = (
    "", "null", "[]", "{", "\ud800", '{"act":"purge"}', '{"act":"restore","ids":[],"since":0,"until":0}',
    '{"act":"restore","ids":["../x"],"since":0,"until":0}', '{"act":"restore","ids":"aaaaaaaaaaaaaa","since":0}',
    '{"act":"restore","ids":[],"since":1e999,"until":0}', '{"act":"set-ttl"}', '{"act":["restore"]}',
    '{"act":"set-ttl","target":"reports","feature":"x","seconds":true,"existing":false}',
    '{"act":"set-ttl","target":"all","feature":"x","seconds":1,"existing":false}', '{"act":"resume"}',
)  # fmt: skip


def test_a_way_back_is_read_as_it_was_written_and_nothing_else_is() -> None:
    for command in WAYS:
        assert decoded(encoded(command, HERE), HERE) == command
    for text in FOREIGN:
        assert decoded(text, HERE) is None, text
    # Delivery to another Matomo is not ours to change.
    assert decoded(encoded(LIMIT, HERE), "https://other.example/matomo.php") is None


def test_the_last_one_within_a_quarter_of_an_hour_that_was_not_undone() -> None:
    way = encoded(LIMIT, HERE)
    first, second = entry(ref="1", inverse=way), entry(1100.0, ref="2", inverse=way)
    undone = entry(1200.0, ref="3", undoes="2")
    for entries, expected in (
        ((second, first), second), ((undone, second, first), first), ((), None), ((entry(ref="1"),), None),
        ((entry(ref="1", inverse="x"), first), first), ((entry(inverse=way), first), first),
        ((entry(9999.0, ref="9", inverse=way), first), first), ((entry(float("nan"), ref="9", inverse=way),), None),
    ):  # fmt: skip
        found = last_undoable(entries, 1250.0, HERE)
        assert (None if found is None else found[0]) == expected
    assert last_undoable((first,), 1000.0 + UNDO_WITHIN, HERE) is not None
    assert last_undoable((first,), 1000.1 + UNDO_WITHIN, HERE) is None


async def test_foreign_entries_in_the_trail_do_no_harm(ground: Ground, server: LocalServer) -> None:
    anna, _ = await two(ground)
    with redis.Redis.from_url(server.url) as client:
        client.xadd("opalmind:stats:audit", {b"\xff": b"\xff", "inverse": "{", "ref": "r", "at": "nan"})
        client.xadd("opalmind:stats:audit", {"by": "\x1b]0;x\x07" * 9_000, "what": "[/]", "inverse": encoded(
            Command(Act.SET_TTL, feature="events", seconds=90.0), anna.endpoint), "ref": "q"})  # fmt: skip
    plan = await anna.plan(UNDO)
    assert "\x1b" not in plan.title + "".join(plan.consequences)
    assert len(" ".join(plan.consequences)) < 1_000
