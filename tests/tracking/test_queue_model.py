"""The same random operations on memory and on Redis: the same answers, ledger 0, each id in exactly one place.

Both run on the same time, so that they must choose alike. Whatever Redis alone can lose or hold is tested elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from msgspec.structs import replace

from opalmind_tui.errors import LeaseLost
from opalmind_tui.snapshot.model import Gate, GateKind, State
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tracking.ids import new_token
from opalmind_tui.tracking.queue import Adopted, Fate, LedgerShare, Settlement
from tests.tracking.conftest import client_of
from tests.tracking.queue_harness import ENDPOINT, Bench, hit, id_for, memory_bench, record_of, redis_queue, visitor_in

LIMITS = {"max_length": 25, "claim_shards": 2}
VISITORS = [visitor_in(shard) for shard in range(3)]
MATOMOS = [kind for kind in GateKind if kind is not GateKind.PAUSED]
NUMBERS = st.lists(st.integers(0, 11), min_size=1, max_size=5)
SAME = ("pending", "scheduled", "inflight", "dead", "accepted", "delivered", "rejected", "dropped", "purged", "retried",
        "recovered", "unknown", "late", "duplicates", "conflicts", "other_endpoints", "last_error", "last_status",
        "last_backoff", "trash", "rejected_kept", "unknown_waiting")  # fmt: skip


async def answer_or_loss(call: Awaitable[Any]) -> Any:
    """What a call answers, or that its claim is lost."""
    try:
        return await call
    except LeaseLost:
        return LeaseLost


THERE = [state for state in State if state is not State.DELIVERED]


class BothQueues(RuleBasedStateMachine):
    """Memory and Redis side by side."""

    server: LocalServer

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        client = client_of(self.server)
        self.redis = Bench("redis", redis_queue(client, **LIMITS), client=client)
        self.memory = memory_bench(**LIMITS)
        self.run(client.flushall())
        self.tokens: list[str] = []
        self.ids: list[str] = []
        self.shares = 0

    def run(self, call: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(call)

    def both(self, name: str, *arguments: Any, **named: Any) -> Any:
        """One call on both; the answers must agree."""
        here = self.run(answer_or_loss(getattr(self.memory.queue, name)(*arguments, **named)))
        there = self.run(answer_or_loss(getattr(self.redis.queue, name)(*arguments, **named)))
        if name == "enqueue":
            here, there = ([replace(answer, reason="") for answer in answers] for answers in (here, there))
        if name == "claim":
            here, there = _timeless(here), _timeless(there)
        if name == "mark_posted":
            here, there = (found.kind if isinstance(found, Gate) else found for found in (here, there))
        if name != "close_gate":
            assert here == there
        return there

    @initialize()
    def begin(self) -> None:
        self.both("open_gate", ENDPOINT)

    @rule(numbers=NUMBERS, payload=st.sampled_from(["", "other"]), keyed=st.booleans(), twice=st.booleans())
    def enqueue(self, numbers: list[int], payload: str, keyed: bool, twice: bool) -> None:
        requests = [
            hit(number, key=None if keyed else "", visitor=VISITORS[number % 3], payload=payload) for number in numbers
        ]
        ids = [id_for(request) for request in requests]
        self.ids += ids
        for _ in range(1 + twice):
            self.both("enqueue", ENDPOINT, requests, ids)

    @rule(limit=st.integers(1, 6), again=st.booleans(), posting=st.booleans())
    def claim(self, limit: int, again: bool, posting: bool) -> None:
        if not again or not self.tokens:
            self.tokens.append(new_token())
        self.both("claim", ENDPOINT, self.tokens[-1], limit=limit, lease=30, posting=posting)

    @rule(
        data=st.data(), fate=st.sampled_from(Fate), unknown=st.booleans(), alone=st.booleans(), held=st.booleans(),
        twice=st.booleans(),
    )  # fmt: skip
    def settle(self, data: st.DataObject, fate: Fate, unknown: bool, alone: bool, held: bool, twice: bool) -> None:
        token, claimed = self._claim(data)
        chosen = [request_id for request_id in claimed if data.draw(st.booleans())]
        reason = "held: no token" if held else "failure"
        bodies = {row.id: row.key for row in self.run(self.redis.queue.rows_of(chosen))}
        fates = [
            Settlement(
                request_id, fate, delay=100, status=503, error=f"{reason} {request_id}", unknown=unknown,
                alone=alone and fate is Fate.RETRY, token=alone and fate is Fate.DELIVERED,
                costs_attempt=not unknown, record=record_of(bodies[request_id]) if bodies.get(request_id) else None,
            )
            for request_id in chosen
        ]  # fmt: skip
        if fate is Fate.DELIVERED:
            fates = [replace(settlement, error="", status=None, unknown=False) for settlement in fates]
        for _ in range(1 + twice):
            if fates:
                self.both("settle", token, fates)

    def _claim(self, data: st.DataObject) -> tuple[str, list[str]]:
        """One of the claims, and what it may hold, also after its end."""
        if not self.tokens:
            return "", []
        token = data.draw(st.sampled_from(self.tokens[-4:]))
        return token, [request_id for request_id in self.ids if self._carries(request_id, token)]

    def _carries(self, request_id: str, token: str) -> bool:
        item = self.memory.queue._store.places.items.get(request_id)
        return item is not None and item.token in (token, *self.tokens[-2:])

    @rule(data=st.data(), name=st.sampled_from(["mark_posted", "extend", "release"]), twice=st.booleans())
    def go_on(self, data: st.DataObject, name: str, twice: bool) -> None:
        token, _ = self._claim(data)
        for _ in range(1 + twice):
            if name == "extend":
                self.both(name, [token], 30)
            else:
                self.both(name, token)

    @rule(seconds=st.sampled_from([10, 40, 200, 901]))
    def pass_time(self, seconds: int) -> None:
        self.run(self.memory.pass_seconds(seconds))
        self.run(self.redis.pass_seconds(seconds))

    @rule()
    def reap(self) -> None:
        self.both("reap")

    @rule()
    def reconcile(self) -> None:
        cursor = ""
        while cursor := self.run(self.redis.queue.reconcile(cursor)).cursor:
            pass

    @rule(
        data=st.data(), name=st.sampled_from(["retry", "purge", "purge for good", "restore"]),
        state=st.sampled_from(THERE), twice=st.booleans(),
    )  # fmt: skip
    def act(self, data: st.DataObject, name: str, state: State, twice: bool) -> None:
        """On what is there, in whatever state, and on one that may be gone long since."""
        ids, _ = self.run(self.redis.queue.ids(state))
        chosen = [request_id for request_id in ids if data.draw(st.booleans())][:3] + self.ids[:1]
        for _ in range(1 + twice):
            if name == "purge for good":
                self.both("purge", chosen, hard=True)
            else:
                self.both(name, chosen)

    @rule(number=st.integers(0, 11), state=st.sampled_from([*THERE, None]))
    def look(self, number: int, state: State | None) -> None:
        for name, arguments, named in (
            ("find", [f"key-{number}"], {}),
            ("rows", [], {"limit": 4, "state": state}),
            ("rows", [], {"limit": 4, "unknown_only": True}),
        ):
            found = [
                [_timeless_row(row) for row in self.run(getattr(bench.queue, name)(*arguments, **named))]
                for bench in (self.memory, self.redis)
            ]
            assert found[0] == found[1]
        self.both("ids", state, limit=50, unknown_only=True)

    @rule(kind=st.sampled_from(MATOMOS), seconds=st.sampled_from([5, 100]))
    def close_gate(self, kind: GateKind, seconds: int) -> None:
        self.both("close_gate", ENDPOINT, kind, seconds=seconds, reason="closed")

    @rule()
    def pause(self) -> None:
        for bench in (self.memory, self.redis):
            assert self.run(bench.queue.pause(ENDPOINT, by="kim", reason="a test")).kind is GateKind.PAUSED

    @rule(limited=st.booleans())
    def limit_rate(self, limited: bool) -> None:
        """So slow that the milliseconds between the two clocks decide nothing."""
        for bench in (self.memory, self.redis):
            rate = self.run(bench.queue.limit_rate(ENDPOINT, 0.013 if limited else None, by="bo", reason="a test"))
            assert (rate is not None) == limited

    @rule()
    def resume(self) -> None:
        self.both("resume", ENDPOINT, by="kim")

    @rule()
    def open_gate(self) -> None:
        self.both("open_gate", ENDPOINT)

    @rule(numbers=NUMBERS, payload=st.sampled_from(["", "other"]), dead=st.booleans(), twice=st.booleans())
    def adopt(self, numbers: list[int], payload: str, dead: bool, twice: bool) -> None:
        requests = [hit(number, visitor=VISITORS[number % 3], payload=payload) for number in dict.fromkeys(numbers)]
        ids = [id_for(request) for request in requests]
        self.ids += ids
        # Five seconds ago by the time of each: Redis has no clock of ours, its moments are moved instead.
        here, there = (
            [
                Adopted(request_id, request, ENDPOINT, now - 5 + at / 1000, attempts=1, error="503", dead=dead)
                for at, (request_id, request) in enumerate(zip(ids, requests, strict=True))
            ]
            for now in (self.memory.now(), self.redis.now())
        )
        for _ in range(1 + twice):
            assert self.run(self.memory.queue.adopt(here)) == self.run(self.redis.queue.adopt(there))

    @rule(again=st.booleans(), delivered=st.integers(0, 3), purged=st.integers(0, 3))
    def merge(self, again: bool, delivered: int, purged: int) -> None:
        self.shares += not again
        self.both("merge_ledger", LedgerShare(f"nonce-{self.shares}", delivered=delivered, purged=purged))

    @invariant()
    def agree(self) -> None:
        for bench in (self.memory, self.redis):
            self.run(bench.check())
        here, there = self.run(self.memory.counts()), self.run(self.redis.counts())
        assert {name: getattr(here, name) for name in SAME} == {name: getattr(there, name) for name in SAME}
        assert (here.oldest_accepted is None) == (there.oldest_accepted is None)
        assert (here.gate and here.gate.kind) == (there.gate and there.gate.kind)
        assert self.run(self.memory.all_ids()) == self.run(self.redis.all_ids())
        rows = [self.run(bench.queue.rows(limit=50)) for bench in (self.memory, self.redis)]
        assert [_timeless_row(row) for row in rows[0]] == [_timeless_row(row) for row in rows[1]]

    def teardown(self) -> None:
        assert self.redis.client is not None
        self.run(self.redis.client.aclose())
        self.loop.close()


def _timeless(claim: Any) -> Any:
    """Without what the two clocks tell, which differ by microseconds."""
    requests = tuple(replace(request, accepted=0.0) for request in claim.requests)
    gate = claim.gate and claim.gate.kind
    return requests, gate, claim.probe, claim.next_due is None


def _timeless_row(row: Any) -> Any:
    return replace(row, accepted=0.0, next_try=row.next_try and 1.0, failed_at=row.failed_at and 1.0)


def test_memory_and_redis_do_the_same(shared_server: LocalServer) -> None:
    machine = type("BothQueuesHere", (BothQueues,), {"server": shared_server})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck),
            database=None, print_blob=True,
        ),
    )  # fmt: skip
