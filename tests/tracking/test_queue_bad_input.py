"""Each call of a queue names the argument that it cannot use, and does nothing."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from opalmind_tui.errors import BadArgument
from opalmind_tui.snapshot.model import GateKind, State
from tests.tracking.queue_harness import ENDPOINT, Bench, hit, id_for

Call = Callable[[Any], Awaitable[Any]]
GOOD = id_for(hit(1))
BAD: list[tuple[str, str, Call]] = [
    ("an id that is too short", "ids", lambda q: q.enqueue(ENDPOINT, [hit(1)], ["short"])),
    ("an id that is no text", "ids", lambda q: q.enqueue(ENDPOINT, [hit(1)], [7])),
    ("an id of other letters", "ids", lambda q: q.enqueue(ENDPOINT, [hit(1)], ["AA0-aaaa*aaaaa"])),
    ("an id of foreign digits", "ids", lambda q: q.enqueue(ENDPOINT, [hit(1)], ["AA0aaaaaaaaaa\u0663"])),
    ("the second id is wrong", "ids", lambda q: q.enqueue(ENDPOINT, [hit(1), hit(2)], [GOOD, "x"])),
    ("fewer ids than requests", "ids", lambda q: q.enqueue(ENDPOINT, [hit(1), hit(2)], [GOOD])),
    ("more ids than requests", "ids", lambda q: q.enqueue(ENDPOINT, [hit(1)], [GOOD, GOOD])),
    ("no ids at all", "ids", lambda q: q.enqueue(ENDPOINT, [hit(1)], [])),
    ("one text for ids", "ids", lambda q: q.enqueue(ENDPOINT, [hit(1)] * 14, GOOD)),
    ("no endpoint", "endpoint", lambda q: q.enqueue("", [hit(1)])),
    ("no token", "token", lambda q: q.claim(ENDPOINT, "", limit=1, lease=30)),
    ("nothing wanted", "limit", lambda q: q.claim(ENDPOINT, "t", limit=0, lease=30)),
    ("less than nothing", "limit", lambda q: q.claim(ENDPOINT, "t", limit=-5, lease=30)),
    ("half a request", "limit", lambda q: q.claim(ENDPOINT, "t", limit=1.5, lease=30)),
    ("a lease in the past", "lease", lambda q: q.claim(ENDPOINT, "t", limit=1, lease=-1)),
    ("a lease without end", "lease", lambda q: q.claim(ENDPOINT, "t", limit=1, lease=math.inf)),
    ("a lease that is no number", "lease", lambda q: q.extend(["t"], math.nan)),
    ("a gate that is no number", "seconds", lambda q: q.close_gate(
        ENDPOINT, GateKind.BREAKER, seconds=math.nan, reason="503")),
    ("a gate of the past", "seconds", lambda q: q.close_gate(ENDPOINT, GateKind.BREAKER, seconds=-1, reason="503")),
    ("a pause as a gate", "kind", lambda q: q.close_gate(ENDPOINT, GateKind.PAUSED, seconds=1, reason="")),
    ("a foreign cursor", "after", lambda q: q.ids(State.PENDING, after="nonsense")),
    ("a cursor of two words", "after", lambda q: q.ids(State.PENDING, after="due:AA0 x")),
    ("an empty page", "limit", lambda q: q.ids(State.PENDING, limit=0)),
    ("a name that is not UTF-8", "by", lambda q: q.resume(ENDPOINT, by="kim\udcff")),
    ("a reason that is not UTF-8", "reason", lambda q: q.pause(ENDPOINT, by="kim", reason="\udcff")),
    ("a rate's reason that is not UTF-8", "reason", lambda q: q.limit_rate(ENDPOINT, 5, by="kim", reason="\ud800")),
    ("a bound that is no number", "since", lambda q: q.ids(State.DEAD, since=math.nan)),
    ("a bound without end", "until", lambda q: q.ids(State.DEAD, until=math.inf)),
]  # fmt: skip


@pytest.mark.parametrize(("field", "call"), [pytest.param(field, call, id=name) for name, field, call in BAD])
async def test_the_field_is_named_and_nothing_is_done(bench: Bench, field: str, call: Call) -> None:
    before = await bench.counts()
    with pytest.raises(BadArgument) as refused:
        await call(bench.queue)
    assert refused.value.field == field
    assert str(refused.value).startswith(f"{field}: accepts ") or field == "kind"
    after = await bench.counts()
    assert (after.accepted, after.pending, after.gate) == (before.accepted, 0, None)


@pytest.mark.parametrize("name", ["a\udcffb", "", "\x00", "-inf", "x" * 10_000])
async def test_what_is_no_id_is_no_request(bench: Bench, name: str) -> None:
    queue = bench.queue
    (known,) = await bench.accept(hit(1))
    assert [row.id for row in await queue.rows_of([name, known])] == [known]
    assert await queue.find(name) == ()
    assert (await queue.retry([name])).done == 0
    moved = await queue.purge([name, known])
    assert (moved.done, moved.skipped) == (1, 1)
    restored = await queue.restore([name, known])
    assert (restored.done, restored.skipped, restored.taken) == (1, 1, ())
    assert (await queue.purge([name], hard=True)).done == 0


async def test_the_cursor_of_a_page_is_accepted(bench: Bench) -> None:
    ids = await bench.accept(*[hit(number) for number in range(5)])
    found, after = await bench.queue.ids(State.PENDING, limit=2)
    while after:
        more, after = await bench.queue.ids(State.PENDING, after=after, limit=2)
        found += more
    assert sorted(found) == sorted(ids)
