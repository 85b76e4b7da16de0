"""Times to live: which one counts, what can be set, and what happens to what exists."""

from __future__ import annotations

import json
import time

import pytest
from redis.asyncio import Redis

from opalmind_tui.errors import SettingsError
from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.existing import apply_to_records, apply_to_reports
from opalmind_tui.reports.features import NAMES
from opalmind_tui.reports.ttl import (
    BOUNDS,
    CONFIG_NAMES,
    PRESETS,
    Ttl,
    Ttls,
    check_ttl,
    config_text,
    duration_text,
    parse_duration,
)
from opalmind_tui.reports.ttl_control import TtlControl
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.commands import TtlTarget
from opalmind_tui.storage.link import RedisLink
from opalmind_tui.storage.runtime_config import ConfiguredValue, RuntimeConfig
from tests.reports.conftest import Clock
from tests.reports.recorded import RECORDS

REPORTS, IDEMPOTENCY = TtlTarget.REPORTS, TtlTarget.IDEMPOTENCY
CACHE = "opalmind:cache:"
DEVICES = CACHE + '{"feature":"deviceTypes","input":{"siteId":1}}'
EVENTS = CACHE + '{"feature":"events","input":{"siteId":1}}'


class Configured(dict[str, str]):
    """A run-time configuration of a test."""

    def details(self, name: str) -> ConfiguredValue | None:
        """What was set, by whom."""
        return ConfiguredValue(self[name], "anna", 5.0) if name in self else None


def test_the_configuration_beats_the_environment() -> None:
    settings = Settings(cache_ttl_ms=90_000, origins=(("CACHE_TTL_MS", "environment"),))
    config = Configured({"ttl:reports:events": "300"})
    ttls = Ttls(settings, config)

    assert ttls.report("events") == Ttl(300.0, "configured", "anna", 5.0)
    assert ttls.report("deviceTypes") == ttls.reports() == Ttl(90.0, "environment")
    assert ttls.idempotency() == Ttl(86_400.0, "default")
    config |= {"ttl:reports": "30.5", "ttl:idempotency": "3600"}
    assert ttls.report("deviceTypes") == Ttl(30.5, "configured", "anna", 5.0)
    assert ttls.idempotency() == Ttl(3600.0, "configured", "anna", 5.0)
    assert ttls.changed() == 3
    assert ttls.followers("") == set(NAMES) - {"events"}
    assert ttls.followers("events") == {"events"}


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "-5", "0", "0.5", "1e9", "60 s"])
def test_a_configured_text_that_is_no_time_counts_as_none(text: str) -> None:
    ttls = Ttls(Settings(), Configured({"ttl:reports": text, "ttl:idempotency": text}))

    assert (ttls.reports(), ttls.idempotency()) == (Ttl(60.0, "default"), Ttl(86_400.0, "default"))
    assert ttls.changed() == 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("300s", 300), (" 5m ", 300), ("5 min", 300), ("2h", 7200), ("1d", 86_400), ("1.5 M", 90)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "5 minutes", "-5", "1e3", "5mm", "١", "1 h 5 m", "\x1b[31m9", "9" * 30])
def test_what_is_no_duration_is_said_without_its_controls(text: str) -> None:
    with pytest.raises(SettingsError, match="accepted: a number of seconds") as raised:
        parse_duration(text)
    assert "\x1b" not in str(raised.value)


@pytest.mark.parametrize("target", list(TtlTarget))
def test_bounds_and_presets(target: TtlTarget) -> None:
    least, most = BOUNDS[target]
    for good in (least, most, *(seconds for seconds, _ in PRESETS[target])):
        check_ttl(target, good)
        assert float(config_text(good)) == good
    for bad in (least - 0.1, most + 1, float("nan"), float("inf")):
        with pytest.raises(SettingsError, match=f"accepted: {duration_text(least)} to {duration_text(most)}"):
            check_ttl(target, bad)


@pytest.fixture
async def config(redis: Redis) -> RuntimeConfig:
    """A run-time configuration on the server in turn."""
    return RuntimeConfig(redis, RedisLink(redis), "opalmind:stats:config", CONFIG_NAMES)


async def test_set_and_reset_reach_another_process(
    settings: Settings, config: RuntimeConfig, cache: ReportCache, redis: Redis
) -> None:
    control = TtlControl(settings, Ttls(settings, config), config, redis, cache)
    other = RuntimeConfig(redis, RedisLink(redis), "opalmind:stats:config", CONFIG_NAMES)

    assert await control.set(REPORTS, "events", 300, "ann")
    assert await control.set(IDEMPOTENCY, "", 7200, "ann")
    await other.refresh()
    assert Ttls(settings, other).report("events").seconds == control.current(REPORTS, "events") == 300
    assert Ttls(settings, other).idempotency().seconds == control.current(IDEMPOTENCY) == 7200
    assert Ttls(settings, other).reports().origin == "default"
    with pytest.raises(SettingsError):
        await control.set(REPORTS, "", 0.5, "ann")

    await control.set(REPORTS, "events", 0, "ann")
    await other.refresh()
    assert Ttls(settings, other).report("events").origin == "default"


def _entry(expires_at: float, filler: str = "") -> str:
    """Also holds the words that are changed, in a place where they must stay."""
    label = json.dumps('"expiresAt":1}' + filler)
    return f'{{"feature":"deviceTypes","value":[{{"label":{label}}}],"expiresAt":{expires_at:.0f}}}'


