"""Look-ups of several processes in one bounded sample."""

from __future__ import annotations

import random

from redis.asyncio import Redis

from opalmind_tui.reports.preview import access_log
from opalmind_tui.reports.preview.access_log import MOST_IN_ENTRY, AccessLog
from opalmind_tui.reports.preview.sample import hash_of, is_sampled
from opalmind_tui.storage.local_server import LocalServer

KEY = "opalmind:stats:{c}:lookups"
NOW = 1_800_000_000.0


async def test_what_two_processes_note_a_third_reads_in_order(server: LocalServer) -> None:
    async with Redis.from_url(server.url) as client:
        one, two, reader = AccessLog(client, KEY), AccessLog(client, KEY), AccessLog(client, KEY)
        one.note("events", "a", 100, NOW)
        two.note("campaigns", "b", 200, NOW + 1.5)
        one.note("events", "a", 100, NOW + 2)
        await two.flush()
        await one.flush()
        found = await reader.read(NOW + 60)
        assert [(name, access.at - NOW, access.key, access.size) for name, access in found.accesses] == [
            ("events", 0.0, hash_of("a"), 100),
            ("campaigns", 1.5, hash_of("b"), 200),
            ("events", 2.0, hash_of("a"), 100),
        ]  # fmt: skip
        assert (found.rate, found.begins, found.ends) == (1.0, NOW, NOW + 60)
        assert [access.size for access in found.sample("campaigns").accesses] == [200]
        assert len(found.sample().accesses) == 3


async def test_nothing_noted_costs_no_command(server: LocalServer) -> None:
    async with Redis.from_url(server.url) as client:
        await AccessLog(client, KEY).flush()
        assert await client.exists(KEY) == 0


async def test_a_busy_process_lowers_the_rate_and_everybody_reads_by_the_lowest(server: LocalServer) -> None:
    chance = random.Random(4)
    async with Redis.from_url(server.url) as client:
        quiet, busy = AccessLog(client, KEY), AccessLog(client, KEY)
        for number in range(20):
            quiet.note("events", f"quiet {number}", 1, NOW + number)
        for number in range(2000):
            busy.note("events", f"busy {chance.random()}", 1, NOW + number / 1000)
        await quiet.flush()
        await busy.flush()
        found = await quiet.read(NOW + 30)
        assert found.rate < 1 / 16
        assert all(is_sampled(access.key, found.rate) for _, access in found.accesses)
        assert len(found.accesses) <= MOST_IN_ENTRY + 20
        # The share of the keys tells how many look-ups there were.
        assert 1000 < len(found.accesses) / found.rate < 4000


async def test_the_rate_comes_back_after_quiet_minutes(server: LocalServer) -> None:
    async with Redis.from_url(server.url) as client:
        log = AccessLog(client, KEY)
        for number in range(200):
            log.note("events", f"{number}", 1, NOW)
        lowered = log._rate
        assert lowered < 1
        for _ in range(access_log.QUIET_FLUSHES * 12):
            await log.flush()
        assert log._rate == 1


async def test_a_hot_key_counts_its_look_ups_and_crowds_nobody_out(server: LocalServer) -> None:
    async with Redis.from_url(server.url) as client:
        log = AccessLog(client, KEY)
        log.note("events", "rare", 1, NOW)
        for number in range(10_000):
            log.note("events", "hot", 1, NOW + number / 1000)
        await log.flush()
        found = await log.read(NOW)
        assert found.rate == 1
        assert sum(access.times for _, access in found.accesses) == 10_001
        assert len(found.accesses) <= 7


async def test_the_stream_is_bounded(server: LocalServer) -> None:
    async with Redis.from_url(server.url) as client:
        log = AccessLog(client, KEY)
        async with client.pipeline(transaction=False) as pipe:
            for _ in range(access_log.MOST_ENTRIES + 500):
                pipe.xadd(KEY, {"rate": "1", "began": "0", "lookups": b""})
            await pipe.execute()
        log.note("events", "a", 1, NOW)
        await log.flush()
        # A stream is trimmed by whole nodes.
        assert await client.xlen(KEY) <= access_log.MOST_ENTRIES + 100


async def test_foreign_entries_are_passed_over(server: LocalServer) -> None:
    async with Redis.from_url(server.url) as client:
        log = AccessLog(client, KEY)
        for entry in (
            {"x": "y"}, {"rate": "nan", "began": "1", "lookups": b""}, {"rate": "1", "began": "x", "lookups": b""},
            {"rate": "1", "began": "1", "lookups": b"odd"}, {"rate": "7", "began": "1", "lookups": b""},
            {"rate": "1", "began": "1", "lookups": b"\xff" * 15},
        ):  # fmt: skip
            await client.xadd(KEY, entry)
        log.note("events", "a", 1, NOW)
        await log.flush()
        assert len((await log.read(NOW)).accesses) == 1
