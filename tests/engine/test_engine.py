"""The engine on a real server and a stand-in Matomo: it delivers, observes, degrades and recovers."""

from __future__ import annotations

import asyncio

import pytest
import redis.asyncio
from msgspec.structs import replace

from opalmind_tui.demo.matomo.behaviour import Behaviour
from opalmind_tui.engine.engine import Engine
from opalmind_tui.errors import ReadOnly, SettingsError, StoreUnavailable
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.commands import Act, Command, TtlTarget
from opalmind_tui.snapshot.model import GateKind, Mode, Verdict
from opalmind_tui.snapshot.wanted import Wanted
from opalmind_tui.storage.local_server import free_port
from opalmind_tui.tracking.fields import pageview
from tests.engine.conftest import Ground, hits, until
from tests.support.servers import Product, running


async def test_what_is_offered_is_delivered_and_seen(ground: Ground) -> None:
    engine = await ground.engine(deliver=True)
    await engine.offer(hits(30))

    async def delivered() -> bool:
        view = (await engine.take_snapshot()).queue.value
        return view is not None and view.delivered == 30

    await until(delivered)
    assert ground.matomo.journal.stored == 30
    snapshot = await engine.take_snapshot()
    assert snapshot.queue.value is not None
    assert (snapshot.queue.value.ledger_difference, snapshot.queue.value.backlog) == (0, 0)
    assert snapshot.server.value is not None
    assert snapshot.server.value.product in ("redis", "valkey")
    assert all(part.error is None for part in (snapshot.queue, snapshot.requests, snapshot.cache, snapshot.keys))


async def test_a_dashboard_observes_until_it_is_told_to_deliver(ground: Ground) -> None:
    engine = await ground.engine()
    await engine.offer(hits(3))
    assert not engine.delivers
    view = (await engine.take_snapshot()).queue.value
    assert view is not None
    assert (view.pending, view.delivering_here) == (3, False)
    plan = await engine.plan(Command(Act.DELIVER, deliver=True))
    await engine.run(plan)
    await until(lambda: _stored(ground, 3))
    assert engine.delivers


async def _stored(ground: Ground, count: int) -> bool:
    return ground.matomo.journal.stored >= count


async def test_an_outage_opens_the_breaker_and_nothing_dies(ground: Ground) -> None:
    engine = await ground.engine(deliver=True)
    await ground.matomo.behave(Behaviour(listening=False))
    await engine.offer(hits(5))

    async def closed() -> bool:
        view = (await engine.take_snapshot()).queue.value
        return view is not None and view.gate is not None and view.gate.kind is GateKind.BREAKER

    await until(closed)
    snapshot = await engine.take_snapshot()
    assert "Matomo is away" in snapshot.cause
    assert snapshot.requests.value
    assert snapshot.queue.value is not None
    assert snapshot.queue.value.gate is not None
    assert {row.next_try for row in snapshot.requests.value if row.state == "pending"} <= {
        snapshot.queue.value.gate.until
    }
    assert snapshot.cause_verdict in (Verdict.WARN, Verdict.FAIL)
    await ground.matomo.behave(Behaviour())
    await until(lambda: _stored(ground, 5))
    assert not ground.matomo.journal.repeated("url")


async def test_without_redis_the_dashboard_runs_on_memory_and_says_so(ground: Ground) -> None:
    engine = await ground.engine(redis_url=f"redis://127.0.0.1:{free_port()}/0")
    await engine.offer(hits(4))
    snapshot = await engine.take_snapshot()
    assert snapshot.store.mode is Mode.MEMORY
    assert "running on memory" in snapshot.cause
    assert "memory only" in snapshot.store.durability
    assert snapshot.server.error is not None
    await until(lambda: _stored(ground, 4))


async def test_recovery_moves_memory_into_redis_without_a_restart(any_product: Product, ground: Ground) -> None:
    await ground.matomo.behave(Behaviour(listening=False))
    with running(any_product, persistent=True) as server:
        engine = await ground.engine(redis_url=server.url, deliver=True)
        await engine.offer(hits(2))
        await asyncio.to_thread(server.stop)
        assert (await engine.offer(hits(3, start=2)))[0].outcome == "accepted"
        assert engine.queue.mode is Mode.MEMORY
        snapshot = await engine.take_snapshot()
        assert snapshot.store.only_here == 3
        await asyncio.to_thread(server.start)

        async def back() -> bool:
            snapshot = await engine.take_snapshot()
            return snapshot.store.mode is Mode.REDIS and snapshot.store.only_here == 0

        await until(back)
        await ground.matomo.behave(Behaviour())
        await until(lambda: _stored(ground, 5))
        view = await engine.queue_view()
        assert (view.accepted, view.ledger_difference) == (5, 0)
        await engine.stop()


async def test_who_must_have_redis_is_told_at_once(ground: Ground) -> None:
    away = f"redis://127.0.0.1:{free_port()}/0"
    with pytest.raises(StoreUnavailable, match="refuses connections"):
        await ground.engine(role="track", redis_url=away)
    await ground.engine(role="worker", redis_url=away)


