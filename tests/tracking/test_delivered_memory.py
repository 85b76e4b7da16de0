"""What a process has finished is remembered exactly, and in little room."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalmind_tui.tracking.delivered_memory import DeliveredMemory
from opalmind_tui.tracking.ids import new_id
from opalmind_tui.tracking.prepare import Delivery
from opalmind_tui.tracking.queue import Fate

TALLY = '{"status":"success","tracked":1,"invalid":0}'


def delivery(at: float = 1_795_000_000.25, body: str = TALLY, fate: Fate = Fate.DELIVERED) -> Delivery:
    return Delivery(fate, 200, body, at)


@given(st.lists(st.integers(0, 60), max_size=300), st.integers(1, 40))
def test_the_newest_are_found_and_nothing_else(numbers: list[int], limit: int) -> None:
    memory = DeliveredMemory(limit)
    names = [f"aaA{number:011d}" for number in range(61)]
    newest: dict[str, float] = {}
    for at, number in enumerate(numbers):
        memory.remember([names[number]], delivery(float(at)))
        newest.pop(names[number], None)
        newest[names[number]] = float(at)
    must = {names[number] for number in numbers[-limit:]}
    found = memory.find(names)
    assert [found[name].at for name in must] == [newest[name] for name in must]
    for name in found:
        assert found[name].at == newest[name]
    assert memory.find([]) == {}


@given(st.lists(st.lists(st.integers(0, 90), max_size=30), max_size=20), st.integers(4, 40))
def test_many_at_once_are_remembered_as_one_after_the_other(bulks: list[list[int]], limit: int) -> None:
    together, single = DeliveredMemory(limit), DeliveredMemory(limit)
    names = [f"aaA{number:011d}" for number in range(91)]
    for at, bulk in enumerate(bulks):
        ids = list(dict.fromkeys(names[number] for number in bulk))
        together.remember(ids, delivery(float(at)))
        for name in ids:
            single.remember([name], delivery(float(at)))
    assert together.find(names) == single.find(names)


def test_what_became_of_each_is_kept_but_an_endless_number_of_different_answers() -> None:
    memory = DeliveredMemory(10_000)
    ids = [new_id("aa", "v") for _ in range(3000)]
    for at, request_id in enumerate(ids):
        fate = Fate.REJECTED if at % 2 else Fate.DELIVERED
        memory.remember([request_id], delivery(body=f"{at} " + "x" * 100_000, fate=fate))
    everything = memory.find(ids)
    found = everything[ids[10]]
    assert (found.body[:4], found.at, found.status) == ("10 x", 1_795_000_000.0, 200)
    for at, request_id in enumerate(ids):
        assert everything[request_id].fate is (Fate.REJECTED if at % 2 else Fate.DELIVERED)


@pytest.mark.parametrize("bodies", [1, 40_000])
def test_it_stays_small_however_much_goes_by(bodies: int) -> None:
    memory = DeliveredMemory(20_000)
    tracemalloc.start()
    try:
        for at in range(0, 40_000, 10):
            ids = [f"aaA{number:011d}" for number in range(at, at + 10)]
            memory.remember(ids, delivery(float(at), body=f"{at % bodies} {TALLY}"))
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size < 3_000_000
    assert memory.find([f"aaA{20_000:011d}"])
