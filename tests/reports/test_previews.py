"""From look-ups in the cache, through Redis, to a preview in another process."""

from __future__ import annotations

import random

import pytest
from redis.asyncio import Redis

from opalmind_tui.reports.features import BY_NAME
from opalmind_tui.reports.key_text import key_text
from opalmind_tui.reports.preview.access_log import AccessLog
from opalmind_tui.reports.preview.previews import Previews
from opalmind_tui.reports.ttl import Ttls
from opalmind_tui.settings import Settings
from tests.reports.conftest import Clock, MakeCache

STREAM = "opalmind:stats:{c}:lookups"
SITES = 20
HOUR = 3600


async def rows() -> object:
    """A report without rows."""
    return []


async def test_what_one_process_looks_up_another_predicts_from(
    settings: Settings, make_cache: MakeCache, redis: Redis, clock: Clock
) -> None:
    cache, log = await make_cache(settings, clock=clock), AccessLog(redis, STREAM)
    cache.on_lookup = lambda feature, key, size, times: log.note(feature, key, size, clock(), times)
    chance = random.Random(3)
    keys = [
        key_text(BY_NAME["deviceTypes"], {"siteId": site, "period": "day", "date": "today"}) for site in range(SITES)
    ]
    shared = clock.now
    for _ in range(HOUR // 3):
        clock.now += 3
        await cache.fetch("deviceTypes", chance.choice(keys), rows)
        if clock.now - shared >= 10:
            await log.flush()
            shared = clock.now
    await log.flush()
    await cache.close()
    observer = await make_cache(settings, clock=clock)
    previews = Previews(
        AccessLog(redis, STREAM), observer.counted, lambda feature: Ttls(settings).of(feature).seconds, clock
    )
    found = await previews.preview("deviceTypes", 600)
    # Each report is asked for once a minute on average: with a time of T minutes a fetch serves T more look-ups.
    assert found.measured == pytest.approx(0.5, abs=0.04)
    assert found.present.hit_rate == pytest.approx(found.measured, abs=0.03)
    assert found.proposed is not None
    assert found.proposed.hit_rate == pytest.approx(10 / 11, abs=0.03)
    assert found.proposed.entries == pytest.approx(SITES, abs=3)
    assert found.proposed.memory == pytest.approx(found.proposed.entries * 60, rel=0.2)
    assert (found.share, found.feature) == (1.0, "deviceTypes")
    everything = await previews.preview("")
    assert everything.present == found.present
    nothing = await previews.preview("events", 600)
    assert nothing.proposed is not None
    assert "are known" in nothing.proposed.reason


async def test_without_any_look_up_it_says_so(settings: Settings, make_cache: MakeCache, redis: Redis) -> None:
    cache = await make_cache(settings)
    previews = Previews(AccessLog(redis, STREAM), cache.counted, lambda feature: 60.0)
    found = await previews.preview("", 300)
    assert found.present.hit_rate is None
    assert found.measured is None
    assert "0 s are known" in found.present.reason
