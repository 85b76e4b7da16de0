"""Searches: what they find, in which order, how far they are, and that they give way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from opalmind_tui.engine.finding.grouping import Grouping
from opalmind_tui.engine.finding.searching import Search
from opalmind_tui.engine.finding.walking import STEP
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.snapshot.filters import parse_filter
from opalmind_tui.snapshot.listing import Groups, GroupView, Listing, ListView, Order, Tab
from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking.queue import Fate, Settlement
from opalmind_tui.tracking.request import TrackingRequest
from tests.tracking.queue_harness import Bench

ERRORS = (
    (503, "503 Service Unavailable: upstream 10.0.0.{}:8080 took {} ms"),
    (400, "refused: unknown site {} in 'https://example.org/{}'"),
    (None, "no answer within {}.5 s, request 3f2a90bc1d{:02d}"),
)


def request(at: int) -> TrackingRequest:
    """A hit; every third one an event of site 2."""
    event = at % 3 == 0
    params = {"idsite": "2" if event else "1", "url": f"https://example.org/Page/{at}", "cid": f"{at:016x}"}
    if event:
        params |= {"e_c": "Shop", "e_a": f"buy {at}"}
    return TrackingRequest("event" if event else "pageview", params, key=f"key-{at}", fingerprint="f", visitor=str(at))


async def fail(bench: Bench, number: int, *, dead: int) -> list[str]:
    """Accept so many; all fail with one of three errors, the first `dead` for good."""
    ids = await bench.accept(*[request(at) for at in range(number)])
    at = {request_id: number for number, request_id in enumerate(ids)}
    while (claim := await bench.claim(100)).requests:
        fates = []
        for one in claim.requests:
            status, text = ERRORS[at[one.id] % 2]
            fates.append(
                Settlement(one.id, Fate.DEAD if at[one.id] < dead else Fate.RETRY, delay=1000 + at[one.id],
                           status=status, error=text.format(at[one.id], at[one.id]), unknown=at[one.id] % 5 == 0)
            )  # fmt: skip
        await bench.queue.settle(claim.token, fates)
    return ids


async def complete(look: Callable[[], Awaitable[Any]]) -> Any:
    """What a look shows when all was gone through."""
    for _ in range(3000):
        if (shown := await look()).done:
            return shown
        await asyncio.sleep(0.01)
    raise AssertionError("it does not come to an end")


async def found(bench: Bench, text: str, tab: Tab = Tab.FAILED, order: Order | None = None, **window: Any) -> Listing:
    """The listing of a complete search."""
    view = ListView(tab, parse_filter(text), order, **{"rows": 500, **window})
    search = Search(bench.queue, view, lambda: bench_now(bench))
    try:
        return await complete(lambda: search.listing(view))
    finally:
        await search.stop()


def bench_now(bench: Bench) -> float:
    """The store's clock."""
    return bench.clock() if bench.clock is not None else time.time()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("site:2", {0, 3, 6, 9, 12, 15, 18}),
        ("-site:1", {0, 3, 6, 9, 12, 15, 18}),
        ("kind:event buy", {0, 3, 6, 9, 12, 15, 18}),
        ("BUY !state:dead", {12, 15, 18}),
        ("status:503 state:dead", {0, 2, 4, 6, 8}),
        ("status:4xx", set(range(1, 20, 2))),
        ("error:unavailable -status:none", set(range(0, 20, 2))),
        ("url:/page/1", {1, *range(10, 20)}),
        ('"page/7" key:KEY', {7}),
        ("https://example.org/Page/3", {3}),
        ("visitor:000c", {12}),
        ("unknown:yes", {0, 5, 10, 15}),
        ("unknown:no site:2", {3, 6, 9, 12, 18}),
        ("attempts:1", set(range(20))),
        ("attempts:>1", set()),
        ("age:<1h attempts:<2", set(range(20))),
        ("age:>1d", set()),
        ("key:key-1 -key:key-1", set()),
    ],
)
async def test_what_a_filter_finds(bench: Bench, text: str, expected: set[int]) -> None:
    ids = await fail(bench, 20, dead=10)
    listing = await found(bench, text)
    assert {row.id for row in listing.rows} == {ids[at] for at in expected}
    assert (listing.total, listing.examined, listing.matched) == (20, 20, len(expected))


