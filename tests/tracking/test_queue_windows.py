"""Windows on the lists of the queue: what they show, where they are held, and that their length costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from opalmind_tui.errors import BadArgument
from opalmind_tui.snapshot.listing import OWN_ORDERS, Order, Tab, count_of
from opalmind_tui.snapshot.model import RequestRow, State
from opalmind_tui.tracking.queue import Fate, Settled, Settlement
from opalmind_tui.tracking.request import TrackingRequest
from tests.tracking.queue_harness import ELSEWHERE, TAG, Bench, hit, visitor_in

ROUNDS = ((Fate.DEAD, 0.0), (Fate.RETRY, 500.0), (Fate.RETRY, 0.0), (Fate.DEAD, 0.0), (Fate.REJECTED, 0.0))
IN_ORDER: dict[Order, Callable[[RequestRow], float]] = {
    Order.NEWEST: lambda row: -(row.failed_at or 0.0),
    Order.NEXT_TRY: lambda row: row.next_try or 0.0,
    Order.OLDEST_ACCEPTED: lambda row: row.accepted,
    Order.NEWEST_ACCEPTED: lambda row: -row.accepted,
}


async def populate(bench: Bench, number: int = 60) -> None:
    """Requests of many visitors in every state."""
    await bench.accept(*[hit(at, visitor=visitor_in(at % 9, at)) for at in range(number)])
    await bench.accept(*[hit(500 + at) for at in range(5)], endpoint=ELSEWHERE)
    for fate, delay in ROUNDS:
        claim = await bench.claim(7)
        await bench.queue.settle(
            claim.token,
            [Settlement(one.id, fate, delay=delay + at, error="x", unknown=at % 3 == 0)
             for at, one in enumerate(claim.requests)],
        )  # fmt: skip
    for _ in range(2):
        await bench.claim(4, lease=600)
    trash = await bench.queue.window(Tab.PENDING, Order.NEXT_TRY, first=3, rows=4)
    await bench.queue.purge([row.id for row in trash.rows])


async def whole(bench: Bench, tab: Tab, order: Order) -> list[RequestRow]:
    found = await bench.queue.window(tab, order, rows=500)
    assert found.first == 0
    assert len(found.rows) == found.total
    return list(found.rows)


@pytest.mark.parametrize(("tab", "order"), [(tab, order) for tab, orders in OWN_ORDERS.items() for order in orders])
async def test_every_window_shows_its_part_of_the_list(bench: Bench, tab: Tab, order: Order) -> None:
    await populate(bench)
    rows = await whole(bench, tab, order)
    counts = await bench.counts()
    assert len(rows) == count_of(tab, counts)
    assert tab is Tab.DELIVERED or rows
    if tab not in (Tab.UNKNOWN, Tab.TRASH):
        assert rows == sorted(rows, key=IN_ORDER[order])
    if tab in (Tab.PENDING, Tab.SCHEDULED, Tab.INFLIGHT, Tab.DEAD, Tab.TRASH, Tab.REJECTED):
        assert {row.state for row in rows} == {State(tab.value)}
    for first in range(len(rows) + 3):
        found = await bench.queue.window(tab, order, first=first, rows=4)
        begins = max(0, min(first, len(rows) - 4))
        assert (found.first, found.total) == (begins, len(rows))
        assert [row.id for row in found.rows] == [row.id for row in rows[begins : begins + 4]]
    for at, row in enumerate(rows):
        found = await bench.queue.window(tab, order, anchor=row.id, above=2, first=1, rows=5)
        assert found.first == max(0, min(at - 2, len(rows) - 5))
        assert row in found.rows


async def test_the_window_stays_at_its_request_while_others_come_and_go(bench: Bench) -> None:
    await populate(bench)
    rows = await whole(bench, Tab.DEAD, Order.NEWEST)
    held = rows[6]
    claim = await bench.claim(5)
    await bench.settle_all(claim, Fate.DEAD, error="later")
    await bench.queue.retry([rows[8].id])
    found = await bench.queue.window(Tab.DEAD, Order.NEWEST, anchor=held.id, above=2, rows=6)
    assert found.first == 6 + len(claim.requests) - 2
    assert found.rows[2].id == held.id
    await bench.queue.purge([held.id])
    found = await bench.queue.window(Tab.DEAD, Order.NEWEST, anchor=held.id, above=2, first=3, rows=6)
    assert found.first == 3


@pytest.mark.parametrize("anchor", ["", "AA0aaaaaaaaaaa", "no id", "\x00\ud800", "x" * 500])
async def test_an_anchor_that_is_nothing_leaves_the_window_where_it_was(bench: Bench, anchor: str) -> None:
    await populate(bench)
    for tab in Tab:
        found = await bench.queue.window(tab, OWN_ORDERS[tab][0], anchor=anchor, above=3, first=1, rows=2)
        assert found.first == min(1, max(0, found.total - 2))


async def test_orders_that_a_list_does_not_have_are_refused(bench: Bench) -> None:
    with pytest.raises(BadArgument, match="order: accepts next-try"):
        await bench.queue.window(Tab.PENDING, Order.NEWEST)
    with pytest.raises(BadArgument, match="rows"):
        await bench.queue.window(Tab.PENDING, Order.NEXT_TRY, rows=0)
    with pytest.raises(BadArgument, match="first"):
        await bench.queue.window(Tab.PENDING, Order.NEXT_TRY, first=-1)


async def test_the_newest_delivered_are_listed_by_name(bench: Bench) -> None:
    requests = [hit(at, key=f"key-{at}") for at in range(30)]
    ids = await bench.accept(*requests)
    order: list[str] = []
    while (claim := await bench.claim(8)).requests:
        order += [one.id for one in claim.requests]
        await bench.settle_all(claim, Fate.DELIVERED)
    found = await bench.queue.window(Tab.DELIVERED, Order.NEWEST, rows=100)
    assert [row.id for row in found.rows] == order[::-1]
    assert (await bench.counts()).delivered_kept == found.total == 30
    row = next(row for row in found.rows if row.id == ids[3])
    assert (row.state, row.key, row.size) == (State.DELIVERED, "key-3", len(requests[3].encode()))
    assert row.left_at is not None
    assert row.left_at >= row.accepted > 0
    held = await bench.queue.window(Tab.DELIVERED, Order.NEWEST, anchor=order[10], above=3, rows=10)
    assert held.rows[3].id == order[10]
    assert held.first == 30 - 1 - 10 - 3


async def test_what_was_not_delivered_is_not_in_that_list(bench: Bench) -> None:
    await bench.accept(*[hit(at) for at in range(4)])
    claim = await bench.claim(4)
    fates = (Fate.DROPPED, Fate.REJECTED, Fate.DEAD, Fate.RETRY)
    await bench.queue.settle(
        claim.token, [Settlement(one.id, fate) for one, fate in zip(claim.requests, fates, strict=True)]
    )
    assert (await bench.counts()).delivered_kept == 0


@pytest.mark.parametrize("tab", list(Tab))
async def test_a_walk_looks_at_each_request_of_a_list_once(bench: Bench, tab: Tab) -> None:
    await populate(bench)
    await bench.settle_all(await bench.claim(6), Fate.DELIVERED)
    order = OWN_ORDERS[tab][0]
    rows = await whole(bench, tab, order)
    after, seen, leaving = "", list[str](), set[str]()
    while True:
        step = await bench.queue.walk(tab, after=after, limit=3)
        assert step.examined == len(step.found) <= 3
        seen += [found.row.id for found in step.found]
        after = step.cursor
        if not after:
            break
        if tab in (Tab.DEAD, Tab.SCHEDULED) and not leaving:
            leaving = {rows[-1].id, seen[-1]}
            await bench.queue.purge(list(leaving))
    assert len(seen) == len(set(seen))
    assert set(seen) | leaving == {row.id for row in rows}
    if order is Order.NEWEST:
        assert [one for one in seen if one not in leaving] == [row.id for row in rows if row.id not in leaving]


async def test_a_walk_ends_at_the_moment_that_it_is_bound_by(bench: Bench) -> None:
    await bench.accept(*[hit(at) for at in range(6)])
    await bench.settle_all(await bench.claim(3), Fate.DEAD)
    until = (await bench.counts()).at
    await bench.pass_seconds(1)
    await bench.settle_all(await bench.claim(3), Fate.DEAD)
    step = await bench.queue.walk(Tab.DEAD, until=until)
    assert step.examined == 3
    assert all(found.row.failed_at is not None and found.row.failed_at <= until for found in step.found)
    assert all(found.params["idsite"] for found in step.found)


@pytest.mark.parametrize("cursor", ["x", "a b c", '["a",1]', "[1,2,3]", "-1", "9" * 30])
async def test_a_cursor_that_no_walk_gave_is_refused_or_finds_nothing(bench: Bench, cursor: str) -> None:
    await populate(bench, 10)
    for tab in (Tab.DEAD, Tab.PENDING, Tab.DELIVERED):
        # Some are a cursor of the other store.
        with suppress(BadArgument):
            await bench.queue.walk(tab, after=cursor)


@pytest.mark.parametrize(
    "url", ["https://example.org/x", "https://example.org/" + "y" * 200, "https://example.org/ü", 'q"\\q']
)
async def test_a_delivered_row_says_what_it_said_before(bench: Bench, url: str) -> None:
    params = {"idsite": "7", "url": url, "action_name": "Home"}
    (request_id,) = await bench.accept(TrackingRequest("pageview", params, key="k 1", fingerprint="f", visitor="v"))
    (before,) = await bench.queue.rows_of([request_id])
    await bench.settle_all(await bench.claim(1), Fate.DELIVERED)
    (row,) = (await bench.queue.window(Tab.DELIVERED, Order.NEWEST)).rows
    assert (row.kind, row.site, row.key, row.size) == (before.kind, before.site, before.key, before.size)
    assert row.label == (url if len(url) <= 80 else url[:79] + "…")
    assert row.accepted == pytest.approx(before.accepted, abs=0.001)


async def test_of_a_bulk_only_what_was_ours_is_listed(bench: Bench) -> None:
    ids = await bench.accept(*[hit(at, visitor="one") for at in range(4)])
    claim = await bench.claim(3)
    fates = [Settlement(one, Fate.DELIVERED) for one in (*ids[:2], ids[0], "AAAnone0000000", ids[2])]
    assert await bench.queue.settle(claim.token, fates) == Settled(3, 0, 2)
    found = await bench.queue.window(Tab.DELIVERED, Order.NEWEST)
    assert [row.id for row in found.rows] == [ids[2], ids[1], ids[0]]
    assert found.total == 3


async def test_the_list_of_the_delivered_forgets_the_oldest(redis_bench: Bench) -> None:
    key = TAG + "lately"
    await redis_bench.accept(*[hit(at, visitor="one") for at in range(7)])
    await redis_bench.settle_all(await redis_bench.claim(2), Fate.DELIVERED)
    await redis_bench.settle_all(await redis_bench.claim(3), Fate.DELIVERED)
    # As if ten thousand had been there between.
    ((member, score),) = await redis_bench.client.zrange(key, -1, -1, withscores=True)
    await redis_bench.client.zadd(key, {member: score + 10_000})
    newest = await redis_bench.settle_all(await redis_bench.claim(1), Fate.DELIVERED)
    found = await redis_bench.queue.window(Tab.DELIVERED, Order.NEWEST, rows=3)
    assert (newest.done, found.total, [row.key for row in found.rows]) == (1, 10_000, ["key-5", "key-4", "key-3"])
    assert await redis_bench.client.zcard(key) == 2


@pytest.mark.parametrize("written", ["x", "1[", "1[[1,2]]", '1[{"a":1},7,null]'])
async def test_what_a_stranger_wrote_among_the_delivered_holds_up_nothing(redis_bench: Bench, written: str) -> None:
    key = TAG + "lately"
    await redis_bench.accept(*[hit(at, visitor="one") for at in range(3)])
    await redis_bench.settle_all(await redis_bench.claim(1), Fate.DELIVERED)
    await redis_bench.client.zadd(key, {written: 2})
    await redis_bench.settle_all(await redis_bench.claim(1), Fate.DELIVERED)
    found = await redis_bench.queue.window(Tab.DELIVERED, Order.NEWEST, anchor="AAAnone0000000")
    assert [row.key for row in found.rows] == ["key-1", "key-0"]
    for score in (float("inf"), float("-inf"), 1e300):
        await redis_bench.client.zadd(key, {"y": score})
        await redis_bench.queue.window(Tab.DELIVERED, Order.NEWEST)
        await redis_bench.counts()
    assert (await redis_bench.settle_all(await redis_bench.claim(1), Fate.DELIVERED)).done == 1
    assert (await redis_bench.counts()).delivered_kept == 1


async def commands_of_a_window(bench: Bench) -> dict[str, int]:
    """How many commands the windows in the middle of the lists take, those within scripts too."""
    assert bench.client is not None
    taken = {}
    for tab in (Tab.PENDING, Tab.DEAD):
        middle = await bench.queue.window(tab, OWN_ORDERS[tab][0], first=(await bench.counts()).pending // 2, rows=20)
        await bench.client.config_resetstat()
        await bench.queue.window(tab, OWN_ORDERS[tab][0], anchor=middle.rows[5].id, above=5, rows=20)
        stats = await bench.client.info("commandstats")
        taken[tab.value] = sum(one["calls"] for one in stats.values())
    return taken


async def become_due(bench: Bench, ago: dict[str, int], *, xx: bool = False) -> None:
    """Let requests have become due so many microseconds ago; with `xx` those that wait."""
    assert bench.client is not None
    now = int((await bench.counts()).at * 1e6)
    places: dict[str, dict[str, float]] = {}
    for request_id, since in ago.items():
        places.setdefault(f"{TAG}due:{request_id[:3]}", {})[request_id] = now - since
    for place, due in places.items():
        await bench.client.zadd(place, due, xx=xx)


async def test_the_length_of_a_list_costs_nothing(redis_bench: Bench) -> None:
    async def grow(number: int) -> None:
        ids = await redis_bench.accept(*[hit(at, key=f"{number}-{at}") for at in range(number)])
        for _ in range(8):
            await redis_bench.settle_all(await redis_bench.claim(number // 20), Fate.DEAD)
        # How many steps lead to a place follows from how even the times are, and those from how busy the machine is.
        await become_due(redis_bench, {request_id: at * 1_000_000 for at, request_id in enumerate(ids)}, xx=True)

    await grow(400)
    few = await commands_of_a_window(redis_bench)
    await grow(10_000)
    many = await commands_of_a_window(redis_bench)
    assert many["dead"] <= few["dead"] + 2
    # A place among the due sets is found by halving: what is ten times as long takes a few steps more.
    assert many["pending"] <= 1.5 * few["pending"] + 60


SHAPES: dict[str, Callable[[int], int]] = {
    "evenly": lambda at: at * 1_000_000,
    "all at once": lambda at: 0,
    "two ends": lambda at: 0 if at % 3 else 10**12 + at,
    "ever rarer": lambda at: 2 ** (at % 48),
}
"""How long ago, in microseconds, requests became due."""


@pytest.mark.parametrize("shape", SHAPES)
async def test_windows_deep_in_a_list_whatever_its_shape(redis_bench: Bench, shape: str) -> None:
    ids = await redis_bench.accept(*[hit(at, visitor=f"v{at % 40}") for at in range(400)])
    await become_due(redis_bench, {request_id: SHAPES[shape](at) for at, request_id in enumerate(ids)})
    rows = await whole(redis_bench, Tab.PENDING, Order.NEXT_TRY)
    assert len(rows) == 400
    for first in range(3, 400, 41):
        found = await redis_bench.queue.window(Tab.PENDING, Order.NEXT_TRY, first=first, rows=20)
        begins = min(first, 380)
        assert (found.first, [row.id for row in found.rows]) == (begins, [row.id for row in rows[begins : begins + 20]])
