"""A cached report asked of Matomo anew: the same key, the newer report, for every process."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from opalmind_tui.errors import MatomoError, RefusedRequest
from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.refetch import refetch, wish_of
from opalmind_tui.reports.service import Reports
from opalmind_tui.settings import Settings
from tests.reports.conftest import Clock, MakeCache, Matomo
from tests.reports.recorded import CALLS

KEY = '{"feature":"deviceTypes","input":{"siteId":1,"period":"day","date":"2025-10-28"}}'


async def test_the_newer_report_takes_the_place_of_the_entry(
    cache: ReportCache, matomo: Matomo, redis: Redis, settings: Settings, make_cache: MakeCache, clock: Clock
) -> None:
    other = await make_cache(settings, clock=clock, first_level=30.0)
    reports = Reports(matomo, other, 1)
    assert (await reports.get_device_types(date="2025-10-28"))[0]["nb_visits"] == 7
    matomo.answer = [{"label": "Desktop", "nb_visits": "8"}]
    assert (await reports.get_device_types(date="2025-10-28"))[0]["nb_visits"] == 7, "it is cached"

    assert await refetch(lambda anew: Reports(matomo, anew, 1), cache, wish_of(KEY))

    assert matomo.calls == 2
    assert b'"nb_visits":8' in (await redis.get(settings.cache_prefix + KEY) or b"")
    await other.history()  # Shares what it counted, and hears of the new generation.
    assert (await Reports(matomo, cache, 1).get_device_types(date="2025-10-28"))[0]["nb_visits"] == 8
    assert matomo.calls == 2


async def test_where_matomo_fails_the_entry_stays(
    cache: ReportCache, matomo: Matomo, redis: Redis, settings: Settings
) -> None:
    await Reports(matomo, cache, 1).get_device_types(date="2025-10-28")
    before = await redis.get(settings.cache_prefix + KEY)
    matomo.answer = MatomoError("server", "500")
    with pytest.raises(MatomoError):
        await refetch(lambda anew: Reports(matomo, anew, 1), cache, wish_of(KEY))
    assert await redis.get(settings.cache_prefix + KEY) == before


async def test_a_corrupt_entry_is_mended(cache: ReportCache, matomo: Matomo, redis: Redis, settings: Settings) -> None:
    await redis.set(settings.cache_prefix + KEY, '{"feature":"dev')
    assert await refetch(lambda anew: Reports(matomo, anew, 1), cache, wish_of(KEY))
    assert b'"nb_visits":7' in (await redis.get(settings.cache_prefix + KEY) or b"")


def test_every_recorded_key_is_understood() -> None:
    keys = {written["key"].removeprefix("opalmind:cache:") for call in CALLS if call["written"] and "prefix" not in call
            for written in call["written"]}  # fmt: skip
    assert keys
    for key in keys:
        assert wish_of(key).key == key


@pytest.mark.parametrize(
    "key",
    [
        "", "{}", "session", KEY + " ", KEY.replace("deviceTypes", "tomorrow"), KEY.replace('"siteId":1,', '"x":1,'),
        KEY.replace("1,", "[1],"), KEY.replace("1,", "1.5,"), "\ud800", "{" * 5_000,
        '{"feature":"deviceTypes","input":{"date":"d","siteId":1}}', '{"feature":["deviceTypes"],"input":{}}',
    ],
    ids=ascii,
)  # fmt: skip
def test_what_we_would_not_ask_for_is_refused(key: str) -> None:
    with pytest.raises(RefusedRequest):
        wish_of(key)
