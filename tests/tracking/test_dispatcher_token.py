"""Hits that need the token: held without one, tested by one hit, never rejected for the token's sake; and I10."""

from __future__ import annotations

import time
from typing import Any

import pytest

from opalmind_tui.demo.matomo import Asked, Behaviour
from opalmind_tui.matomo.tracking_client import TrackingClient
from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking import backoff, classify, sender
from opalmind_tui.tracking.outcomes import Claimed
from opalmind_tui.tracking.prepare import Hit
from opalmind_tui.tracking.request import TrackingRequest
from opalmind_tui.tracking.runs import runs_of
from tests.matomo.servers import answering, http
from tests.tracking.delivery import STRANGER, SUPER, WRITER, Delivery, delivering, page
from tests.tracking.queue_harness import RECORD_PREFIX, TAG, Bench

DAY = 86_400.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits."""
    monkeypatch.setattr(backoff, "BREAKER_BASE", 0.02)
    monkeypatch.setattr(backoff, "REQUEST_BASE", 0.02)
    monkeypatch.setattr(classify, "TOKEN_DOUBT_DELAY", 0.02)
    monkeypatch.setattr(sender, "POLL", 0.02)


def old(number: int, days: float = 3.0, **params: str) -> TrackingRequest:
    """A hit of days ago."""
    return page(number, cdt=str(int(time.time() - days * DAY)), **params)


async def scheduled(field: Delivery, number: int) -> bool:
    """Whether so many hits wait and nothing else is left."""
    counts = await field.counts()
    return (counts.scheduled, counts.pending, counts.inflight) == (number, 0, 0)


def sizes(field: Delivery) -> list[int]:
    """Hits of each bulk that Matomo got."""
    return [post.sent for post in field.matomo.journal.posts]


async def test_without_a_token_old_hits_are_held_and_named_and_the_others_go(bench: Bench) -> None:
    async with delivering(bench, start=False) as field:
        ids = await field.accept(*[old(number) for number in range(5)], *[page(number) for number in range(10, 20)])
        await field.dispatcher.start()
        await field.until(lambda: scheduled(field, 5))
        assert len(field.stored()) == 10
        rows = await bench.queue.rows_of(ids[:5])
        assert {(row.state, row.error, row.attempts) for row in rows} == {
            (State.SCHEDULED, "held: over 24 h old and no usable token", 0)
        }
        assert all(row.next_try is not None and row.next_try > time.time() + 600 for row in rows)
        assert field.dispatcher.stats().held == 5
        assert field.dispatcher.stats().token == "none"
        assert sum(sizes(field)) == 10


async def test_with_a_good_token_the_first_goes_alone_and_the_rest_together(bench: Bench) -> None:
    async with delivering(bench, token=WRITER, start=False, senders=1) as field:
        hits = [old(number, visitor=7) for number in range(30)]
        await field.accept(*hits)
        await field.dispatcher.start()
        await field.empty()
        assert sizes(field) == [1, 29]
        assert set(field.stored().values()) == {1}
        times = {hit.params["url"]: hit.time for hit in field.matomo.journal.hits}
        assert times == {hit.params["url"]: float(hit.params["cdt"]) for hit in hits}
        assert field.dispatcher.stats().token == "proved"


async def test_a_bad_token_is_used_once_and_rejects_nothing(bench: Bench) -> None:
    async with delivering(bench, token=STRANGER, start=False, senders=1) as field:
        await field.accept(*[old(number) for number in range(8)], *[page(number) for number in range(10, 40)])
        await field.dispatcher.start()
        await field.until(lambda: scheduled(field, 8))
        counts = await field.counts()
        assert (counts.rejected, counts.dead, counts.delivered) == (0, 0, 30)
        assert [post.invalid for post in field.matomo.journal.posts if post.invalid] == [1]
        stats = field.dispatcher.stats()
        assert stats.token == "refused"
        assert "token" in stats.token_reason
        # An operator has another look: one more use.
        await field.dispatcher.test_token_again()
        await bench.queue.retry([row.id for row in await field.rows()])
        field.dispatcher.wake()
        await field.until(lambda: len([post for post in field.matomo.journal.posts if post.invalid]) == 2)
        await field.until(lambda: scheduled(field, 8))
        assert (await field.counts()).rejected == 0


async def test_an_outage_of_days_with_a_token_ends_with_everything_delivered(bench: Bench) -> None:
    async with delivering(bench, token=WRITER, start=False) as field:
        await field.matomo.behave(Behaviour(listening=False))
        await field.dispatcher.start()
        await field.accept(*[page(number) for number in range(50)])

        async def open_breaker() -> bool:
            return (await field.counts()).gate is not None

        async def nobody_probes() -> bool:
            return (await field.counts()).inflight == 0

        await field.until(open_breaker)
        # Two days pass: the hits are as old as their `cdt`, which is the time of acceptance. Time passes for what
        # lies in the queue; a probe under way would carry the moment of before.
        await field.pause()
        await field.until(nobody_probes)
        await bench.pass_seconds(2 * DAY)
        field.matomo._tracker._clock = field.matomo._clock = bench.now
        await field.matomo.set_mood("normal")
        await field.resume()
        await field.empty()
        assert set(field.stored().values()) == {1}
        assert len(field.stored()) == 50
        assert (await field.counts()).rejected == 0
        assert all(abs(bench.now() - hit.time - 2 * DAY) < 3600 for hit in field.matomo.journal.hits)


async def test_a_token_for_another_site_holds_the_hits_of_this_one_only(bench: Bench) -> None:
    token = "7" * 32  # write access to site 2
    async with delivering(bench, token=token, start=False, senders=1) as field:
        await field.accept(*[old(number, idsite="2") for number in range(5)])
        await field.dispatcher.start()
        await field.empty()
        await field.accept(*[old(number, idsite="1") for number in range(10, 15)])
        await field.until(lambda: scheduled(field, 5))
        await field.accept(*[old(number, idsite="2") for number in range(20, 25)])
        await field.until(lambda: field.matomo.journal.stored == 10)
        await field.until(lambda: scheduled(field, 5))
        assert [post.sent for post in field.matomo.journal.posts if post.invalid] == [1]
        assert (await field.counts()).rejected == 0


async def test_an_old_hit_that_matomo_never_takes_is_rejected_once_others_prove_the_token(bench: Bench) -> None:
    async with delivering(bench, token=WRITER, start=False, senders=1) as field:
        await field.accept(old(0))
        await field.dispatcher.start()
        await field.empty()
        await field.accept(old(1, e_c=" ", e_a="x"))
        number = 2

        async def rejected() -> bool:
            nonlocal number
            await field.accept(old(number))
            number += 1
            return (await field.counts()).rejected == 1

        await field.until(rejected)
        await field.empty()
        assert field.dispatcher.stats().token == "proved"
        assert len(field.stored()) == number - 1


@pytest.mark.parametrize("param", ["cip", "country", "lat"])
async def test_what_only_a_token_may_set_travels_with_it(bench: Bench, param: str) -> None:
    value = {"cip": "203.0.113.9", "country": "de", "lat": "1.5"}[param]
    async with delivering(bench, token=WRITER, start=False, senders=1) as field:
        await field.accept(page(0), page(1, **{param: value}), page(2))
        await field.dispatcher.start()
        await field.empty()
        assert len(field.stored()) == 3
        assert 1 in sizes(field)
    async with delivering(bench) as field:
        await field.accept(page(3, **{param: value}))
        await field.until(lambda: scheduled(field, 1))
        (row,) = await field.rows()
        assert row.error == f"held: it sets {param} and no usable token"


async def test_a_matomo_that_wants_a_token_for_every_bulk_gets_it(bench: Bench) -> None:
    async with delivering(bench, token=WRITER, start=False) as field:
        await field.matomo.behave(Behaviour(require_token=True))
        await field.accept(*[page(number) for number in range(50)])
        await field.dispatcher.start()
        await field.empty()
        assert set(field.stored().values()) == {1}
        assert len(field.stored()) == 50


async def test_a_lock_out_stops_neither_ordinary_hits_nor_costs_old_ones_an_attempt(bench: Bench) -> None:
    async with delivering(bench, token=WRITER, start=False, senders=1) as field:
        for _ in range(30):
            field.matomo.accounts.count_wrong(time.time())
        await field.accept(*[old(number) for number in range(5)], *[page(number) for number in range(10, 40)])
        await field.dispatcher.start()
        await field.until(lambda: field.matomo.journal.stored == 30)
        await field.until(lambda: scheduled(field, 5))
        counts = await field.counts()
        assert (counts.rejected, counts.dead) == (0, 0)
        assert {row.attempts for row in await field.rows()} == {0}
        assert field.dispatcher.stats().token == "resting"


async def test_the_token_is_nowhere_even_when_matomo_echoes_it(
    bench: Bench, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    faults = ["echo", "echo"]

    def script(asked: Asked) -> str | None:
        return faults.pop() if faults else None

    caplog.set_level(0)
    async with delivering(bench, token=SUPER, start=False, senders=1) as field:
        field.matomo.script(script)
        await field.accept(*[old(number) for number in range(5)], page(9), page(10, idsite="9"))
        await field.dispatcher.start()
        await field.empty()
        assert not faults
        seen: list[Any] = [await field.counts(), await field.rows(), field.dispatcher.stats()]
        seen += [vars(each) for each in (field.dispatcher, field.dispatcher._shared.token_use)]
        if bench.client is not None:
            for key in await bench.client.keys("*"):
                seen += [key, await bench.client.dump(key)]
                if await bench.client.type(key) == b"hash":
                    seen.append(await bench.client.hgetall(key))
                elif await bench.client.type(key) == b"string":
                    seen.append(await bench.client.get(key))
        printed = capsys.readouterr()
        seen += [caplog.text, printed.out, printed.err]
    # The dispatcher's own attributes hold the factory that knows the token, never the token.
    assert SUPER not in repr(seen)


async def test_an_answer_that_repeats_the_token_leaves_it_in_no_record_and_no_reason(bench: Bench) -> None:
    moved = http(302, b"", f"Location: https://example.org/x?token_auth={SUPER}")
    warning = f"<br />Warning: {SUPER} in x.php<br />" + '{"status":"success","tracked":1,"invalid":0}'
    async with (
        answering(moved, http(200, warning.encode(), kind="text/html")) as server,
        delivering(
            bench, token=SUPER, poster=lambda _: TrackingClient(server.url, SUPER), start=False, senders=1
        ) as field,
    ):
        ids = await field.accept(old(1))
        await field.dispatcher.start()
        await field.until(lambda: field.dispatcher.stats().failed_posts == 1)
        assert "has moved to https://example.org/x?" in field.dispatcher.stats().last_error
        await field.empty()
        assert await bench.states(ids) == ["gone"]
        seen: list[Any] = [await field.counts(), field.dispatcher.stats()]
        if bench.client is not None:
            seen += [await bench.client.get(f"{RECORD_PREFIX}key-1"), await bench.client.hgetall(TAG + "ledger")]
            assert "Warning" in str(seen)
    assert SUPER.encode() in server.requests[0]
    assert SUPER not in repr(seen)


async def test_hits_that_need_the_token_do_not_overtake_those_of_their_visitor(bench: Bench) -> None:
    async with delivering(bench, start=False, token=WRITER) as field:
        needing: dict[str, str] = {"cip": "203.0.113.9"}
        hits = [page(at, visitor=at % 3, **(needing if at % 2 or at < 3 else {})) for at in range(24)]
        await field.accept(*hits)
        await field.dispatcher.start()
        await field.empty()
        order: dict[str, list[int]] = {}
        for hit in field.matomo.journal.hits:
            order.setdefault(hit.params["cid"], []).append(int(hit.params["url"].rpartition("/")[2]))
        assert sorted(map(len, order.values())) == [8, 8, 8]
        assert all(numbers == sorted(numbers) for numbers in order.values())


def test_visitors_of_one_kind_each_share_as_few_bulks_as_there_are_kinds() -> None:
    def made(number: int, reason: str, site: str = "1") -> Hit:
        return Hit(Claimed(f"{number}", b"", 0.0), "", {"cid": str(number % 10)}, site, reason)

    hits = [made(at, "it sets cip" if at % 10 < 4 else "", "2" if at % 10 < 2 else "1") for at in range(100)]
    assert [len(run) for run in runs_of(hits)] == [20, 20, 60]
    assert runs_of([]) == []
