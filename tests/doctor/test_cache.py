"""Why the cache does not help: each cause brought about with real look-ups, a real server and the stand-in Matomo."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import redis
from msgspec.structs import replace

from opalmind_tui.demo.matomo.server import StandIn
from opalmind_tui.doctor import Facts, diagnose
from opalmind_tui.engine import ending, stores
from opalmind_tui.engine.engine import Engine
from opalmind_tui.health.facts import Facts as State
from opalmind_tui.reports import redis_cache
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.commands import Act
from opalmind_tui.snapshot.findings import Finding, Severity
from opalmind_tui.snapshot.model import CacheView, PreviewPoint, Reading, ServerView
from opalmind_tui.storage.local_server import LocalServer
from tests.doctor.conftest import Doctor, Started

TOKEN = "0123456789abcdef0123456789abcdef"
CAUSES = {
    "cache-not-stored", "cache-not-kept", "hit-rate-cold", "hit-rate-ttl", "hit-rate-evictions", "hit-rate-memory",
    "hit-rate-varied",
}  # fmt: skip


@dataclass
class Readers:
    """Processes that read reports."""

    settings: Settings
    server: LocalServer

    async def read(self, number: int, first: int = 0, **fields: object) -> None:
        """Read that many different reports, each once, and share what was counted."""
        engine = Engine(replace(self.settings, **fields), role="client")  # type: ignore[arg-type]
        await engine.start()
        for limit in range(first, first + number):
            await engine.reports.get_device_types(site_id=1, period="day", date="2026-01-05", limit=limit + 1)
        await engine.stop()

    async def findings(self, **fields: object) -> dict[str, Finding]:
        return await Doctor(self.settings).findings(**fields)


@pytest.fixture
async def readers(started: Started, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Readers]:
    # A machine that stands still for a moment must not count as a Redis that is away.
    for module, patience in ((stores, "CACHE_TIMEOUT"), (redis_cache, "DEADLINE"), (ending, "LEAVE_WITHIN")):
        monkeypatch.setattr(module, patience, 20.0)
    server = started()
    matomo = StandIn(token=TOKEN, seed=3)
    await matomo.start()
    settings = Settings(redis_url=server.url, matomo_base_url=matomo.url, matomo_token=TOKEN, matomo_default_site_id=1)
    yield Readers(settings, server)
    await matomo.stop()


def about(found: dict[str, Finding]) -> set[str]:
    return CAUSES & set(found)


async def test_a_cold_start_is_a_remark(readers: Readers) -> None:
    await readers.read(25)
    found = await readers.findings()
    assert about(found) == {"hit-rate-cold"}
    assert found["hit-rate-cold"].severity is Severity.REMARK


async def test_a_cache_that_is_used_has_no_finding(readers: Readers) -> None:
    await readers.read(15)
    await readers.read(15)
    await readers.read(15)
    assert not about(await readers.findings())


async def test_nothing_is_stored_because_it_is_not_permitted(readers: Readers) -> None:
    with redis.Redis.from_url(readers.server.url) as client:
        keys = [f"~opalmind:{name}:*" for name in ("queue", "stats", "idempotency")]
        client.execute_command("ACL", "SETUSER", "half", "on", ">half-secret", *keys, "&*", "+@all")
    user = {"redis_username": "half", "redis_password": "half-secret"}
    await readers.read(25, **user)
    found = await readers.findings(**user)
    assert about(found) == {"cache-not-stored"}
    assert "may not read and write" in found["cache-not-stored"].evidence
    assert "~opalmind:cache:*" in found["cache-not-stored"].command


async def test_what_is_stored_is_deleted_by_others(readers: Readers) -> None:
    await readers.read(25)
    with redis.Redis.from_url(readers.server.url) as client:
        client.delete(*client.scan_iter("opalmind:cache:*"))
    found = await readers.findings()
    assert about(found) & {"cache-not-kept"}
    assert "deleted by others" in found["cache-not-kept"].evidence


async def test_the_server_evicts(readers: Readers) -> None:
    await readers.read(25)
    with redis.Redis.from_url(readers.server.url) as client:
        client.set("filler", "x" * 100_000, ex=10)
        client.config_set("maxmemory", client.info("memory")["used_memory"] - 50_000)
        client.ping()
        client.set("one-more", "x")
        client.config_set("maxmemory", "200mb")
        assert client.info("stats")["evicted_keys"]
    found = await readers.findings()
    assert about(found) <= {"hit-rate-evictions", "cache-not-kept"}
    assert any("evicts" in found[name].evidence for name in about(found))


async def test_reports_live_too_short(readers: Readers) -> None:
    for _ in range(3):
        # A report of one millisecond stays in Redis for a second: found, and too old. That second is made longer.
        await readers.read(20, cache_ttl_ms=1)
        with redis.Redis.from_url(readers.server.url) as client:
            for key in client.scan_iter("opalmind:cache:*"):
                client.expire(key, 60)
    found = await readers.findings(cache_ttl_ms=1)
    assert about(found) == {"hit-rate-ttl"}
    assert "found a report past its" in found["hit-rate-ttl"].evidence


async def test_every_look_up_is_for_another_report(readers: Readers) -> None:
    await readers.read(205)
    assert about(await readers.findings()) == {"hit-rate-varied"}


def pure(cache: CacheView, server: ServerView, better: PreviewPoint | None = None) -> dict[str, Finding]:
    state = State(1.0, Settings(), cache=Reading(cache, 1.0), server=Reading(server, 1.0))
    return {finding.id: finding for finding in diagnose(Facts(state, better=better)).findings}


LOW = CacheView(hits=1, misses=99, sets=99, entries=9, window=300.0, window_hits=1, window_misses=99)
SERVER = ServerView(max_memory=100, used_memory=99, policy="noeviction", aof_enabled=True, version="7.4.0")


def test_too_small_and_predicted() -> None:
    assert about(pure(replace(LOW, errors=50), SERVER)) == {"hit-rate-memory"}
    found = pure(LOW, replace(SERVER, used_memory=1), PreviewPoint(300.0, 0.7))["hit-rate-ttl"]
    assert "70%" in found.evidence
    assert found.action is not None
    assert (found.action.act, found.action.seconds) == (Act.SET_TTL, 300.0)


def test_few_look_ups_are_not_judged() -> None:
    assert not about(pure(replace(LOW, hits=0, misses=9, window_hits=0, window_misses=9), SERVER))
