"""The traffic: believable, repeatable, steady, and gone when cancelled."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import pytest

from opalmind_tui.demo.matomo.sites import SITES
from opalmind_tui.demo.shop import LINKS
from opalmind_tui.demo.traffic import LOOKUPS, Traffic, wave
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.reports.features import BY_NAME
from opalmind_tui.tracking import fields
from opalmind_tui.tracking.request import TrackingRequest

CALLS = {"pageview": fields.pageview, "event": fields.event, "goal": fields.goal}


class Sink:
    """Takes calls until it has enough, then cancels the traffic."""

    def __init__(self, enough: int) -> None:
        self.hits: list[tuple[str, dict[str, Any]]] = []
        self.reports: list[tuple[str, dict[str, Any]]] = []
        self.slept = 0.0
        self._enough = enough
        self.full = asyncio.Event()

    async def track(self, kind: str, /, **given: Any) -> None:
        self.hits.append((kind, given))
        if len(self.hits) >= self._enough:
            self.full.set()

    async def report(self, name: str, /, **params: Any) -> None:
        self.reports.append((name, params))

    async def sleep(self, seconds: float) -> None:
        self.slept += seconds
        await asyncio.sleep(0)


async def run(enough: int, **options: Any) -> tuple[Sink, Traffic]:
    """Traffic without waiting, until there are enough hits."""
    sink = Sink(enough)
    traffic = Traffic(sink.track, sink.report, sleep=sink.sleep, **options)
    task = asyncio.create_task(traffic.run())
    await asyncio.wait_for(sink.full.wait(), 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return sink, traffic


async def test_every_hit_is_one_that_matomo_could_store() -> None:
    sink, traffic = await run(2000, seed=1)
    requests: list[TrackingRequest] = [CALLS[kind](given) for kind, given in sink.hits]
    kinds = Counter(request.kind for request in requests)
    assert kinds["pageview"] > kinds["event"] > kinds["goal"] > 20
    assert traffic.tracked == len(sink.hits)
    assert traffic.errors == 0


async def test_visitors_make_sessions_and_some_click_twice() -> None:
    sink, _ = await run(2000, seed=1)
    per_visitor = Counter(given["visitorId"] for _, given in sink.hits)
    assert max(per_visitor.values()) >= 8
    assert 150 < len(per_visitor) < 1200
    twice = Counter(given["pvId"] for kind, given in sink.hits if kind == "pageview")
    assert 0 < sum(count - 1 for count in twice.values()) < 60


async def test_no_name_of_anybody_real() -> None:
    sink, _ = await run(1000, seed=2)
    own = {urlsplit(site.url).hostname for site in SITES.values()} | {urlsplit(link).hostname for link in LINKS}
    hosts = {urlsplit(given[name]).hostname for _, given in sink.hits for name in ("url", "referrer") if name in given}
    assert hosts <= own
    assert all(str(host).endswith((".example.com", ".example.org", ".example.net")) for host in hosts)


async def test_the_same_seed_makes_the_same_hits() -> None:
    first, second, other = [(await run(200, seed=seed))[0].hits[:200] for seed in (7, 7, 8)]
    assert first == second
    assert first != other


async def test_the_rate_is_kept_and_can_be_changed() -> None:
    pauses: list[float] = []
    sink = Sink(3000)

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    traffic = Traffic(sink.track, sink.report, rate=3.0, seed=1, sleep=sleep)
    visitors = asyncio.create_task(traffic._visitors())
    await sink.full.wait()
    assert 2.6 < len(pauses) / sum(pauses) < 3.4
    pauses.clear()
    traffic.rate = 30.0
    for _ in range(6000):
        await asyncio.sleep(0)
    assert 26 < len(pauses) / sum(pauses) < 34
    assert len(pauses) > 1000
    visitors.cancel()


def test_waves_are_small_and_even_out() -> None:
    heights = [wave(second) for second in range(97 * 23)]
    assert 0.5 < min(heights) < 0.7
    assert 1.3 < max(heights) < 1.5
    assert abs(sum(heights) / len(heights) - 1) < 0.01


async def test_errors_are_counted_and_survived() -> None:
    sink = Sink(50)
    failures = iter([StoreUnavailable("refused", "No server", "Wait"), RuntimeError("odd"), TimeoutError()] * 5)

    async def track(kind: str, /, **given: Any) -> None:
        await sink.track(kind, **given)
        if (failure := next(failures, None)) is not None:
            raise failure

    traffic = Traffic(track, sink.report, seed=1, sleep=sink.sleep)
    task = asyncio.create_task(traffic.run())
    await asyncio.wait_for(sink.full.wait(), 5)
    task.cancel()
    assert traffic.errors == 15
    assert traffic.last_error.startswith("TimeoutError")
    assert traffic.tracked >= 34


async def test_cancelled_in_the_middle_of_calls_that_hang_it_stops_at_once() -> None:
    started = asyncio.Event()

    async def hang(_: str, /, **__: Any) -> None:
        started.set()
        await asyncio.sleep(3600)

    before = asyncio.all_tasks()
    task = asyncio.create_task(Traffic(hang, hang, rate=1000, seed=1).run())
    await asyncio.wait_for(started.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 1)
    assert asyncio.all_tasks() == before


async def test_every_report_is_looked_up_with_its_own_input() -> None:
    sink, _ = await run(3000, seed=3)
    assert {name for name, _ in sink.reports} == set(BY_NAME)
    for name, params, _ in LOOKUPS:
        order = [field for field in BY_NAME[name].fields if field in params]
        assert list(params) == order
    share = len(sink.reports) / len(sink.hits)
    assert share > 0.1