@pytest.mark.parametrize(
    ("written_ago", "former", "new", "left"),
    [
        (10, 60, 300, 290),  # longer
        (10, 60, 30, 20),  # shorter
        (10, 60, 5, None),  # over already by the new time
        (-100, 60, 300, 300),  # by a service whose own time is longer: at the latest written now
    ],
)
async def test_existing_reports_change_in_one_number_and_in_redis_alike(
    redis: Redis, clock: Clock, written_ago: float, former: float, new: float, left: float | None
) -> None:
    expires_at = (clock.now - written_ago + former) * 1000
    await redis.set(DEVICES, _entry(expires_at), ex=3600)
    await redis.set(EVENTS, _entry(expires_at), ex=3600)

    changed = await apply_to_reports(redis, CACHE, {"deviceTypes": (former, new)}, clock=clock)

    assert changed == 1
    stored = await redis.get(DEVICES)
    if left is None:
        assert stored is None
    else:
        assert stored == _entry((clock.now + left) * 1000).encode()
        assert left - 5 < await redis.pttl(DEVICES) / 1000 <= left
    assert await redis.get(EVENTS) == _entry(expires_at).encode()
    assert await redis.ttl(EVENTS) > 3000


@pytest.mark.parametrize(
    "stored",
    ["{}", "true", "", "x", '{"expiresAt":1800000050000,"feature":"deviceTypes","value":[]}',
     '{"feature":"deviceTypes","value":[],"expiresAt":99999999999999999999}',
     '{"feature":"deviceTypes","value":[],"expiresAt":-5}',
     '{"value":{"a":{"expiresAt":1800000050000},"b":1}}',
     '{"feature":"deviceTypes","value":[],"expiresAt":1799999999999}'],
)  # fmt: skip
async def test_what_is_no_live_entry_stays_as_it_is(redis: Redis, clock: Clock, stored: str) -> None:
    await redis.set(DEVICES, stored)
    await redis.hset(EVENTS, "a", "b")

    assert await apply_to_reports(redis, CACHE, {"deviceTypes": (60, 300), "events": (60, 300)}, clock=clock) == 0

    assert await redis.get(DEVICES) == stored.encode()
    assert await redis.ttl(DEVICES) == -1
    assert await redis.hgetall(EVENTS) == {b"a": b"b"}


async def test_many_existing_entries_with_progress(redis: Redis, clock: Clock) -> None:
    filler = "ü\u0000" * 200
    keys = [f'{CACHE}{{"feature":"deviceTypes","input":{{"siteId":{number}}}}}' for number in range(1200)]
    await redis.mset({key: _entry((clock.now + 60) * 1000, filler) for key in keys})
    seen: list[int] = []

    assert await apply_to_reports(redis, CACHE, {"deviceTypes": (60, 90)}, seen.append, clock) == 1200

    assert len(seen) > 1
    assert seen == sorted(seen)
    assert set(await redis.mget(keys)) == {_entry((clock.now + 90) * 1000, filler).encode()}


async def test_existing_idempotency_records_live_from_their_completion(redis: Redis, clock: Clock) -> None:
    records = [record for record in RECORDS if record["key"].startswith("opalmind:idempotency:")]
    done = json.loads(records[0]["value"])["completedAt"] / 1000
    early = {"key": "opalmind:idempotency:early", "value": json.dumps({"key": "early", "completedAt": done * 3000})}
    records = [*records, early]
    await redis.mset({record["key"]: record["value"] for record in records})
    foreign = {"opalmind:idempotency:a": "{}", "opalmind:idempotency:b": "true", "opalmind:idempotency:c": "{",
               "opalmind:idempotency:d": '{"key":"d","completedAt":"x"}', "other": records[0]["value"]}  # fmt: skip
    await redis.mset(foreign)
    # Long enough for records that were made when they were recorded, whenever this runs.
    seconds, clock.now = time.time() - done + 400 * 86_400.0, done + 100

    assert await apply_to_records(redis, "opalmind:idempotency:", seconds, clock=clock) == len(records)

    server_now = (await redis.time())[0]
    for record in records:
        assert await redis.get(record["key"]) == record["value"].encode()
        completed = json.loads(record["value"])["completedAt"] / 1000
        expected = min(completed, clock.now) + seconds - server_now
        assert abs(await redis.ttl(record["key"]) - expected) < 10
    for key, value in foreign.items():
        assert (await redis.get(key), await redis.ttl(key)) == (value.encode(), -1)
    assert await apply_to_records(redis, "opalmind:idempotency:", 60, clock=lambda: done + 100) == len(records)


async def test_control_applies_to_the_features_that_follow(
    settings: Settings, config: RuntimeConfig, cache: ReportCache, redis: Redis
) -> None:
    control = TtlControl(settings, Ttls(settings, config), config, redis, cache)
    expires_at = (time.time() + 60) * 1000
    await redis.set(DEVICES, _entry(expires_at), ex=60)
    await redis.set(EVENTS, _entry(expires_at), ex=60)
    await control.set(REPORTS, "events", 30, "ann")
    former = control.current(REPORTS)
    await control.set(REPORTS, "", 600, "ann")

    assert await control.count_existing(REPORTS) == (1, True)
    assert await control.apply(REPORTS, "", former, 600) == 1

    assert await redis.ttl(DEVICES) > 500
    assert await redis.ttl(EVENTS) <= 60
    await redis.set("opalmind:idempotency:a", "{}")
    assert await control.count_existing(IDEMPOTENCY) == (1, True)
