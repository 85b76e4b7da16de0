"""MATOMO_DELIVERY=exact: bulks of one, in which a hit that Matomo loses to a lock is kept and tried again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from opalmind_tui.demo.matomo.behaviour import Asked, Behaviour
from opalmind_tui.snapshot.model import GateKind
from opalmind_tui.tracking import backoff, sender
from tests.tracking.delivery import STRANGER, SUPER, WRITER, Delivery, delivering, page
from tests.tracking.queue_harness import Bench


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits: what is tested is that they are kept, not how long they are."""
    for name, seconds in (("BREAKER_BASE", 0.02), ("BREAKER_CAP", 0.1), ("REQUEST_BASE", 0.02), ("REQUEST_CAP", 0.1)):
        monkeypatch.setattr(backoff, name, seconds)
    monkeypatch.setattr(sender, "POLL", 0.02)


def losing(*places: int) -> Callable[[Asked], str | None]:
    """The bulks at these places, counted from 1, lose their hit to a lock."""
    bulks = 0

    def script(asked: Asked) -> str | None:
        nonlocal bulks
        bulks += asked.kind == "bulk"
        return "lock-wait" if asked.kind == "bulk" and bulks in places else None

    return script


async def all_stored_once(field: Delivery, number: int) -> None:
    await field.empty()
    assert dict(field.stored()) == {f"https://example.org/{place}": 1 for place in range(number)}
    counts = await field.counts()
    assert (counts.delivered, counts.dropped, counts.dead, counts.ledger_difference) == (number, 0, 0, 0)


@pytest.mark.parametrize("token", [SUPER, WRITER, STRANGER, ""], ids=["super", "write", "bad", "none"])
async def test_a_hit_that_is_lost_to_a_lock_is_sent_again_and_counted_as_unknown(bench: Bench, token: str) -> None:
    async with delivering(bench, token=token, start=False, senders=1, max_bulk=1) as field:
        field.matomo.script(losing(3, 7))
        await field.accept(*[page(number) for number in range(12)])
        await field.dispatcher.start()
        await all_stored_once(field, 12)
        counts = await field.counts()
        assert (counts.unknown, counts.retried, counts.gate) == (2, 2, None)
        assert {post.sent for post in field.matomo.journal.posts} == {1}
        assert len(field.matomo.journal.posts) == 14


async def test_the_first_hit_of_all_may_be_the_one_that_a_lock_loses(bench: Bench) -> None:
    """Nothing shows yet that Matomo records: the endpoint is probed with another hit, and both arrive."""
    async with delivering(bench, start=False, senders=1, max_bulk=1) as field:
        field.matomo.script(losing(1))
        await field.accept(*[page(number) for number in range(5)])
        await field.dispatcher.start()
        await all_stored_once(field, 5)
        assert (await field.counts()).gate is None


async def test_a_hit_that_a_lock_always_loses_closes_nothing_for_the_others(bench: Bench) -> None:
    async with delivering(bench, start=False, senders=1, max_bulk=1) as field:
        lost: list[str] = []
        original = field.matomo._tracker.answer

        def answer(arrival):  # type: ignore[no-untyped-def]
            cursed = arrival.sent.hits[0]["url"].endswith("/2")
            if cursed:
                lost.append("2")
            return original(arrival if not cursed else type(arrival)(
                arrival.number, arrival.request, arrival.sent, arrival.behaviour, "lock-wait", arrival.chance
            ))  # fmt: skip

        field.matomo._tracker.answer = answer  # type: ignore[method-assign]
        ids = await field.accept(*[page(number) for number in range(6)])
        await field.dispatcher.start()
        await field.until(lambda: field.matomo.journal.stored == 5 and len(lost) >= 1)
        await field.accept(page(6))
        await field.until(lambda: len(lost) >= 2 and field.matomo.journal.stored == 6)

        async def charged() -> bool:
            (row,) = await bench.queue.rows_of([ids[2]])
            return row.attempts > 0

        await field.until(charged)
        counts = await field.counts()
        assert (counts.gate, counts.dropped, counts.dead) == (None, 0, 0)
        assert counts.unknown >= 2


async def test_recording_that_is_switched_off_closes_the_gate_and_spends_no_attempt(bench: Bench) -> None:
    async with delivering(bench, start=False, senders=1, max_bulk=1) as field:
        await field.accept(*[page(number) for number in range(3)])
        await field.dispatcher.start()
        await field.until(lambda: field.matomo.journal.stored == 3)
        await field.matomo.behave(Behaviour(recording=False))
        ids = await field.accept(*[page(number) for number in range(3, 8)])

        async def closed() -> bool:
            gate = (await field.counts()).gate
            return gate is not None and gate.kind is GateKind.RECORDING_OFF

        await field.until(closed)
        rows = await bench.queue.rows_of(ids)
        assert {row.attempts for row in rows} == {0}
        # The first one might have been lost to a lock, for others had got through; the next one tells.
        assert (await field.counts()).unknown <= 1
        await field.matomo.behave(Behaviour())
        await all_stored_once(field, 8)


async def test_where_unknown_outcomes_are_not_resent_it_is_put_aside(bench: Bench) -> None:
    async with delivering(bench, start=False, senders=1, max_bulk=1, resend_unknown=False) as field:
        field.matomo.script(losing(2))
        ids = await field.accept(*[page(number) for number in range(4)])
        await field.dispatcher.start()
        await field.empty()
        (row,) = await bench.queue.rows_of(ids)
        assert (row.state, row.unknown) == ("dead", 1)
        assert (
            row.error == "its outcome is unknown: Matomo lost it (a lock was held too long); it may be counted already"
        )
