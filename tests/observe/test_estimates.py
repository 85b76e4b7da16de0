"""The intervals hold what they promise, also where the server draws unevenly and sizes have a long tail."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalmind_tui.observe.estimates import Z95, keys, mean, memory, share
from opalmind_tui.observe.looks import Look
from opalmind_tui.observe.survey import PREFIXES, Survey

TRIALS = 400
ENOUGH = 0.93
"""Of 100 trials; 400 keep chance from deciding."""
Size = Callable[[random.Random], int]
SIZES: dict[str, Size] = {
    "all alike": lambda rng: 2_000,
    "spread": lambda rng: round(rng.lognormvariate(7, 1)),
    "long tail": lambda rng: round(1_000 * rng.paretovariate(2.2)),
    "two kinds": lambda rng: 100 if rng.random() < 0.8 else 20_000,
}


def table(rng: random.Random, size: Size, count: int = 4_000) -> tuple[list[Look], list[float]]:
    """Keys of all classes in a table of chains, with the chance of each: a bucket is drawn, then one of its chain."""
    buckets: dict[int, list[Look]] = {}
    looks = []
    for number in range(count):
        name = rng.choices(PREFIXES, (60, 25, 10, 1, 4))[0]
        look = Look(b"%d" % number, (name, ""), size(rng), None, None)
        looks.append(look)
        buckets.setdefault(rng.randrange(4_096), []).append(look)
    chance = {look.name: 1 / len(chain) for chain in buckets.values() for look in chain}
    return looks, list(accumulate(chance[look.name] for look in looks))


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_intervals_cover_the_truth(size: Size) -> None:
    rng = random.Random(4)
    looks, chances = table(rng, size)
    covered = {name: [0, 0] for name in PREFIXES}
    for _ in range(TRIALS):
        drawn = rng.choices(looks, cum_weights=chances, k=200)
        for group in Survey(len(looks), drawn).census().prefixes:
            own = [look.size or 0 for look in looks if look.place[0] == group.name]
            covered[group.name][0] += group.keys.low <= len(own) <= group.keys.high
            assert group.memory is not None
            covered[group.name][1] += group.memory.low <= sum(own) <= group.memory.high
    for name, counts in covered.items():
        assert min(counts) >= ENOUGH * TRIALS, (name, counts)


def test_intervals_are_worth_something() -> None:
    found = keys(50, 200, 1_000_000)
    assert 170_000 < found.low < 250_000 == found.value < found.high < 330_000
    sizes = [1_000.0 + number % 7 for number in range(50)]
    taken = memory(sizes, found, 50, 200, 1_000_000)
    assert 0.6 * taken.value < taken.low < taken.value < taken.high < 1.5 * taken.value


def test_what_never_came_up_may_still_be_there() -> None:
    found = keys(0, 200, 1_000_000)
    assert (found.value, found.low) == (0, 0)
    assert 15_000 < found.high < 30_000
    assert keys(200, 200, 1_000_000).high == 1_000_000
    assert keys(0, 0, 500).high == 500
    assert keys(0, 0, 0).exact


def test_few_sizes_say_nothing_of_the_largest() -> None:
    assert mean([100.0] * 5, Z95)[2] == math.inf
    assert mean([], Z95) == (0.0, 0.0, math.inf)
    assert mean([100.0] * 40, Z95) == (100.0, 100.0, 100.0)


@given(st.lists(st.integers(1, 10**12).map(float), max_size=60))
def test_any_sizes_give_an_interval_around_their_mean(values: list[float]) -> None:
    middle, low, high = mean(values, Z95)
    assert 0 <= low <= middle * (1 + 1e-9)
    assert high >= middle


@given(st.integers(1, 2_000).flatmap(lambda draws: st.tuples(st.integers(0, draws), st.just(draws))))
def test_any_share_lies_within_its_bounds(found: tuple[int, int]) -> None:
    hits, draws = found
    low, high = share(hits, draws)
    assert 0 <= low <= hits / draws <= high <= 1
