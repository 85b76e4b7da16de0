"""Gates: closed endpoints, the single probe, and how they open."""

from __future__ import annotations

import math

import pytest

from opalmind_tui.errors import BadArgument
from opalmind_tui.snapshot.model import GateKind
from opalmind_tui.tracking.queue import Fate
from tests.tracking.queue_harness import ELSEWHERE, ENDPOINT, Bench, hit

PROBED = [GateKind.BREAKER, GateKind.RECORDING_OFF, GateKind.TOKEN]


async def close(bench: Bench, kind: GateKind, seconds: float = 60, failures: int = 0) -> None:
    gate = await bench.queue.close_gate(ENDPOINT, kind, seconds=seconds, reason="503 since 02:14", failures=failures)
    assert gate.kind is kind


@pytest.mark.parametrize("kind", [GateKind.COOLDOWN, *PROBED])
async def test_a_closed_gate_gives_nothing_and_says_why(bench: Bench, kind: GateKind) -> None:
    await bench.accept(hit(1))
    await bench.accept(hit(2), endpoint=ELSEWHERE)
    await close(bench, kind, failures=3)
    for _ in range(2):
        claim = await bench.claim()
        assert (claim.requests, claim.probe) == ((), False)
        assert claim.gate is not None
        assert (claim.gate.kind, claim.gate.reason, claim.gate.failures) == (kind, "503 since 02:14", 3)
    assert claim.next_due is not None
    assert (await bench.counts()).gate == claim.gate
    assert (await bench.counts(ELSEWHERE)).gate is None
    assert (await bench.claim(endpoint=ELSEWHERE)).requests


async def test_what_has_an_end_opens_by_itself(bench: Bench) -> None:
    await bench.accept(*[hit(number, visitor="one") for number in range(3)])
    await close(bench, GateKind.COOLDOWN)
    await bench.pass_seconds(61)
    assert (await bench.counts()).gate is None
    claim = await bench.claim()
    assert (len(claim.requests), claim.gate, claim.probe) == (3, None, False)


@pytest.mark.parametrize("kind", PROBED)
async def test_after_its_end_a_breaker_lets_one_probe_through(bench: Bench, kind: GateKind) -> None:
    await bench.accept(*[hit(number) for number in range(9)])
    await close(bench, kind)
    await bench.pass_seconds(61)
    probe = await bench.claim()
    assert (len(probe.requests), probe.probe) == (1, True)
    assert probe.gate is not None
    assert (await bench.counts()).gate == probe.gate
    for _ in range(3):
        other = await bench.claim()
        assert (other.requests, other.gate, other.probe) == ((), probe.gate, False)
    again = await bench.claim(token=probe.token)
    assert (again.requests, again.probe) == (probe.requests, True)
    await bench.settle_all(probe, Fate.DELIVERED)
    await bench.queue.open_gate(ENDPOINT)
    assert len((await bench.claim()).requests) > 1
    assert (await bench.counts()).gate is None


async def test_a_failed_probe_closes_the_gate_again_since_the_beginning(bench: Bench) -> None:
    await bench.accept(hit(1))
    await close(bench, GateKind.BREAKER)
    since = (await bench.claim()).gate
    await bench.pass_seconds(61)
    probe = await bench.claim()
    await close(bench, GateKind.BREAKER, failures=2)
    await bench.settle_all(probe, Fate.RETRY, costs_attempt=False)
    closed = await bench.claim()
    assert closed.requests == ()
    assert since is not None
    assert closed.gate is not None
    assert closed.gate.until > closed.gate.since + 110
    await bench.pass_seconds(61)
    assert (await bench.claim()).probe


@pytest.mark.parametrize("end", ["lost", "released"])
async def test_a_probe_that_comes_to_nothing_makes_room_for_another(bench: Bench, end: str) -> None:
    await bench.accept(hit(1))
    await close(bench, GateKind.BREAKER)
    await bench.pass_seconds(61)
    probe = await bench.claim(lease=30)
    if end == "released":
        await bench.queue.release(probe.token)
    else:
        await bench.pass_seconds(31)
        await bench.queue.reap()
    again = await bench.claim()
    assert (again.probe, len(again.requests)) == (True, 1)


async def test_with_nothing_due_there_is_no_probe(bench: Bench) -> None:
    await close(bench, GateKind.BREAKER)
    await bench.pass_seconds(61)
    claim = await bench.claim()
    assert (claim.requests, claim.probe) == ((), False)
    assert claim.gate is not None


async def test_a_gate_without_end(bench: Bench) -> None:
    await bench.accept(hit(1))
    await close(bench, GateKind.TOKEN, seconds=math.inf)
    await bench.pass_seconds(1_000_000)
    claim = await bench.claim()
    assert claim.gate is not None
    assert (claim.requests, claim.gate.until) == ((), math.inf)
    for _ in range(2):
        await bench.queue.open_gate(ENDPOINT)
    assert (await bench.claim()).requests


async def test_of_one_kind_the_longer_closing_wins(bench: Bench) -> None:
    for seconds in (600, 60):
        gate = await bench.queue.close_gate(ENDPOINT, GateKind.COOLDOWN, seconds=seconds, reason=f"{seconds}")
    assert gate.until > gate.since + 500
    assert gate.reason == "60"


async def test_another_kind_takes_its_place(bench: Bench) -> None:
    await close(bench, GateKind.COOLDOWN, seconds=600)
    await close(bench, GateKind.BREAKER)
    gate = (await bench.counts()).gate
    assert gate is not None
    assert gate.kind is GateKind.BREAKER


async def test_a_pause_is_no_gate(bench: Bench) -> None:
    with pytest.raises(BadArgument) as refused:
        await bench.queue.close_gate(ENDPOINT, GateKind.PAUSED, seconds=60, reason="")
    assert refused.value.field == "kind"


async def test_settling_goes_on_while_the_gate_is_closed(bench: Bench) -> None:
    await bench.accept(hit(1))
    claim = await bench.claim()
    await close(bench, GateKind.COOLDOWN)
    assert (await bench.settle_all(claim, Fate.DELIVERED)).done == 1


@pytest.mark.parametrize("value", [b"true", b"{}", b"{", b'{"kind":"weird"}', b'{"kind":7}', b"\xff"])
async def test_a_foreign_gate_closes_nothing(redis_bench: Bench, value: bytes) -> None:
    assert redis_bench.client is not None
    (request_id,) = await redis_bench.accept(hit(1))
    await redis_bench.client.hset("opalmind:queue:{q}:gate", request_id[:2], value)
    assert (await redis_bench.counts()).gate is None
    assert (await redis_bench.claim()).requests
