"""The cache's entries as the screen asks for them: on real servers, with strangers' keys and values among them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from opalmind_tui.engine.finding import entry_walk
from opalmind_tui.engine.finding.entry_walk import EntryWalk, Pass
from opalmind_tui.reports.entries import Entries
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.entries import OTHERS, PART, EntryListing, EntryOrder, EntryRow, EntryState, EntryView
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.local_server import LocalServer

PREFIX = Settings().cache_prefix


def key(feature: str, site: int, more: str = "") -> str:
    return f'{{"feature":"{feature}","input":{{"siteId":{site},"period":"day","date":"today"{more}}}}}'


def stored(feature: str, left: float, value: str = "[]") -> str:
    return f'{{"feature":"{feature}","value":{value},"expiresAt":{round((time.time() + left) * 1000)}}}'


@pytest.fixture
async def redis(server: LocalServer) -> AsyncIterator[Redis]:
    client = async_client(Settings(redis_url=server.url))
    yield client
    await client.aclose()


@pytest.fixture
async def walk(redis: Redis) -> AsyncIterator[EntryWalk]:
    made = EntryWalk(Entries(redis, PREFIX), time.time)
    yield made
    await made.stop()


async def complete(walk: EntryWalk, view: EntryView) -> EntryListing:
    """What a look shows when all keys were gone through."""
    for _ in range(500):
        if (found := await walk.listing(view)).done:
            return found
    raise AssertionError("it does not come to an end")


async def test_entries_are_what_they_are(redis: Redis, walk: EntryWalk) -> None:
    await redis.set(PREFIX + key("events", 1), stored("events", 40), ex=41)
    await redis.set(PREFIX + key("events", 2), stored("events", -5), ex=100)
    await redis.set(PREFIX + key("events", 3), '{"feature":"events","value":[', ex=100)
    await redis.set(PREFIX + key("events", 4), stored("events", 500))
    await redis.hset(PREFIX + key("events", 5), "a", "b")
    await redis.set(PREFIX + key("tomorrowsReport", 5), stored("tomorrowsReport", 40), ex=41)
    await redis.set(PREFIX.encode() + b"\xff\xfesession:\x1b[2J", "true")
    await redis.set("opalmind:idempotency:x", "{}")

    events = await complete(walk, EntryView("events", EntryOrder.KEY, rows=20))

    assert [(row.key, row.state) for row in events.rows] == [
        (key("events", 1), EntryState.FRESH),
        (key("events", 2), EntryState.STALE),
        (key("events", 3), EntryState.CORRUPT),
        (key("events", 4), EntryState.FRESH),
        (key("events", 5), EntryState.CORRUPT),
    ]
    sums = events.of("events")
    assert sums is not None
    assert (sums.entries, sums.stale, sums.corrupt, sums.endless) == (5, 1, 2, 2)
    assert sums.lives == (0, 0, 1, 0, 1, 0, 0, 0, 0)
    others = await complete(walk, EntryView(OTHERS, EntryOrder.KEY, rows=20))
    assert [(row.feature, row.state) for row in others.rows] == [
        ("tomorrowsReport", EntryState.FRESH), ("", EntryState.FOREIGN),
    ]  # fmt: skip
    whole = others.of("")
    assert whole is not None
    assert whole.entries == 7


async def test_a_key_of_any_bytes_leads_to_its_value(redis: Redis, walk: EntryWalk) -> None:
    name = PREFIX.encode() + b"\xff\xfe\xed\xa0\x80 \xf0\x9f"
    await redis.set(name, b"\xff{}")
    (row,) = (await complete(walk, EntryView(OTHERS, rows=5))).rows
    part = await Entries(redis, PREFIX).part(row.key)
    assert part is not None
    assert part.text.encode("utf-8", "surrogateescape") == b"\xff{}"


async def test_the_window_moves_and_holds_on_to_its_row(redis: Redis, walk: EntryWalk) -> None:
    for site in range(300):
        await redis.set(PREFIX + key("events", site), stored("events", 1_000 + site), ex=2_000 + site)
    view = EntryView("events", EntryOrder.ENDING, rows=10)
    first = await complete(walk, view)
    assert [row.key for row in first.rows] == [key("events", site) for site in range(10)]
    assert first.kept == 300
    held = EntryView("events", EntryOrder.ENDING, anchor=key("events", 200), above=3, first=0, rows=10)
    found = await walk.listing(held)
    assert found.first == 197
    assert found.place_of(key("events", 200)) == 200
    await redis.delete(PREFIX + key("events", 198))
    found = await walk.listing(held)
    assert key("events", 198) not in [row.key for row in found.rows]
    assert (await walk.listing(held)).place_of(key("events", 200)) == 199
    large = await walk.listing(EntryView("events", EntryOrder.LARGEST, rows=10))
    assert [row.size for row in large.rows] == sorted((row.size or 0 for row in large.rows), reverse=True)


@pytest.mark.parametrize("ask", ["key", "change"])
async def test_a_long_walk_tells_its_age_and_is_made_anew_when_asked(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, ask: str
) -> None:
    monkeypatch.setattr(entry_walk, "_EACH", 1_000.0)
    ahead = [0.0]
    walk = EntryWalk(Entries(redis, PREFIX), lambda: time.time() + ahead[0])
    await redis.set(PREFIX + key("events", 1), stored("events", 5_000), ex=6_000)
    view = EntryView("events", rows=10)
    now = time.time()
    first = await complete(walk, view)
    assert first.age(now + 1) is None
    await redis.set(PREFIX + key("events", 2), stored("events", 5_000), ex=6_000)
    ahead[0] = 300.0
    old = await walk.listing(view)
    assert (old.kept, old.at) == (1, first.at)
    age = old.age(now + 300)
    assert age is not None
    assert 295 < age <= 300
    if ask == "key":
        view = replace(view, again=1)
    else:
        walk.expire()
    while (found := await walk.listing(view)).kept != 2:
        pass
    assert found.age(now + 300) is None
    await redis.set(PREFIX + key("events", 3), stored("events", 5_000), ex=6_000)
    for _ in range(5):
        assert (await walk.listing(view)).kept == 2, "asked for once, it walks once"
    await walk.stop()


async def test_what_changes_while_it_walks_is_walked_again(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry_walk, "_EACH", 1_000.0)
    walk = EntryWalk(Entries(redis, PREFIX), time.time)
    pipe = redis.pipeline(transaction=False)
    for number in range(3_000):
        pipe.set(PREFIX + key("events", number), stored("events", 5_000), ex=6_000)
    await pipe.execute()
    real, steps = walk._step, iter(range(1_000))

    async def purged_meanwhile(under_way: entry_walk.Pass) -> None:
        await real(under_way)
        if next(steps) == 2:
            await redis.flushdb()
            walk.expire()

    monkeypatch.setattr(walk, "_step", purged_meanwhile)
    async with asyncio.timeout(20):
        while (found := await walk.listing(EntryView("events"))).of("") is not None or not found.done:
            pass
    assert found.examined == 0
    await walk.stop()


async def test_when_all_in_view_have_ended_all_that_ended_leave_the_list(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry_walk, "_EACH", 1_000.0)
    ahead = [0.0]
    walk = EntryWalk(Entries(redis, PREFIX), lambda: time.time() + ahead[0])
    for site in range(200):
        await redis.set(PREFIX + key("events", site), stored("events", 50), ex=50)
    for site in range(200, 205):
        await redis.set(PREFIX + key("events", site), stored("events", 5_000), ex=5_000)
    view = EntryView("events", EntryOrder.ENDING, rows=10)
    assert (await complete(walk, view)).kept == 205
    await redis.unlink(*(PREFIX + key("events", site) for site in range(200)))
    ahead[0] = 60.0
    found = await walk.listing(view)
    assert [row.key for row in found.rows] == [key("events", site) for site in range(200, 205)]
    assert (found.first, found.kept) == (0, 5)
    await walk.stop()


def test_one_that_comes_for_one_that_left_is_in_the_list() -> None:
    found, view = Pass(3), EntryView("events", EntryOrder.KEY, rows=10)
    first, second, third = (EntryRow(f"{at}", "events", 1, None, None, EntryState.FRESH) for at in range(3))
    found.take(first, 0.0)
    found.take(second, 0.0)
    assert found.ordered(view) == ["0", "1"]
    assert not found.forget(["0", "1"], {"1"}, 0.0)
    found.take(third, 0.0)
    assert found.ordered(view) == ["1", "2"]


async def test_sums_alone_stop_at_the_budget_and_a_list_goes_on(
    redis: Redis, walk: EntryWalk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry_walk, "BUDGET", 1_000)
    pipe = redis.pipeline(transaction=False)
    for number in range(5_000):
        pipe.set(PREFIX + key("events", number), stored("events", 600), ex=700)
    await pipe.execute()
    for _ in range(20):
        sums = await walk.listing(EntryView())
    assert not sums.done
    assert 1_000 <= sums.examined < 2_500
    assert sums.total == 5_000
    found = await complete(walk, EntryView("events", rows=10))
    assert found.kept == 5_000


async def test_no_step_asks_for_much(redis: Redis, walk: EntryWalk) -> None:
    pipe = redis.pipeline(transaction=False)
    for number in range(3_000):
        pipe.set(f"other:{number}", "x")
    await pipe.execute()
    await redis.config_resetstat()
    await complete(walk, EntryView("events", rows=10))
    stats = await redis.info("commandstats")
    assert set(stats) <= {"cmdstat_scan", "cmdstat_dbsize", "cmdstat_info", "cmdstat_client|setinfo", "cmdstat_hello",
                          "cmdstat_config|resetstat", "cmdstat_config"}  # fmt: skip


async def test_a_value_comes_in_parts_that_cut_no_character(redis: Redis) -> None:
    value = json.dumps(["日本語" * 30_000], ensure_ascii=False)
    await redis.set(PREFIX + key("events", 1), value)
    entries, text, start = Entries(redis, PREFIX), "", 0
    while True:
        part = await entries.part(key("events", 1), start)
        assert part is not None
        assert part.end - part.start <= PART
        text, start = text + part.text, part.end
        if not part.more:
            break
    assert text == value


async def test_what_is_no_text_says_what_it_is(redis: Redis) -> None:
    await redis.rpush(PREFIX + key("events", 1), "a")
    part = await Entries(redis, PREFIX).part(key("events", 1))
    assert part is not None
    assert (part.kind, part.text, part.more) == ("list", "", False)
    assert await Entries(redis, PREFIX).part(key("events", 2)) is None
