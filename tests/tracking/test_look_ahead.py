"""While Matomo works on a bulk the next is claimed and the last one settled, and nothing is put at risk by it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from opalmind_tui.matomo.answer import BulkAnswer
from opalmind_tui.tracking import backoff, sender
from opalmind_tui.tracking.request import TrackingRequest
from tests.tracking.delivery import Delivery, delivering, page
from tests.tracking.queue_harness import Bench, visitor_in

BULK = 5


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits."""
    monkeypatch.setattr(backoff, "BREAKER_BASE", 0.02)
    monkeypatch.setattr(backoff, "BREAKER_CAP", 0.1)
    monkeypatch.setattr(sender, "POLL", 0.02)


class Gatekeeper:
    """A client that holds every bulk back until it is told how to answer it."""

    def __init__(self) -> None:
        self.posted: asyncio.Queue[list[str]] = asyncio.Queue()
        self.answers: asyncio.Queue[BulkAnswer | None] = asyncio.Queue()

    async def post_bulk(self, hits: Sequence[Mapping[str, str]], *, with_token: bool) -> BulkAnswer:
        self.posted.put_nowait([hit["url"].rpartition("/")[2] for hit in hits])
        taken = f'{{"status":"success","tracked":{len(hits)},"invalid":0}}'
        return await self.answers.get() or BulkAnswer(status=200, body=taken)

    async def close(self) -> None:
        """Nothing to close."""

    async def next_bulk(self) -> list[str]:
        """What Matomo is asked to work on now."""
        async with asyncio.timeout(10):
            return await self.posted.get()

    def take(self) -> None:
        """Take the bulk."""
        self.answers.put_nowait(None)


def pages(visitors: int, each: int = BULK) -> list[TrackingRequest]:
    """Pages of visitors in shards of their own, one visitor after the other."""
    found = []
    for number in range(visitors * each):
        request = page(number)
        found.append(TrackingRequest("pageview", request.params, visitor=visitor_in(number // each)))
    return found


async def begin(field: Delivery, matomo: Gatekeeper, visitors: int) -> list[str]:
    """Start, and answer the first bulk: only after a good answer the next is claimed ahead."""
    ids = await field.accept(*pages(visitors))
    await field.dispatcher.start()
    await matomo.next_bulk()
    matomo.take()
    return ids


async def in_flight(field: Delivery, number: int) -> None:
    """Wait until so many are claimed."""

    async def claimed() -> bool:
        return (await field.counts()).inflight == number

    await field.until(claimed)


async def test_the_next_bulk_is_claimed_and_the_last_settled_while_one_is_under_way(bench: Bench) -> None:
    matomo = Gatekeeper()
    async with delivering(bench, start=False, poster=lambda _: matomo, senders=1, max_bulk=BULK) as field:
        await begin(field, matomo, 4)
        second = await matomo.next_bulk()
        # Matomo works on the second: the first is settled, the third claimed.
        await in_flight(field, 2 * BULK)
        assert (await field.counts()).delivered == BULK
        matomo.take()
        third = await matomo.next_bulk()
        assert (second, third) == ([str(n) for n in range(5, 10)], [str(n) for n in range(10, 15)])
        matomo.take()
        matomo.take()
        await field.empty()
        assert (await field.counts()).delivered == 4 * BULK


async def test_a_visitor_has_no_second_bulk_while_one_is_under_way(bench: Bench) -> None:
    matomo = Gatekeeper()
    async with delivering(bench, start=False, poster=lambda _: matomo, senders=2, max_bulk=BULK) as field:
        one = [TrackingRequest("pageview", page(n).params, visitor="one") for n in range(3 * BULK)]
        await field.accept(*one)
        await field.dispatcher.start()
        for at in range(3):
            assert await matomo.next_bulk() == [str(n) for n in range(at * BULK, (at + 1) * BULK)]
            await asyncio.sleep(0.1)
            assert matomo.posted.empty()
            assert (await field.counts()).inflight == BULK
            matomo.take()
        await field.empty()


async def test_what_was_claimed_ahead_goes_back_untouched_when_matomo_fails(bench: Bench) -> None:
    matomo = Gatekeeper()
    async with delivering(bench, start=False, poster=lambda _: matomo, senders=1, max_bulk=BULK) as field:
        ids = await begin(field, matomo, 3)
        await matomo.next_bulk()
        await in_flight(field, 2 * BULK)
        matomo.answers.put_nowait(BulkAnswer(status=503))
        # One probe first, of those that were claimed ahead: nothing says that they had been.
        assert await matomo.next_bulk() == ["10"]
        rows = await bench.queue.rows_of(ids[11:])
        assert [(row.attempts, row.unknown, row.error) for row in rows] == [(0, 0, "")] * 4
        matomo.take()
        assert await matomo.next_bulk() == ["11", "12", "13", "14", "5"]
        matomo.take()
        matomo.take()
        matomo.take()
        await field.empty()
        assert (await field.counts()).delivered == 3 * BULK


async def test_stopping_gives_back_what_was_claimed_ahead(bench: Bench) -> None:
    matomo = Gatekeeper()
    async with delivering(bench, start=False, poster=lambda _: matomo, senders=1, max_bulk=BULK) as field:
        ids = await begin(field, matomo, 3)
        await matomo.next_bulk()
        await in_flight(field, 2 * BULK)
        matomo.take()
        await field.dispatcher.stop(grace=5)
        counts = await field.counts()
        assert (counts.delivered, counts.pending, counts.inflight) == (2 * BULK, BULK, 0)
        assert {row.state.value for row in await bench.queue.rows_of(ids[10:])} == {"pending"}