async def test_a_wrong_password_stops_a_worker_and_not_a_dashboard(any_product: Product, ground: Ground) -> None:
    with running(any_product, extra=("--requirepass", "right")) as server:
        wrong = {"redis_url": server.url, "redis_password": "wrong"}
        with pytest.raises(StoreUnavailable) as raised:
            await ground.engine(role="worker", **wrong)
        assert raised.value.kind == "auth"
        engine = await ground.engine(**wrong)
        snapshot = await engine.take_snapshot()
        assert snapshot.store.mode is Mode.REDIS
        assert "password" in snapshot.cause
        assert "wrong" not in repr(snapshot)
        await engine.stop()


async def test_read_only_writes_nothing_at_all(ground: Ground) -> None:
    async with redis.asyncio.Redis.from_url(ground.settings.redis_url) as client:
        engine = await ground.engine(read_only=True, deliver=True)
        for _ in range(2):
            await engine.take_snapshot()
        await engine.health_document()
        plan = await engine.plan(Command(Act.PURGE, all_dead=True))
        with pytest.raises(ReadOnly):
            await engine.run(plan)
        with pytest.raises(ReadOnly):
            await engine.offer(hits(1))
        await engine.stop()
        assert await client.dbsize() == 0


async def test_a_pause_and_a_limit_hold_for_other_processes_and_are_noted(ground: Ground) -> None:
    one, other = await ground.engine(operator="anna"), await ground.engine(role="worker", deliver=True)
    await one.run(await one.plan(Command(Act.PAUSE, reason="Matomo is being upgraded")))
    await one.offer(hits(3))
    snapshot = await other.take_snapshot()
    assert "anna: Matomo is being upgraded" in snapshot.cause
    plan = await one.plan(Command(Act.LIMIT, per_second=500, reason="gently"))
    assert any("Paused by anna" in sentence for sentence in plan.consequences)
    await one.run(plan)
    assert ground.matomo.journal.stored == 0
    outcome = await one.run(await one.plan(Command(Act.RESUME)))
    assert outcome.sentence == "Delivery goes on"
    await until(lambda: _stored(ground, 3))
    view = await other.queue_view()
    assert view.control.paused is None
    assert view.control.rate is not None
    assert (view.control.rate.per_second, view.control.rate.by) == (500, "anna")
    await one.run(await one.plan(Command(Act.LIMIT)))
    assert (await other.queue_view()).control.rate is None
    assert (await one.plan(Command(Act.RESUME))).eligible == 0
    async with redis.asyncio.Redis.from_url(ground.settings.redis_url) as client:
        noted = [entry[1][b"act"] for entry in await client.xrange("opalmind:stats:audit", count=10)]
    assert noted == [b"pause", b"limit", b"resume", b"limit"]


async def test_read_only_pauses_nothing(ground: Ground) -> None:
    engine = await ground.engine(read_only=True)
    plan = await engine.plan(Command(Act.PAUSE))
    with pytest.raises(ReadOnly):
        await engine.run(plan)
    assert (await engine.queue_view()).control.paused is None


async def test_processes_see_each_other_and_who_delivers(ground: Ground) -> None:
    looking = await ground.engine()
    await ground.engine(role="worker", deliver=True)
    await ground.engine(role="worker", deliver=True, matomo_base_url="http://127.0.0.1:9/")
    await ground.engine(read_only=True)

    async def listed() -> bool:
        looking._looking._processes.expire()
        await looking.take_snapshot()
        found = (await looking.take_snapshot()).processes.value or ()
        return len(found) == 3

    await until(listed)
    snapshot = await looking.take_snapshot()
    assert snapshot.processes.value is not None
    assert [(one.role, one.delivers, one.here) for one in snapshot.processes.value] == [
        ("worker", True, False), ("worker", True, False), ("dashboard", False, True),
    ]  # fmt: skip
    # The third delivers to another Matomo.
    assert (await looking.queue_view()).workers == 1


async def test_a_changed_ttl_reaches_another_process(ground: Ground) -> None:
    one, other = await ground.engine(), await ground.engine()
    plan = await one.plan(Command(Act.SET_TTL, target=TtlTarget.REPORTS, seconds=300))
    assert "300 s" in plan.title
    outcome = await one.run(plan)
    assert not outcome.error

    async def taken_up() -> bool:
        return (await other.cache.view()).ttl == 300.0

    await until(taken_up, 5)


