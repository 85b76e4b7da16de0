"""Answers that cannot be believed, or that tell of a loss that can be made good, through the whole way of delivery."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
import pytest

from opalmind_tui.matomo.answer import BulkAnswer
from opalmind_tui.tracking import backoff, sender
from tests.tracking.delivery import WRITER, Delivery, delivering, page
from tests.tracking.queue_harness import Bench
from tests.tracking.test_dispatcher import faults

Hits = Sequence[Mapping[str, str]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits: what is tested is that they are kept, not how long they are."""
    for name, seconds in (("BREAKER_BASE", 0.02), ("BREAKER_CAP", 0.1), ("REQUEST_BASE", 0.02), ("REQUEST_CAP", 0.1)):
        monkeypatch.setattr(backoff, name, seconds)
    monkeypatch.setattr(sender, "POLL", 0.02)


class Between:
    """Stands between a sender and Matomo, and answers some bulks in Matomo's place.

    Args:
        says: the document to answer a bulk with, by its hits; None lets Matomo have it.
    """

    def __init__(self, client: Any, says: Callable[[Hits], dict[str, Any] | None]) -> None:
        self.client, self.says = client, says
        self.sizes: list[int] = []

    async def post_bulk(self, hits: Hits, *, with_token: bool) -> BulkAnswer:
        self.sizes.append(len(hits))
        if (document := self.says(hits)) is not None:
            return BulkAnswer(status=200, body=orjson.dumps({"status": "success", **document}).decode())
        answer: BulkAnswer = await self.client.post_bulk(hits, with_token=with_token)
        return answer

    async def close(self) -> None:
        await self.client.close()


async def all_stored_once(field: Delivery, number: int) -> None:
    await field.empty()
    assert dict(field.stored()) == {f"https://example.org/{place}": 1 for place in range(number)}
    counts = await field.counts()
    assert (counts.delivered, counts.dropped, counts.rejected, counts.dead) == (number, 0, 0, 0)
    assert counts.ledger_difference == 0


async def test_bulks_lost_whole_to_locks_are_delivered_once_the_locks_are_gone(bench: Bench) -> None:
    posters: list[Between] = []

    def locked(hits: Hits) -> dict[str, Any] | None:
        # The visit of visitor 1 is locked for a while; a token that Matomo names the invalid ones to.
        busy = len(posters[0].sizes) <= 6 and all(hit["cid"] == f"{1:016x}" for hit in hits)
        return {"tracked": 0, "invalid": 0, "invalid_indices": []} if busy else None

    def poster(client: Any) -> Between:
        posters.append(Between(client, locked))
        return posters[-1]

    async with delivering(bench, poster=poster, start=False, senders=1) as field:
        ids = await field.accept(*[page(number, visitor=1) for number in range(16)])
        await field.dispatcher.start()
        await all_stored_once(field, 16)
        assert posters[0].sizes[:2] == [16, 8]
        counts = await field.counts()
        # Each loss is an unknown outcome: the action of a hit that waited in vain for its visit may be stored.
        assert counts.unknown > 16
        assert await bench.states(ids) == ["gone"] * 16


async def test_a_bulk_that_a_lock_always_loses_ends_with_each_hit_alone_and_blamed(bench: Bench) -> None:
    posters: list[Between] = []

    def poster(client: Any) -> Between:
        never = {"tracked": 0, "invalid": 0, "invalid_indices": []}
        posters.append(Between(client, lambda hits: never if hits[0]["cid"] == f"{1:016x}" else None))
        return posters[-1]

    async with delivering(bench, poster=poster, start=False, senders=1) as field:
        ids = await field.accept(*[page(number, visitor=1) for number in range(4)])
        await field.dispatcher.start()

        async def dead() -> bool:
            return (await field.counts()).dead == 4

        await field.until(dead)
        assert {row.attempts for row in await bench.queue.rows_of(ids)} == {backoff.ATTEMPTS}
        # Others go on all the while.
        await field.accept(page(9))
        await field.until(lambda: field.matomo.journal.stored == 1)
        assert (await field.counts()).gate is None


async def test_an_answer_that_counts_more_than_was_sent_delivers_nothing_and_loses_nothing(bench: Bench) -> None:
    mixed_up = iter([{"tracked": 9, "invalid": 0}, {"tracked": 1, "invalid": 3}])
    async with delivering(
        bench, poster=lambda client: Between(client, lambda _: next(mixed_up, None)), start=False, senders=1
    ) as field:
        await field.accept(*[page(number) for number in range(3)])
        await field.dispatcher.start()
        await all_stored_once(field, 3)
        counts = await field.counts()
        assert counts.unknown == 4
        assert counts.gate is None


async def test_an_order_whose_answer_was_lost_is_delivered_though_matomo_takes_it_once_only(bench: Bench) -> None:
    async with delivering(bench, start=False, senders=1) as field:
        field.matomo.script(faults("answer-lost"))
        await field.accept(page(0, idgoal="0", ec_id="order-1", revenue="5"), page(1))
        await field.dispatcher.start()
        await field.empty()
        counts = await field.counts()
        assert (counts.delivered, counts.rejected, counts.unknown) == (2, 0, 2)
        # Another one under its number is refused as ever.
        await field.accept(page(2, idgoal="0", ec_id="order-1", revenue="5"))
        await field.empty()
        assert (await field.counts()).rejected == 1


async def test_a_401_to_the_token_uses_it_once_and_lets_ordinary_hits_go(bench: Bench) -> None:
    used: list[int] = []

    class Guarded(Between):
        async def post_bulk(self, hits: Hits, *, with_token: bool) -> BulkAnswer:
            if with_token:
                used.append(len(hits))
                return BulkAnswer(status=401, body="")
            return await super().post_bulk(hits, with_token=with_token)

    async with delivering(
        bench, poster=lambda client: Guarded(client, lambda _: None), token=WRITER, start=False
    ) as field:
        old = str(int(time.time()) - 3 * 86_400)
        await field.accept(*[page(number, cdt=old) for number in range(3)], *[page(number) for number in range(10, 15)])
        await field.dispatcher.start()
        await field.until(lambda: field.matomo.journal.stored == 5)

        async def held() -> bool:
            counts = await field.counts()
            return (counts.scheduled, counts.pending, counts.inflight) == (3, 0, 0)

        await field.until(held)
        assert used == [1]
        assert field.dispatcher.stats().token == "resting"


async def test_where_unknown_outcomes_are_not_resent_an_answer_to_something_else_puts_them_aside(bench: Bench) -> None:
    async with delivering(
        bench, poster=lambda client: Between(client, lambda hits: {"tracked": len(hits) + 1, "invalid": 0}),
        start=False, senders=1, resend_unknown=False,
    ) as field:  # fmt: skip
        ids = await field.accept(*[page(number) for number in range(3)])
        await field.dispatcher.start()

        async def dead() -> bool:
            return (await field.counts()).dead == 3

        await field.until(dead)
        assert {row.unknown for row in await bench.queue.rows_of(ids)} == {1}