@pytest.mark.parametrize(
    ("tab", "order", "key"),
    [
        (Tab.FAILED, Order.NEXT_TRY, lambda row: row.next_try or float("inf")),
        (Tab.SCHEDULED, Order.NEWEST, lambda row: -row.failed_at),
        (Tab.SCHEDULED, Order.NEXT_TRY, lambda row: row.next_try),
        (Tab.DEAD, Order.OLDEST_ACCEPTED, lambda row: row.accepted),
        (Tab.DEAD, Order.NEWEST, lambda row: -row.failed_at),
        (Tab.DEAD, Order.NEWEST_ACCEPTED, lambda row: -row.accepted),
    ],
)
async def test_a_search_is_sorted_and_its_window_is_held(bench: Bench, tab: Tab, order: Order, key: Any) -> None:
    await fail(bench, 40, dead=20)
    rows = (await found(bench, "example", tab, order)).rows
    assert len(rows) == {Tab.FAILED: 40}.get(tab, 20)
    assert list(rows) == sorted(rows, key=key)
    held = await found(bench, "example", tab, order, anchor=rows[9].id, above=3, rows=6)
    assert held.first == 6
    assert held.rows == rows[6:12]


async def test_what_leaves_the_list_leaves_the_search(bench: Bench) -> None:
    ids = await fail(bench, 20, dead=20)
    view = ListView(Tab.DEAD, parse_filter("site:2"), rows=50)
    search = Search(bench.queue, view, lambda: bench_now(bench))
    before = await search.listing(view)
    await bench.queue.retry([ids[3]])
    after = await search.listing(view)
    assert ids[3] in {row.id for row in before.rows}
    assert {row.id for row in after.rows} == {row.id for row in before.rows} - {ids[3]}
    assert (after.matched, after.kept) == (before.matched - 1, before.kept - 1)
    await search.stop()


class Counting:
    """A queue that counts what it is asked, and can be away."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue
        self.steps: list[int] = []
        self.away = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)

    async def walk(self, tab: Tab, **asked: Any) -> Any:
        if self.away:
            raise StoreUnavailable("refused", "Redis is away", "Wait.")
        walked = await self._queue.walk(tab, **asked)
        self.steps.append(walked.examined)
        return walked


async def test_a_search_goes_on_where_it_was_when_the_store_is_back(bench: Bench) -> None:
    await fail(bench, 600, dead=600)
    queue = Counting(bench.queue)
    queue.away = True
    view = ListView(Tab.DEAD, parse_filter("site:2"), rows=5)
    search = Search(queue, view, lambda: bench_now(bench))  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailable):
        await search.listing(view)
    queue.away = False
    listing = await complete(lambda: search.listing(view))
    assert sum(queue.steps) == listing.examined == listing.total == 600
    assert max(queue.steps) <= 500
    assert len(queue.steps) <= 600 // STEP + 1
    assert listing.matched == 200
    await search.stop()


async def grouped(bench: Bench, text: str = "") -> Groups:
    """The groups, complete."""
    view = GroupView(parse_filter(text))
    grouping = Grouping(bench.queue, view, lambda: bench_now(bench))
    groups = await complete(lambda: grouping.groups(view))
    await grouping.stop()
    return groups


async def test_failures_are_grouped_by_what_is_alike(bench: Bench) -> None:
    ids = await fail(bench, 60, dead=30)
    groups = await grouped(bench)
    alike = {(group.status, group.site, group.kind): group for group in groups.groups}
    assert {name: group.count for name, group in alike.items()} == {
        (503, "1", "pageview"): 20, (400, "1", "pageview"): 20, (503, "2", "event"): 10, (400, "2", "event"): 10,
    }  # fmt: skip
    assert len(alike) == len(groups.groups)
    assert (groups.total, groups.matched, groups.others) == (60, 60, 0)
    group = alike[503, "2", "event"]
    assert group.error == "# Service Unavailable: upstream <address> took # ms"
    assert group.dead == 5
    (newest,) = await bench.queue.rows_of([group.example])
    assert group.first < group.last == newest.failed_at
    listing = await found(bench, f"group:{group.key}")
    assert {row.id for row in listing.rows} == {ids[at] for at in range(0, 60, 6)}
    assert {row.state for row in listing.rows} == {State.DEAD, State.SCHEDULED}


async def test_groups_of_what_fits_a_filter(bench: Bench) -> None:
    await fail(bench, 30, dead=10)
    groups = await grouped(bench, "site:2 state:dead")
    assert sum(group.count for group in groups.groups) == groups.matched == 4
    assert groups.examined == 30