async def test_retry_and_purge_act_on_what_was_captured(ground: Ground) -> None:
    engine = await ground.engine(deliver=True)
    await ground.matomo.behave(Behaviour(faults=(("503", 1.0),)))
    await engine.offer(hits(6))
    rows = (await engine.take_snapshot(Wanted(rows=6))).requests.value
    assert rows is not None
    plan = await engine.plan(Command(Act.PURGE, ids=(rows[0].id, rows[1].id, "Np0nosuchthing")))
    assert dict(plan.skipped).get("no longer in the queue") == 1
    outcome = await engine.run(plan)
    assert outcome.done + outcome.skipped == plan.eligible
    view = await engine.queue_view()
    assert view.ledger_difference == 0
    assert view.purged == outcome.done
    async with redis.asyncio.Redis.from_url(ground.settings.redis_url) as client:
        entries = await client.xrevrange("opalmind:stats:audit", count=1)
        assert entries[0][1][b"act"] == b"purge"


async def test_an_emptied_server_raises_the_alarm(ground: Ground) -> None:
    engine = await ground.engine()
    await engine.offer(hits(3))
    await engine.take_snapshot()
    async with redis.asyncio.Redis.from_url(ground.settings.redis_url) as client:
        await client.flushall()
    snapshot = await engine.take_snapshot()
    assert snapshot.queue.value is not None
    assert snapshot.queue.value.epoch_changed
    assert snapshot.cause_verdict is Verdict.FAIL


async def test_nothing_can_be_offered_without_a_matomo(ground: Ground) -> None:
    engine = Engine(replace(ground.settings, matomo_base_url=""), role="dashboard")
    await engine.start()
    with pytest.raises(SettingsError, match="MATOMO_BASE_URL"):
        await engine.offer(hits(1))
    assert (await engine.take_snapshot()).queue.error is None
    await engine.stop()


async def test_stopping_leaves_no_task_and_no_thread_of_work(ground: Ground) -> None:
    before = asyncio.all_tasks()
    engine = await ground.engine(deliver=True)
    await engine.offer(hits(2))
    await engine.stop()
    await engine.stop()
    await asyncio.sleep(0)
    left = {repr(task.get_coro()) for task in asyncio.all_tasks() - before}
    assert not [task for task in left if "Listener" not in task and "StandIn" not in task and "Connection" not in task]


def test_secrets_stay_out_of_what_is_shown() -> None:
    settings = Settings(
        redis_url="redis://:hush-hush@127.0.0.1:1/0", matomo_base_url="http://127.0.0.1:1/", matomo_token="s3cr3t" * 4
    )
    engine = Engine(settings, role="dashboard")
    assert "hush" not in repr(engine.settings)
    assert "s3cr3t" not in repr(engine.settings)
    assert engine._identity.matomo == "http://127.0.0.1:1/"


async def test_status_without_redis_is_degraded_with_nulls(ground: Ground) -> None:
    engine = await ground.engine(role="status", redis_url=f"redis://127.0.0.1:{free_port()}/0")
    document = await engine.health_document()
    assert document["status"] == "degraded"
    queue, connection = document["checks"][2]["details"], document["checks"][3]["details"]
    assert queue["pending"] is None
    assert connection["mode"] == "memory"
    assert connection["keys"] is None or set(connection["keys"].values()) == {None}


async def test_a_user_who_may_not_run_scripts_stops_a_worker(ground: Ground) -> None:
    async with redis.asyncio.Redis.from_url(ground.settings.redis_url) as client:
        await client.execute_command("ACL", "SETUSER", "plain", "on", ">word", "~*", "+@all", "-@scripting")
        try:
            with pytest.raises(StoreUnavailable) as raised:
                await ground.engine(role="worker", redis_username="plain", redis_password="word")
            assert raised.value.kind == "permission"
        finally:
            await client.execute_command("ACL", "DELUSER", "plain")


async def test_what_only_memory_holds_is_sent_before_the_end(ground: Ground) -> None:
    engine = await ground.engine(role="client", redis_url=f"redis://127.0.0.1:{free_port()}/0")
    await engine.offer(hits(40))
    await engine.stop()
    assert (engine.lost, ground.matomo.journal.stored) == (0, 40)


async def test_our_token_in_a_tracked_address_is_stored_nowhere(ground: Ground) -> None:
    engine = await ground.engine()
    url = f"https://example.com/?token_auth={ground.settings.matomo_token}&x=1"
    await engine.offer([pageview({"url": url}, default_site_id=1)])
    async with redis.asyncio.Redis.from_url(ground.settings.redis_url) as client:
        bodies = await client.hvals("opalmind:queue:{q}:msg")
        assert bodies
        assert ground.settings.matomo_token.encode() not in b"".join(bodies)


async def test_status_needs_no_permission_to_write(ground: Ground) -> None:
    async with redis.asyncio.Redis.from_url(ground.settings.redis_url) as client:
        await client.execute_command(
            "ACL", "SETUSER", "reader", "on", ">word", "~*", "+@read", "+@connection", "+@scripting", "+info",
            "+time",
        )  # fmt: skip
        try:
            engine = await ground.engine(role="status", redis_username="reader", redis_password="word")
            document = await engine.health_document()
            assert document["checks"][2]["details"]["pending"] == 0
        finally:
            await client.execute_command("ACL", "DELUSER", "reader")
