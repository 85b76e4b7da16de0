"""The first line on a real server with a real Matomo at the other end: each cause is brought about, then read."""

from __future__ import annotations

import redis

from opalmind_tui.demo.matomo.behaviour import Behaviour
from opalmind_tui.engine.engine import Engine
from opalmind_tui.snapshot.commands import Act, Command
from opalmind_tui.snapshot.model import State, Verdict
from opalmind_tui.snapshot.wanted import Wanted
from tests.engine.conftest import Ground, hits, until
from tests.support.servers import Product, running


async def cause(engine: Engine) -> str:
    engine._looking.expire()
    return (await engine.take_snapshot(Wanted(rows=50))).cause


async def says(engine: Engine, *parts: str) -> None:
    """Wait until the line has all of these."""
    line = ""

    async def said() -> bool:
        nonlocal line
        line = await cause(engine)
        return all(part in line for part in parts)

    try:
        await until(said)
    except TimeoutError:
        raise AssertionError(f"{parts} not in: {line}") from None


async def do(engine: Engine, command: Command) -> None:
    await engine.run(await engine.plan(command))


async def test_nobody_delivers_then_somebody_pauses_then_nothing_is_wrong(ground: Ground) -> None:
    looking = await ground.engine(deliver=False, queue_warn_pending=1)
    await says(looking, "Nothing is wrong.")
    await looking.offer(hits(3))
    await says(looking, "No worker connected: 3 requests wait, the oldest for")
    kim = await ground.engine(role="operator", operator="kim")
    await do(kim, Command(Act.PAUSE, seconds=600, reason="upgrade"))
    await says(looking, "Sending is paused by kim: upgrade since", "on in 9 min: 3 requests wait.")
    await do(kim, Command(Act.RESUME))
    worker = await ground.engine(role="worker", deliver=True)

    async def delivered() -> bool:
        return (await worker.queue_view()).delivered == 3

    await until(delivered)
    await says(worker, "Nothing is wrong.")
    assert (await worker.take_snapshot()).cause_verdict is Verdict.OK


async def test_matomo_answers_503_with_its_share_and_the_next_probe(ground: Ground) -> None:
    await ground.matomo.set_mood("down-503")
    engine = await ground.engine(deliver=True)
    for number in range(8):
        await engine.offer(hits(1, number))
    await says(engine, "Matomo answers 503", "of the newest", "errors) since", "Breaker open, ", "probe")


async def test_a_cooldown_says_until_when(ground: Ground) -> None:
    await ground.matomo.behave(Behaviour(faults=(("429", 1.0),)))
    engine = await ground.engine(deliver=True)
    number = 0

    async def cooling() -> bool:
        nonlocal number
        number += 1
        await engine.offer(hits(1, number))
        return "Cooldown until" in await cause(engine)

    await until(cooling)


async def test_a_matomo_that_failed_a_moment_ago_is_not_called_well_at_once(ground: Ground) -> None:
    engine = await ground.engine(deliver=True)
    await ground.matomo.behave(Behaviour(faults=(("503", 1.0),)))
    await engine.offer(hits(1))

    async def failed() -> bool:
        return (await engine.queue_view()).last_status == 503

    async def delivered() -> bool:
        return (await engine.queue_view()).delivered == 1

    await until(failed)
    await ground.matomo.set_mood("normal")
    await until(delivered)
    await says(engine, "Matomo fails at times (503 Service Unavailable), the last at", "Nothing lost.")


async def test_the_token_is_refused(ground: Ground) -> None:
    await ground.matomo.set_mood("token-refused")
    engine = await ground.engine(deliver=True)
    await engine.offer(hits(3))
    await says(engine, "Matomo does not answer as it should: Unable to authenticate with the provided token")


async def test_all_are_due_later(ground: Ground) -> None:
    engine = await ground.engine(deliver=False, queue_warn_pending=1)
    await engine.offer(hits(2))
    ids = (await engine.queue.ids(State.PENDING))[0]
    await do(engine, Command(Act.KILL, ids=ids))
    await says(engine, "2 requests given up")
    await do(engine, Command(Act.RETRY, ids=ids, seconds=600))
    await ground.engine(role="worker", deliver=True)
    await says(engine, "Nothing is due: 2 requests wait for their next try, the first at", "in 9 min.")


async def test_redis_is_full_then_read_only_then_away(any_product: Product, bare_ground: Ground) -> None:
    with running(any_product) as server, redis.Redis.from_url(server.url) as admin:
        engine = await bare_ground.engine(redis_url=server.url, deliver=False)
        await says(engine, "Nothing is wrong.")
        admin.config_set("maxmemory-policy", "noeviction")
        admin.config_set("maxmemory", "1mb")
        await engine.offer(hits(1))
        await says(engine, "Redis is full (maxmemory) since", "running on memory")
        admin.config_set("maxmemory", "0")
        await says(engine, "New requests are refused, the last at", "Redis is nearly full: over 95 %")
        admin.execute_command("REPLICAOF", "127.0.0.1", "1")
        await engine.offer(hits(1, 5))
        await says(engine, "Redis is a read-only replica since", "running on memory")
        admin.execute_command("REPLICAOF", "NO", "ONE")
        await says(engine, "New requests are refused, the last at", "Redis is nearly full: over 95 %")
        server.kill()
        await says(engine, "running on memory")
        await engine.stop()
