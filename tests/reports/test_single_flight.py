"""One fetch for all who ask for the same report at the same time."""

from __future__ import annotations

import asyncio

import pytest

from opalmind_tui.errors import MatomoError
from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.service import Reports
from tests.reports.conftest import Matomo


async def test_concurrent_misses_make_one_request_and_each_gets_a_report_of_its_own(
    reports: Reports, cache: ReportCache, matomo: Matomo
) -> None:
    results = await asyncio.gather(*(reports.get_device_types() for _ in range(50)))

    assert matomo.calls == 1
    assert all(result == results[0] for result in results)
    assert len({id(result) for result in results}) == len({id(result[0]) for result in results}) == 50
    view = await cache.view()
    assert (view.misses, view.sets, view.hits) == (50, 1, 0)


async def test_other_reports_do_not_wait(reports: Reports, matomo: Matomo) -> None:
    matomo.gate.clear()
    waiting = asyncio.create_task(reports.get_device_types())
    await matomo.asked.wait()
    matomo.asked.clear()
    other = asyncio.create_task(reports.get_events())
    await matomo.asked.wait()
    matomo.gate.set()

    await asyncio.gather(waiting, other)
    assert matomo.calls == 2


async def test_the_waiters_survive_the_cancelled_leader(reports: Reports, matomo: Matomo) -> None:
    matomo.gate.clear()
    leader = asyncio.create_task(reports.get_device_types())
    await matomo.asked.wait()
    waiter = asyncio.create_task(reports.get_device_types())
    await asyncio.sleep(0)
    leader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leader
    matomo.gate.set()

    assert await waiter == [{"label": "Desktop", "nb_visits": 7}]
    assert matomo.calls == 1


async def test_an_error_goes_to_those_who_wait_and_is_not_remembered(
    reports: Reports, cache: ReportCache, matomo: Matomo
) -> None:
    matomo.answer = MatomoError("client", "no such site")
    outcomes = await asyncio.gather(*(reports.get_device_types() for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [MatomoError] * 3
    matomo.answer = []

    assert await reports.get_device_types() == []
    assert matomo.calls == 2
    assert (await cache.view()).misses == 4


async def test_a_purge_wins_over_the_fetch_under_way(reports: Reports, cache: ReportCache, matomo: Matomo) -> None:
    matomo.gate.clear()
    asked = asyncio.create_task(reports.get_device_types())
    await matomo.asked.wait()
    await cache.purge()
    matomo.gate.set()
    await asked

    await reports.get_device_types()
    assert matomo.calls == 2, "what was fetched before the purge was stored after it"
