"""Delivery over real HTTP to the stand-in, from memory and every server: what arrives, how often, in what order."""

from __future__ import annotations

import asyncio
import json
import time

import orjson
import pytest

from opalmind_tui.demo.matomo import Asked, Behaviour
from opalmind_tui.snapshot.model import GateKind
from opalmind_tui.tracking import backoff, classify, dispatcher, sender
from opalmind_tui.tracking.request import TrackingRequest
from tests.tracking.delivery import SUPER, AwayQueue, Choosy, Delivery, Unmarked, delivering, page
from tests.tracking.queue_harness import RECORD_PREFIX, Bench


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits: what is tested is that they are kept, not how long they are."""
    monkeypatch.setattr(backoff, "BREAKER_BASE", 0.02)
    monkeypatch.setattr(backoff, "BREAKER_CAP", 0.1)
    monkeypatch.setattr(backoff, "REQUEST_BASE", 0.02)
    monkeypatch.setattr(backoff, "REQUEST_CAP", 0.1)
    monkeypatch.setattr(classify, "TOKEN_DOUBT_DELAY", 0.02)
    monkeypatch.setattr(sender, "POLL", 0.02)
    monkeypatch.setattr(sender, "STORE_WAIT", 0.02)
    monkeypatch.setattr(dispatcher, "REAP_EVERY", 0.05)
    monkeypatch.setattr(dispatcher, "CRASH_WAIT", 0.02)


def once(number: int) -> dict[str, int]:
    """Each of the first pages stored once."""
    return {f"https://example.org/{place}": 1 for place in range(number)}


def faults(*names: str | None):
    """The first bulks fail in these ways, the others are answered."""
    left = list(names)

    def script(asked: Asked) -> str | None:
        return left.pop(0) if left and asked.kind == "bulk" else None

    return script


# -- the usual way -----------------------------------------------------------------------------------------------


async def test_everything_arrives_once_in_the_order_of_each_visitor(bench: Bench) -> None:
    async with delivering(bench, start=False, max_bulk=50) as field:
        await field.accept(*[page(number, visitor=number % 37) for number in range(400)])
        await field.dispatcher.start()
        await field.empty()
        assert dict(field.stored()) == once(400)
        assert not field.matomo.journal.overlaps
        order: dict[str, list[int]] = {}
        for hit in field.matomo.journal.hits:
            order.setdefault(hit.params["cid"], []).append(int(hit.params["url"].rpartition("/")[2]))
        assert all(numbers == sorted(numbers) for numbers in order.values())
        counts = await field.counts()
        assert (counts.delivered, counts.retried, counts.unknown) == (400, 0, 0)
        stats = field.dispatcher.stats()
        assert (stats.delivered, stats.failed_posts, stats.crashes, stats.last_crash) == (400, 0, 0, "")
        assert stats.posts < 60


async def test_what_matomo_gets_of_a_hit(bench: Bench) -> None:
    moment = str(int(time.time()) - 3600)  # a time of more than a day ago would wait for a token
    async with delivering(bench) as field:
        event = {"idsite": "1", "url": "https://example.org/e", "e_c": "c", "e_a": "a", "cid": "0" * 16}
        await field.accept(
            TrackingRequest("event", event, visitor="v1"),
            TrackingRequest("raw", {"idsite": "2", "url": "https://example.org/r", "cdt": moment}, visitor="v2"),
        )
        (first,) = [row for row in [*await field.rows(), None] if row is None or row.kind == "event"][:1] or [None]
        await field.empty()
        hits = {hit.params["url"]: hit for hit in field.matomo.journal.hits}
    sent = hits["https://example.org/e"].params
    assert {name: sent[name] for name in ("rec", "apiv", "ca")} == {"rec": "1", "apiv": "1", "ca": "1"}
    if first is not None:
        assert abs(hits["https://example.org/e"].time - first.accepted) <= 1.0
    assert "ca" not in hits["https://example.org/r"].params
    assert hits["https://example.org/r"].params["cdt"] == moment


async def test_the_record_is_the_references(bench: Bench) -> None:
    if bench.client is None:
        pytest.skip("memory keeps its records to itself; they are tested with the queue")
    async with delivering(bench) as field:
        await field.accept(page(1))
        await field.empty()
        raw = await bench.client.get(RECORD_PREFIX + "key-1")
    record = json.loads(raw)
    assert list(record) == ["key", "value", "attempts", "completedAt", "fingerprint"]
    assert list(record["value"]) == ["ok", "status", "body"]
    assert (record["key"], record["attempts"], record["fingerprint"]) == ("key-1", 1, f"{1:016x}")
    assert record["value"] == {"ok": True, "status": 200, "body": '{"status":"success","tracked":1,"invalid":0}'}
    assert raw == orjson.dumps(record)


async def test_a_wake_up_is_enough(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "POLL", 3600.0)
    async with delivering(bench) as field:
        await asyncio.sleep(0.05)
        await field.accept(page(0))
        await field.empty()
        assert dict(field.stored()) == once(1)


async def test_pause_and_resume(bench: Bench) -> None:
    async with delivering(bench) as field:
        await field.pause()
        await field.accept(page(0))
        await asyncio.sleep(0.1)
        assert field.matomo.requests == 0
        control = (await field.counts()).control
        assert control.paused is not None
        assert (control.paused.by, control.paused.reason) == ("kim", "a test")
        await field.resume()
        await field.empty()
        assert dict(field.stored()) == once(1)


# -- Matomo fails ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", ["503", "502", "500-rollback", "500-empty", "sqlstate", "recording-off", "not-installed", "html", "403"]
)
async def test_what_was_not_stored_is_sent_again_at_no_cost(bench: Bench, fault: str) -> None:
    async with delivering(bench, start=False) as field:
        field.matomo.script(faults(*[fault] * 4))
        await field.accept(*[page(number) for number in range(60)])
        await field.dispatcher.start()
        await field.empty()
        assert dict(field.stored()) == once(60)
        counts = await field.counts()
        assert (counts.delivered, counts.dead, counts.rejected, counts.unknown) == (60, 0, 0, 0)
        assert counts.gate is None
        if bench.client is not None:
            for number in range(60):
                assert json.loads(await bench.client.get(f"{RECORD_PREFIX}key-{number}"))["attempts"] == 1


async def test_a_429_is_left_alone_for_as_long_as_it_asks(bench: Bench) -> None:
    async with delivering(bench, start=False, senders=1) as field:
        await field.matomo.behave(Behaviour(retry_after=0.3))
        field.matomo.script(faults("429"))
        await field.accept(*[page(number) for number in range(20)])
        await field.dispatcher.start()

        async def closed() -> bool:
            gate = (await field.counts()).gate
            return gate is not None and gate.kind is GateKind.COOLDOWN

        await field.until(closed)
        await field.empty()
        limited, *others = list(field.matomo.journal.posts)
        assert limited.status == 429
        assert others[0].at - limited.at >= 0.3
        assert dict(field.stored()) == once(20)


async def test_an_outage_ends_with_everything_delivered_as_if_it_had_not_been(bench: Bench) -> None:
    async with delivering(bench) as field:
        await field.matomo.behave(Behaviour(listening=False))
        await field.accept(*[page(number) for number in range(150)])
        accepted = {row.label: row.accepted for row in await field.rows()}

        async def open_breaker() -> bool:
            gate = (await field.counts()).gate
            return gate is not None and gate.kind is GateKind.BREAKER and gate.failures >= 3

        await field.until(open_breaker)
        await field.matomo.set_mood("normal")
        await field.empty()
        assert dict(field.stored()) == once(150)
        counts = await field.counts()
        assert (counts.delivered, counts.unknown, counts.dead, counts.gate) == (150, 0, 0, None)
        for hit in field.matomo.journal.hits:
            if hit.params["url"] in accepted:
                assert abs(hit.time - accepted[hit.params["url"]]) <= 1.0
        assert "refused" in field.dispatcher.stats().last_error


@pytest.mark.parametrize("fault", ["answer-lost", "answer-reset", "answer-cut", "answer-stalled"])
async def test_a_lost_answer_is_an_unknown_outcome_and_sent_again(bench: Bench, fault: str) -> None:
    async with delivering(bench, start=False, senders=1, timeout=0.3) as field:
        field.matomo.script(faults(fault))
        await field.accept(*[page(number, visitor=1) for number in range(10)])
        await field.dispatcher.start()
        await field.empty()
        # What at-least-once makes unavoidable: Matomo had it, and has it again.
        assert set(field.stored().values()) == {2}
        counts = await field.counts()
        assert (counts.delivered, counts.unknown) == (10, 10)
        assert field.dispatcher.stats().unknown == 10


@pytest.mark.parametrize("status", [500, 403])
async def test_one_hit_that_matomo_cannot_bear_ends_dead_and_the_others_arrive(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(classify, "ATTEMPTS", 3)
    async with delivering(bench, start=False, poster=lambda client: Choosy(client, status, "poison")) as field:
        poison = TrackingRequest("pageview", {"idsite": "1", "url": "https://example.org/poison"}, visitor="x")
        pages = [page(number, visitor=number % 5) for number in range(120)]
        ids = await field.accept(*pages[:60], poison, *pages[60:])
        await field.dispatcher.start()
        number = 120

        async def is_dead() -> bool:
            # Others have to get through after it failed alone, or nobody could tell whose fault it is.
            nonlocal number
            await field.accept(page(number))
            number += 1
            return await bench.states([ids[60]]) == ["dead"]

        await field.until(is_dead)
        await field.empty()
        assert dict(field.stored()) == once(number)
        (row,) = await bench.queue.rows_of([ids[60]])
        assert (row.status, row.attempts) == (status, 3 if status == 500 else 1)


async def test_invalid_hits_take_nobody_with_them_and_the_next_ones_are_told_apart(bench: Bench) -> None:
    def mixed(first: int, last: int, wrong: int) -> list[TrackingRequest]:
        return [page(n, visitor=1, idsite="9" if n == wrong else "1") for n in range(first, last)]

    async with delivering(bench, start=False, senders=1) as field:
        await field.accept(*mixed(0, 20, 5))
        await field.dispatcher.start()
        await field.empty()
        assert field.dispatcher.stats().unnamed == 1
        assert field.dispatcher.stats().bulk_size == 1
        await field.accept(*mixed(20, 30, 25))
        await field.empty()
        assert field.dispatcher.stats().unnamed == 1
        counts = await field.counts()
        assert (counts.delivered, counts.rejected) == (28, 2)
        assert set(field.stored().values()) == {1}
        assert len(field.stored()) == 28


async def test_a_token_that_makes_matomo_name_the_invalid_hits_is_used_for_it(bench: Bench) -> None:
    async with delivering(bench, token=SUPER, start=False, senders=1) as field:
        await field.accept(*[page(number, visitor=1, idsite="9" if number == 3 else "1") for number in range(10)])
        await field.dispatcher.start()
        await field.empty()
        assert field.dispatcher.stats().unnamed == 1
        await field.accept(*[page(number, visitor=1) for number in range(10, 40)])
        await field.empty()
        await field.pause()
        ids = await field.accept(*[page(n, visitor=1, idsite="9" if n == 45 else "1") for n in range(40, 50)])
        await field.resume()
        await field.empty()
        # Named this time: nothing was guessed.
        assert field.dispatcher.stats().unnamed == 1
        assert (await field.counts()).rejected == 2
        assert await bench.states(ids) == [*["gone"] * 5, "rejected", *["gone"] * 4]


async def test_hits_lost_to_a_lock_are_counted_and_not_sent_again(bench: Bench) -> None:
    async with delivering(bench, start=False, senders=1) as field:
        field.matomo.script(faults("lock-wait"))
        await field.accept(*[page(number, visitor=1) for number in range(10)])
        await field.dispatcher.start()
        await field.empty()
        counts = await field.counts()
        assert (counts.delivered, counts.dropped) == (9, 1)
        assert set(field.stored().values()) == {1}
        assert len(field.stored()) == 9


async def test_what_is_no_request_is_dead_with_its_bytes_kept(bench: Bench) -> None:
    class Junk(TrackingRequest, frozen=True):
        def encode(self) -> bytes:
            return b"\xff junk"

    async with delivering(bench) as field:
        ids = await field.accept(page(0), Junk("raw", {}, visitor="x"), page(1))
        await field.until(lambda: field.matomo.journal.stored == 2)
        await field.empty()
        assert await bench.states(ids) == ["gone", "dead", "gone"]
        (row,) = await bench.queue.rows_of([ids[1]])
        assert (row.error, row.size) == ("its stored bytes are no request", 6)


# -- the store fails ---------------------------------------------------------------------------------------------


async def test_a_store_that_refuses_after_the_post_is_told_later_and_nothing_is_sent_twice(bench: Bench) -> None:
    queue = AwayQueue(bench.queue)
    async with delivering(bench, queue=queue) as field:
        queue.away = {"settle"}
        await field.accept(*[page(number) for number in range(30)])
        await field.until(lambda: field.matomo.journal.stored == 30 and queue.failed["settle"] >= 4)
        assert field.dispatcher.stats().owed == 30
        assert "refuses" in field.dispatcher.stats().store_error
        queue.away = set()
        await field.empty()
        assert dict(field.stored()) == once(30)
        assert (await field.counts()).delivered == 30
        assert field.dispatcher.stats().owed == 0


async def test_what_the_store_forgot_is_not_sent_again(bench: Bench) -> None:
    """The store is restored from a second ago: what it gives again was delivered by this process."""
    queue = AwayQueue(bench.queue)
    async with delivering(bench, queue=queue, senders=1) as field:
        queue.away = {"settle"}
        await field.accept(*[page(number) for number in range(10)])
        await field.until(lambda: field.matomo.journal.stored == 10 and queue.failed["settle"] >= 1)
        await field.pause()
        await bench.pass_seconds(60.0)
        # Or the dispatcher's own reaper was faster.
        await bench.queue.reap()
        assert (await field.counts()).inflight == 0
        # The old claim's settlements come too late on purpose: another claim of ours holds the requests.
        await field.resume()
        await field.until(lambda: field.dispatcher.stats().again == 10)
        queue.away = set()
        await field.empty()
        assert dict(field.stored()) == once(10)
        counts = await field.counts()
        assert (counts.delivered, counts.pending, counts.dead) == (10, 0, 0)


async def test_a_claim_whose_answer_was_lost_is_asked_for_again(bench: Bench) -> None:
    class Deaf(AwayQueue):
        async def claim(self, *args, **more):
            found = await self.queue.claim(*args, **more)
            if found.requests and not self.failed["claim"]:
                self.failed["claim"] += 1
                raise dispatcher.StoreUnavailable("timeout", "no answer", "", in_doubt=True)
            return found

    async with delivering(bench, queue=Deaf(bench.queue), senders=1) as field:
        await field.accept(*[page(number) for number in range(10)])
        await field.empty()
        assert dict(field.stored()) == once(10)
        assert (await field.counts()).recovered == 0


async def test_nothing_is_posted_when_the_store_could_not_be_told(bench: Bench) -> None:
    queue = Unmarked(bench.queue)
    async with delivering(bench, queue=queue, senders=1) as field:
        queue.away = {"mark_posted"}
        await field.accept(page(0))
        await field.until(lambda: queue.failed["mark_posted"] >= 3)
        assert field.matomo.requests == 0
        queue.away = set()
        await field.empty()
        assert dict(field.stored()) == once(1)
        assert (await field.counts()).recovered == 0


async def test_a_gate_that_cannot_be_stored_holds_in_this_process(bench: Bench) -> None:
    queue = AwayQueue(bench.queue)
    async with delivering(bench, queue=queue, senders=1, start=False) as field:
        queue.away = {"close_gate"}
        await field.matomo.behave(Behaviour(retry_after=0.3))
        field.matomo.script(faults("429"))
        await field.accept(page(0))
        await field.dispatcher.start()
        await field.empty()
        limited, good = field.matomo.journal.posts
        assert good.at - limited.at >= 0.3


# -- life --------------------------------------------------------------------------------------------------------


async def test_stop_waits_for_what_is_posted(bench: Bench) -> None:
    async with delivering(bench, senders=1) as field:
        await field.matomo.behave(Behaviour(latency=0.3))
        await field.accept(page(0))
        await field.until(lambda: field.matomo.requests == 1)
        await field.dispatcher.stop(grace=10.0)
        assert (await field.counts()).delivered == 1
        assert not field.dispatcher.stats().running


async def test_stop_leaves_what_is_not_answered_to_its_lease(bench: Bench) -> None:
    async with delivering(bench, senders=1) as field:
        field.matomo.script(lambda asked: "answer-stalled")
        ids = await field.accept(page(0))
        await field.until(lambda: field.matomo.journal.stored == 1)
        await field.dispatcher.stop(grace=0.1)
        assert await bench.states(ids) == ["inflight"]
        # Nobody may send it until the lease has ended, and then its outcome is unknown.
        await bench.pass_seconds(60.0)
        assert await bench.queue.reap() == 1
        counts = await field.counts()
        assert (counts.pending, counts.unknown) == (1, 1)


async def test_stop_gives_back_at_once_what_is_not_posted(bench: Bench) -> None:
    class Slow(AwayQueue):
        claimed = asyncio.Event()
        go_on = asyncio.Event()

        async def claim(self, *args, **more):
            found = await self.queue.claim(*args, **more)
            if found.requests:
                self.claimed.set()
                await self.go_on.wait()
            return found

    queue = Slow(bench.queue)
    async with delivering(bench, queue=queue, senders=1) as field:
        ids = await field.accept(page(0), page(1))
        await queue.claimed.wait()
        stopping = asyncio.create_task(field.dispatcher.stop(grace=10.0))
        await asyncio.sleep(0)
        queue.go_on.set()
        await stopping
        assert await bench.states(ids) == ["pending", "pending"]
        assert field.matomo.requests == 0
        (row, _) = await bench.queue.rows_of(ids)
        assert (row.attempts, row.recovered, row.unknown) == (0, 0, 0)


async def test_stop_ends_a_loop_that_forgets_a_cancellation(bench: Bench) -> None:
    class Forgetful(AwayQueue):
        reaping = asyncio.Event()
        forgotten = 0

        async def reap(self) -> int:
            self.reaping.set()
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                # As `asyncio.wait_for` may on Python 3.11.
                self.forgotten += 1
                if self.forgotten > 1:
                    raise
            return 0

    queue = Forgetful(bench.queue)
    async with delivering(bench, queue=queue) as field:
        await queue.reaping.wait()
        async with asyncio.timeout(30):
            await field.dispatcher.stop()
    assert queue.forgotten >= 1


async def test_an_unexpected_error_is_noted_and_delivery_goes_on(bench: Bench) -> None:
    class Broken:
        crashes = 0

        def __init__(self, client) -> None:
            self.client = client

        async def post_bulk(self, hits, *, with_token):
            if Broken.crashes == 0:
                Broken.crashes += 1
                raise RuntimeError(f"boom {SUPER}")
            return await self.client.post_bulk(hits, with_token=with_token)

        async def close(self) -> None:
            await self.client.close()

    async with delivering(bench, senders=1, poster=Broken, lease=0.4) as field:
        await field.accept(page(0))
        await field.until(lambda: field.dispatcher.stats().crashes == 1)
        await field.empty()
        assert dict(field.stored()) == once(1)
        assert field.dispatcher.stats().last_crash.startswith("sender 1: RuntimeError at test_dispatcher.py:")
        assert SUPER not in repr(field.dispatcher.stats())


async def test_a_dispatcher_can_be_started_again(bench: Bench) -> None:
    async with delivering(bench) as field:
        await field.dispatcher.stop()
        await field.accept(page(0))
        await field.dispatcher.start()
        await field.empty()
        assert dict(field.stored()) == once(1)


async def test_two_dispatchers_share_the_work(bench: Bench) -> None:
    async with delivering(bench, start=False, max_bulk=20) as field:
        other = dispatcher.Dispatcher(
            bench.queue, field.endpoint, "",
            poster=lambda: claim_round_client(field), extend=lambda tokens, lease: (), max_bulk=20,
        )  # fmt: skip
        await field.accept(*[page(number, visitor=number % 50) for number in range(300)])
        await field.dispatcher.start()
        await other.start()
        await field.empty()
        await other.stop()
        assert dict(field.stored()) == once(300)
        assert not field.matomo.journal.overlaps
        assert other.stats().delivered + field.dispatcher.stats().delivered == 300


def claim_round_client(field: Delivery):
    from opalmind_tui.matomo.tracking_client import TrackingClient

    return TrackingClient(field.matomo.url)
