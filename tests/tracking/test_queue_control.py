"""Pause, resume and rate: what operators ask of delivery, for all processes on one store."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest

from opalmind_tui.errors import BadArgument, LeaseLost
from opalmind_tui.snapshot.model import Control, GateKind
from opalmind_tui.tracking.ids import new_token
from opalmind_tui.tracking.queue import Fate, Settlement
from tests.tracking.queue_harness import ELSEWHERE, ENDPOINT, TAG, Bench, hit, redis_queue, visitor_in


async def pause(bench: Bench, seconds: float | None = None, reason: str = "Matomo is upgraded") -> None:
    gate = await bench.queue.pause(ENDPOINT, by="kim", reason=reason, seconds=seconds)
    assert (gate.kind, gate.reason) == (GateKind.PAUSED, f"kim: {reason}")


async def limit(bench: Bench, per_second: float | None) -> None:
    await bench.queue.limit_rate(ENDPOINT, per_second, by="bo", reason="gently")


async def fill(bench: Bench, number: int) -> None:
    await bench.accept(*[hit(at, visitor=visitor_in(at % 4, at)) for at in range(number)])


# -- pause -------------------------------------------------------------------------------------------------------


async def test_a_pause_gives_nothing_and_says_who_and_why_and_since_when(bench: Bench) -> None:
    await bench.accept(hit(1))
    await bench.accept(hit(2), endpoint=ELSEWHERE)
    before = bench.now()
    await pause(bench)
    claim = await bench.claim()
    assert claim.requests == ()
    assert claim.gate is not None
    assert (claim.gate.kind, claim.gate.until) == (GateKind.PAUSED, math.inf)
    control = (await bench.counts()).control
    assert control == claim.control == await bench.queue.control(ENDPOINT)
    assert control.paused is not None
    assert (control.paused.by, control.paused.reason, control.paused.until) == ("kim", "Matomo is upgraded", math.inf)
    assert control.paused.since == pytest.approx(before, abs=5)
    assert (await bench.claim(endpoint=ELSEWHERE)).requests
    assert (await bench.counts(ELSEWHERE)).control == Control()


async def test_resume_goes_on_and_says_whether_there_was_a_pause(bench: Bench) -> None:
    await bench.accept(hit(1))
    assert not await bench.queue.resume(ENDPOINT, by="kim")
    await pause(bench)
    assert await bench.queue.resume(ENDPOINT, by="bo")
    assert not await bench.queue.resume(ENDPOINT, by="bo")
    assert (await bench.counts()).control == Control()
    assert (await bench.claim()).requests


async def test_a_pause_with_an_end_ends_by_itself(bench: Bench) -> None:
    await bench.accept(hit(1))
    await pause(bench, seconds=60)
    await bench.pass_seconds(59)
    assert (await bench.claim()).requests == ()
    await bench.pass_seconds(2)
    assert (await bench.counts()).control == Control()
    assert (await bench.claim()).requests
    assert not await bench.queue.resume(ENDPOINT, by="kim")


async def test_the_newest_pause_takes_the_place_of_an_older_one(bench: Bench) -> None:
    await pause(bench)
    gate = await bench.queue.pause(ENDPOINT, by="bo", reason="", seconds=60)
    assert (gate.reason, gate.until < math.inf) == ("bo", True)
    found = (await bench.counts()).control.paused
    assert found is not None
    assert (found.by, found.gate) == ("bo", gate)


async def test_pause_and_gate_stand_side_by_side(bench: Bench) -> None:
    await bench.accept(hit(1))
    await bench.queue.close_gate(ENDPOINT, GateKind.BREAKER, seconds=600, reason="503")
    await pause(bench)
    counts = await bench.counts()
    assert counts.gate is not None
    assert (counts.gate.kind, counts.control.paused is not None) == (GateKind.BREAKER, True)
    claim = await bench.claim()
    assert claim.gate is not None
    assert claim.gate.kind is GateKind.PAUSED
    await bench.queue.open_gate(ENDPOINT)
    assert (await bench.claim()).requests == ()
    await bench.queue.close_gate(ENDPOINT, GateKind.BREAKER, seconds=600, reason="503")
    await bench.queue.resume(ENDPOINT, by="kim")
    claim = await bench.claim()
    assert claim.gate is not None
    assert (claim.requests, claim.gate.kind) == ((), GateKind.BREAKER)


async def test_what_was_claimed_before_the_pause_is_not_posted_any_more(bench: Bench) -> None:
    await fill(bench, 3)
    claim = await bench.claim()
    await pause(bench)
    gate = await bench.queue.mark_posted(claim.token)
    assert gate is not None
    assert gate.kind is GateKind.PAUSED
    # Not marked: it can be given back.
    assert await bench.queue.release(claim.token) == 3
    assert (await bench.counts()).pending == 3


async def test_posts_under_way_finish(bench: Bench) -> None:
    await fill(bench, 3)
    claim = await bench.claim()
    assert await bench.queue.mark_posted(claim.token) is None
    await pause(bench)
    assert await bench.queue.mark_posted(claim.token) is not None
    assert await bench.queue.release(claim.token) == 0
    assert (await bench.settle_all(claim, Fate.DELIVERED)).done == 3


async def test_an_unknown_claim_is_not_marked(bench: Bench) -> None:
    await pause(bench)
    with pytest.raises(LeaseLost):
        await bench.queue.mark_posted(new_token())


# -- rate --------------------------------------------------------------------------------------------------------


async def test_a_rate_gives_one_hit_at_once_and_a_second_worth_at_most(bench: Bench) -> None:
    await fill(bench, 60)
    await limit(bench, 10)
    claim = await bench.claim()
    assert len(claim.requests) == 1
    assert claim.control.rate is not None
    assert (claim.control.rate.by, claim.control.rate.reason, claim.control.rate.per_second) == ("bo", "gently", 10)
    assert (await bench.counts()).control == claim.control
    await bench.pass_seconds(3600)
    assert len((await bench.claim()).requests) == 10
    await bench.pass_seconds(0.5)
    assert len((await bench.claim()).requests) == 5
    assert len((await bench.claim()).requests) == 0


async def test_a_claim_without_free_hits_says_when_the_next_one_is(bench: Bench) -> None:
    await fill(bench, 60)
    await limit(bench, 0.1)
    assert len((await bench.claim()).requests) == 1
    claim = await bench.claim()
    assert (claim.requests, claim.gate) == ((), None)
    assert claim.next_due == pytest.approx(bench.now() + 10, abs=1)


async def test_less_than_one_a_second(bench: Bench) -> None:
    await fill(bench, 60)
    await limit(bench, 0.05)
    given = 0
    for _ in range(50):
        given += len((await bench.claim()).requests)
        await bench.pass_seconds(2)
    assert given == 5
    await bench.pass_seconds(3600)
    assert len((await bench.claim()).requests) == 1


async def test_over_time_the_rate_is_kept_to_and_workers_share_it_fairly(bench: Bench) -> None:
    queues = [bench.queue, bench.queue if bench.client is None else redis_queue(bench.client)]
    await fill(bench, 400)
    await limit(bench, 10)
    given = [0, 0]
    began, passed = time.time(), 0.0
    for step in range(100):
        claim = await queues[step % 2].claim(ENDPOINT, new_token(), limit=200, lease=60)
        given[step % 2] += len(claim.requests)
        await bench.settle_all(claim, Fate.DELIVERED)
        await bench.pass_seconds(0.25)
        passed += 0.25
    assert sum(given) == pytest.approx(10 * (passed + time.time() - began), abs=5)
    assert abs(given[0] - given[1]) <= sum(given) / 5


async def test_what_is_released_gives_its_hits_back(bench: Bench) -> None:
    await fill(bench, 60)
    await limit(bench, 10)
    await bench.pass_seconds(5)
    claim = await bench.claim()
    assert len(claim.requests) == 10
    assert await bench.queue.release(claim.token) == 10
    again = await bench.claim()
    assert 10 <= len(again.requests) <= 11


@pytest.mark.parametrize(
    ("fate", "more", "back"),
    [
        (Fate.UNSENT, {}, True),
        (Fate.RETRY, {"unposted": True, "error": "held: over 24 h old and no usable token", "delay": 900.0}, True),
        (Fate.DEAD, {"unposted": True, "error": "its stored bytes are no request"}, True),
        (Fate.DELIVERED, {"unposted": True}, True),
        (Fate.DELIVERED, {}, False),
        (Fate.RETRY, {"error": "503", "delay": 900.0}, False),
    ],
)
async def test_what_was_not_posted_gives_its_hits_back(
    bench: Bench, fate: Fate, more: dict[str, Any], back: bool
) -> None:
    await fill(bench, 60)
    await limit(bench, 0.1)
    await bench.pass_seconds(3600)
    claim = await bench.claim()
    assert len(claim.requests) == 1
    await bench.queue.mark_posted(claim.token)
    (request,) = claim.requests
    await bench.queue.settle(claim.token, [Settlement(request.id, fate, **more)])
    # Once: a repeat finds nothing of it any more.
    await bench.queue.settle(claim.token, [Settlement(request.id, fate, **more)])
    assert len((await bench.claim()).requests) == int(back)
    assert len((await bench.claim()).requests) == 0


async def test_a_repeated_claim_costs_no_hits_again(bench: Bench) -> None:
    await fill(bench, 60)
    await limit(bench, 10)
    await bench.pass_seconds(5)
    claim = await bench.claim(limit=4)
    assert (await bench.claim(limit=4, token=claim.token)).requests == claim.requests
    assert 6 <= len((await bench.claim()).requests) <= 7


async def test_a_probe_needs_a_free_hit_too(bench: Bench) -> None:
    await fill(bench, 5)
    await limit(bench, 0.01)
    assert len((await bench.claim()).requests) == 1
    await bench.queue.close_gate(ENDPOINT, GateKind.BREAKER, seconds=1, reason="503")
    await bench.pass_seconds(2)
    claim = await bench.claim()
    assert (claim.requests, claim.probe) == ((), False)
    await bench.pass_seconds(100)
    claim = await bench.claim()
    assert (len(claim.requests), claim.probe) == (1, True)


async def test_a_rate_is_changed_and_lifted_at_run_time(bench: Bench) -> None:
    await fill(bench, 60)
    await limit(bench, 1)
    claim = await bench.claim()
    assert len(claim.requests) == 1
    await bench.settle_all(claim, Fate.DELIVERED)
    rate = await bench.queue.limit_rate(ENDPOINT, 1000, by="bo", reason="faster")
    assert rate is not None
    assert (rate.per_second, rate.reason) == (1000, "faster")
    await bench.pass_seconds(0.02)
    claim = await bench.claim()
    assert len(claim.requests) >= 20
    await bench.settle_all(claim, Fate.DELIVERED)
    assert await bench.queue.limit_rate(ENDPOINT, None, by="bo", reason="well again") is None
    assert (await bench.counts()).control == Control()
    await bench.claim()
    assert (await bench.counts()).pending == 0


async def test_a_very_high_rate_limits_nothing(bench: Bench) -> None:
    await fill(bench, 300)
    await limit(bench, 1_000_000)
    await bench.pass_seconds(1)
    assert len((await bench.claim(limit=300)).requests) == 300


# -- bad input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments", "field"),
    [
        ("pause", {"by": "", "reason": ""}, "by"),
        ("pause", {"by": "k" * 101, "reason": ""}, "by"),
        ("pause", {"by": None, "reason": ""}, "by"),
        ("pause", {"by": "kim", "reason": "r" * 301}, "reason"),
        ("pause", {"by": "kim", "reason": "", "seconds": 0}, "seconds"),
        ("pause", {"by": "kim", "reason": "", "seconds": -1.0}, "seconds"),
        ("pause", {"by": "kim", "reason": "", "seconds": math.inf}, "seconds"),
        ("pause", {"by": "kim", "reason": "", "seconds": math.nan}, "seconds"),
        ("pause", {"by": "kim", "reason": "", "seconds": "60"}, "seconds"),
        ("pause", {"by": "kim", "reason": "", "seconds": 1e9}, "seconds"),
        ("resume", {"by": ""}, "by"),
        ("limit_rate", {"per_second": 0, "by": "kim", "reason": ""}, "per_second"),
        ("limit_rate", {"per_second": -5, "by": "kim", "reason": ""}, "per_second"),
        ("limit_rate", {"per_second": math.nan, "by": "kim", "reason": ""}, "per_second"),
        ("limit_rate", {"per_second": math.inf, "by": "kim", "reason": ""}, "per_second"),
        ("limit_rate", {"per_second": True, "by": "kim", "reason": ""}, "per_second"),
        ("limit_rate", {"per_second": 1e7, "by": "kim", "reason": ""}, "per_second"),
        ("limit_rate", {"per_second": 1.0, "by": "kim", "reason": 7}, "reason"),
    ],
)
async def test_bad_input_is_refused_by_name_and_changes_nothing(
    bench: Bench, name: str, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadArgument) as refused:
        await getattr(bench.queue, name)(ENDPOINT, **arguments)
    assert refused.value.field == field
    assert (await bench.counts()).control == Control()


async def test_any_text_is_kept_as_it_is(bench: Bench) -> None:
    await bench.queue.pause(ENDPOINT, by='k"i\x1b[2J', reason="\u202e</b>\n\\u0000 \x00 ä")
    found = (await bench.counts()).control.paused
    assert found is not None
    assert (found.by, found.reason) == ('k"i\x1b[2J', "\u202e</b>\n\\u0000 \x00 ä")


@pytest.mark.parametrize(
    "value",
    [
        b"true", b"{}", b"{", b"[1]", b'{"since":7}', b'{"since":"x","until":"y"}', b'{"ended":true,"since":"1"}',
        b"\xff", b'{"since":"1","until":"2"}', b'{"from":"1","per_second":0}', b'{"from":"1","per_second":"3"}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["pause", "rate"])
async def test_foreign_control_stops_nothing(redis_bench: Bench, value: bytes, name: str) -> None:
    (request_id,) = await redis_bench.accept(hit(1))
    await redis_bench.client.hset(TAG + "control", f"{request_id[:2]}:{name}", value)
    assert (await redis_bench.counts()).control == Control()
    assert (await redis_bench.claim()).requests
    await pause(redis_bench)
    await limit(redis_bench, 5)
    control = (await redis_bench.counts()).control
    assert (control.paused is not None, control.rate is not None) == (True, True)
