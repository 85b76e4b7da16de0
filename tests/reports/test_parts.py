"""The small parts: memory, breaker, currencies, and what callers may ask."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from opalmind_tui.errors import MatomoError, RefusedRequest
from opalmind_tui.reports.breaker import FIRST_WAIT, LONGEST_WAIT, Breaker
from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.counters import Count, Tallies
from opalmind_tui.reports.currencies import KNOWN_FOR, UNKNOWN_FOR, Currencies
from opalmind_tui.reports.memory_cache import Held, MemoryCache
from opalmind_tui.reports.selection import ALL, Selection
from opalmind_tui.reports.service import Reports
from opalmind_tui.reports.ttl import Ttls
from opalmind_tui.settings import Settings
from opalmind_tui.storage.trouble import trouble_of_kind
from tests.reports.conftest import Clock, Matomo


def _held(size: int, feature: str = "events") -> Held:
    return Held(b"x" * size, feature, 10.0)


def test_memory_is_bounded_by_entries_and_forgets_the_least_used() -> None:
    memory = MemoryCache(max_entries=3)
    for key in "abc":
        memory.put(key, _held(1))
    memory.get("a")
    memory.put("d", _held(1))

    assert [key for key in "abcd" if memory.get(key)] == ["a", "c", "d"]
    assert memory.evicted == 1


def test_memory_is_bounded_by_bytes_and_counts_them() -> None:
    memory = MemoryCache(max_bytes=100_000)
    for number in range(100):
        memory.put(str(number), _held(1000))
        assert memory.bytes <= 100_000
    assert 10 < len(memory) < 20
    memory.put("99", _held(1))
    memory.put("large", _held(10_000))
    assert memory.get("large") is None
    assert memory.purge(Selection("other")) == 0
    assert memory.purge(ALL) > 0
    assert (len(memory), memory.bytes) == (0, 0)


def test_counts_that_cannot_be_shared_stay_bounded() -> None:
    tallies = Tallies()
    for minute in range(500):
        tallies.add("events", Count.HITS, minute * 60.0)

    assert tallies.unshared.totals["events", Count.HITS] == 500
    assert list(tallies.unshared.minutes) == list(range(440, 500))
    assert tallies.totals(499 * 60.0).window == {("events", Count.HITS): 6}


async def test_the_breaker_probes_by_itself_and_waits_longer_each_time() -> None:
    clock, probes, answers = Clock(), 0, [False, False, True]

    async def probe() -> None:
        nonlocal probes
        probes += 1
        if not answers.pop(0):
            raise trouble_of_kind("timeout")

    async def settle() -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    breaker = Breaker(probe, clock)
    assert breaker.allows()
    breaker.report(trouble_of_kind("oom"))
    assert breaker.allows(), "a full server still answers"
    breaker.report(trouble_of_kind("closed"))
    for wait, probes_then in ((FIRST_WAIT, 1), (FIRST_WAIT * 2, 2), (FIRST_WAIT * 4, 3)):
        assert not breaker.allows()
        clock.now += wait - 0.01
        assert not breaker.allows()
        await settle()
        assert probes == probes_then - 1
        clock.now += 0.02
        assert not breaker.allows()
        assert not breaker.allows()
        await settle()
        assert probes == probes_then
    assert breaker.allows()
    assert LONGEST_WAIT >= FIRST_WAIT * 4
    await breaker.close()


async def test_a_currency_is_asked_for_once_and_a_failure_again_after_a_while() -> None:
    clock = Clock()
    matomo = Matomo(answer=MatomoError("network", "away"))
    currencies = Currencies(matomo, clock)

    assert await asyncio.gather(*(currencies.of(1) for _ in range(5))) == [None] * 5
    matomo.answer = {"currency": "EUR"}
    assert (await currencies.of(1), matomo.calls) == (None, 1)
    clock.now += UNKNOWN_FOR
    assert (await currencies.of(1), matomo.calls) == ("EUR", 2)
    clock.now += KNOWN_FOR - 1
    assert (await currencies.of(1), matomo.calls) == ("EUR", 2)


def _reports(matomo: Any, site: int | None = 1) -> Reports:
    return Reports(matomo, ReportCache(Settings(), Ttls(Settings()), None), site)


@pytest.mark.parametrize("site", [None, 0, -1, True, "1", 1.5])
async def test_a_site_that_cannot_be_meant_is_refused(matomo: Matomo, site: Any) -> None:
    reports = _reports(matomo, None)
    for call in (reports.get_events, reports.get_campaigns, reports.get_key_numbers, reports.get_ecommerce_overview):
        with pytest.raises(RefusedRequest, match="siteId"):
            await call(site_id=site)
    assert matomo.calls == 0


class Failing:
    """Fails the methods named, answers the others with nothing."""

    def __init__(self, *methods: str) -> None:
        self.methods = methods
        self.calls = 0

    async def call(self, method: str, params: Mapping[str, str]) -> Any:
        """Answer a request."""
        self.calls += 1
        if method in self.methods:
            raise MatomoError("permission", f"no {method}")
        return []


async def test_a_funnel_that_failed_as_a_whole_is_an_error_and_not_stored() -> None:
    matomo = Failing("Funnels.getFunnel", "Funnels.getFunnelMetrics", "Funnels.getFunnelFlowTable")
    reports = _reports(matomo)
    for calls in (3, 6):
        with pytest.raises(MatomoError, match="no Funnels"):
            await reports.get_funnel_summary(9)
        assert matomo.calls == calls
    with pytest.raises(RefusedRequest):
        await reports.get_funnel_summary("")


async def test_a_funnel_that_failed_in_part_tells_what_it_knows() -> None:
    summary = await _reports(Failing("Funnels.getFunnel", "Funnels.getFunnelMetrics")).get_funnel_summary(9)

    assert summary == {"id": "9", "label": "Funnel 9", "period": "day", "date": "today", "steps": []}


async def test_key_numbers_go_without_page_views_where_these_fail() -> None:
    assert await _reports(Failing("Actions.get")).get_key_numbers() == {"nb_visits": 0}
    with pytest.raises(MatomoError):
        await _reports(Failing("VisitsSummary.get")).get_key_numbers()
