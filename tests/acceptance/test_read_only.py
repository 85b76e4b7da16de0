"""Read-only on a real server, with a whole engine over it: nothing is written, whatever is looked at or asked for.

The server is asked what it ran and how many changes it counted; nothing of ours is believed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import redis
from msgspec.structs import replace

from opalmind_tui.demo.matomo.server import StandIn
from opalmind_tui.engine.engine import Engine
from opalmind_tui.errors import OpalmindError, ReadOnly
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.audit import OLDEST, AuditView
from opalmind_tui.snapshot.commands import Act, Command, Plan
from opalmind_tui.snapshot.filters import parse_filter
from opalmind_tui.snapshot.listing import GroupView, ListView, Tab
from opalmind_tui.snapshot.model import State
from opalmind_tui.snapshot.wanted import Wanted
from opalmind_tui.storage.local_server import LocalServer
from tests.engine.conftest import TOKEN, hits


@asynccontextmanager
async def scene(server: LocalServer) -> AsyncIterator[tuple[Settings, str, list[str], redis.Redis]]:
    """A queue with something in every state, a cache, a trail; then nobody but a read-only dashboard."""
    matomo = StandIn(token=TOKEN, seed=3)
    await matomo.start()
    settings = Settings(redis_url=server.url, matomo_base_url=matomo.url, matomo_token=TOKEN, matomo_default_site_id=1)
    async with Engine(settings, role="operator") as anna:
        await anna.offer(hits(12))
        ids = list((await anna.queue.ids(State.PENDING))[0])
        for command in (
            Command(Act.KILL, ids=tuple(ids[:6])), Command(Act.PURGE, ids=tuple(ids[:2])),
            Command(Act.SET_TTL, feature="events", seconds=300), Command(Act.LIMIT, per_second=5, reason="slow"),
        ):  # fmt: skip
            await anna.run(await anna.plan(command))
        await anna.reports.get_device_types()
    with redis.Redis.from_url(server.url) as admin:
        yield replace(settings, read_only=True), settings.redis_url, ids, admin
    await matomo.stop()


WRITES = (
    "set",
    "setex",
    "del",
    "unlink",
    "expire",
    "hset",
    "hincrby",
    "zadd",
    "zrem",
    "xadd",
    "xtrim",
    "rpush",
    "publish",
)


def changes(admin: redis.Redis) -> dict[str, int]:
    """Changes that the server has counted since its start, keys, and how often each command was called that writes."""
    stats = admin.info("commandstats")
    called = {name: int(stats.get(f"cmdstat_{name}", {}).get("calls", 0)) for name in WRITES}
    return {**called, "dirty": int(admin.info("persistence")["rdb_changes_since_last_save"]), "keys": admin.dbsize()}


def commands(ids: list[str]) -> list[Command]:
    """Every act, in more than one shape where it has some."""
    named = [Command(act, ids=tuple(ids), reason="x", seconds=5.0, per_second=1.0) for act in Act]
    lists = [Command(act, tab=Tab.DEAD, filter=parse_filter("site:1")) for act in (Act.RETRY, Act.PURGE, Act.KILL)]
    return [
        *named, *lists, Command(Act.PURGE, all_dead=True, hard=True), Command(Act.RETRY, all_dead=True),
        Command(Act.SET_TTL, seconds=90.0, existing=True), Command(Act.DELIVER, deliver=True), Command(Act.RESTORE),
    ]  # fmt: skip


async def test_no_act_and_no_look_of_a_read_only_engine_writes(server: LocalServer) -> None:
    async with scene(server) as (settings, _, ids, admin):
        before = changes(admin)
        async with Engine(settings, role="dashboard", deliver=True) as engine:
            for command in commands(ids):
                try:
                    plan = await engine.plan(command)
                except OpalmindError:
                    plan = Plan(command, "made elsewhere", 3, ids=ids)
                # Also a plan that was made by one who may write.
                for one in (plan, replace(plan, ids=tuple(ids), undoes="r")):
                    with pytest.raises(ReadOnly):
                        await engine.run(one)
            with pytest.raises(ReadOnly):
                await engine.request_detail(ids[-1], reveal=True)
            with pytest.raises(ReadOnly):
                await engine.offer(hits(1, 99))
            engine.switch_count()
            for tab in Tab:
                view = ListView(tab, filter=parse_filter("site:1"))
                wanted = Wanted(rows=9, closer=True, view=view, groups=GroupView(), audit=AuditView(OLDEST))
                await engine.take_snapshot(wanted)
            await engine.request_detail(ids[-1])
            await engine.ttl_preview("events", 90.0)
            await engine.diagnose()
            assert (await engine.summary()).startswith("# OpalMind hand-over")
            # What runs beside it gets its turn, at once.
            assert engine._upkeep is not None
            await engine._upkeep.step()
            assert not engine.delivers
        assert changes(admin) == before
