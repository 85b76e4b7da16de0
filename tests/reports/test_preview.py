"""The prediction of a time to live against the truth: whole traces with known answers."""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections.abc import Callable
from functools import cache
from itertools import accumulate

import pytest
from msgspec.structs import replace

from opalmind_tui.reports.preview.predict import NotEnough, Prediction, predict
from opalmind_tui.reports.preview.sample import Access, Sample, hash_of, is_sampled

KEYS = 400
HOURS = 3600
POINTS = 0.05
PRESENT = 60.0


def zipf_keys(chance: random.Random, number: int, skew: float) -> list[int]:
    """Keys drawn by Zipf's law, as hashes. Which key is the hottest differs from trace to trace."""
    names = [hash_of(f"{chance.random()}") for _ in range(KEYS)]
    bounds = list(accumulate(1 / rank**skew for rank in range(1, KEYS + 1)))
    return [names[bisect_left(bounds, chance.random() * bounds[-1])] for _ in range(number)]


@cache
def steady(seed: int, skew: float = 0.9, hours: float = 4, per_second: float = 1.5) -> list[Access]:
    """Look-ups at a steady rate."""
    chance = random.Random(seed)
    number = int(hours * HOURS * per_second)
    times = sorted(chance.uniform(0, hours * HOURS) for _ in range(number))
    return [Access(at, key, 2000) for at, key in zip(times, zipf_keys(chance, number, skew), strict=True)]


@cache
def diurnal(seed: int, skew: float = 0.9, days: float = 1.5, most: float = 0.5) -> list[Access]:
    """Look-ups that follow the day: few at night, many at noon."""
    chance = random.Random(seed)
    times: list[float] = []
    at = 0.0
    while at < days * 86_400:
        at += chance.expovariate(most)
        if chance.random() < 0.55 - 0.45 * math.cos(2 * math.pi * at / 86_400):
            times.append(at)
    return [Access(at, key, 2000) for at, key in zip(times, zipf_keys(chance, len(times), skew), strict=True)]


def truth(trace: list[Access], ttl: float) -> float:
    """The hit rate of a cache that saw the whole trace, once it was warm. Counted in the plainest way there is."""
    until: dict[int, float] = {}
    hits = lookups = 0
    for access in trace:
        hit = access.at < until.get(access.key, -1)
        if not hit:
            until[access.key] = access.at + ttl
        if access.at >= ttl:
            hits, lookups = hits + hit, lookups + 1
    return hits / lookups


def missed(trace: list[Access], ttl: float) -> int:
    """What counters would have counted with this time to live."""
    until: dict[int, float] = {}
    found = 0
    for access in trace:
        if access.at >= until.get(access.key, -1):
            until[access.key], found = access.at + ttl, found + 1
    return found


def sample_of(trace: list[Access], rate: float) -> Sample:
    """What of the trace would have been sampled."""
    kept = [access for access in trace if is_sampled(access.key, rate)]
    return Sample(kept, rate, 0.0, trace[-1].at, len(trace), missed(trace, PRESENT))


@pytest.mark.parametrize("ttl", [30, 60, 300, 900, 3600])
@pytest.mark.parametrize("rate", [1.0, 0.5, 0.25])
@pytest.mark.parametrize("make", [steady, diurnal])
def test_within_five_points(make: Callable[[int], list[Access]], rate: float, ttl: float) -> None:
    for seed in range(3):
        trace = make(seed)
        found = predict(sample_of(trace, rate), ttl, PRESENT)
        assert isinstance(found, Prediction)
        known = truth(trace, ttl)
        assert abs(found.hit_rate - known) <= POINTS, (seed, found, known)


def test_the_interval_holds_the_truth_in_about_nine_of_ten_cases() -> None:
    cases = [(make(seed), rate, ttl) for make in (steady, diurnal) for seed in range(3) for rate in (0.5, 0.25)
             for ttl in (30, 300, 900, 3600)]  # fmt: skip
    inside = 0
    for trace, rate, ttl in cases:
        found = _prediction(sample_of(trace, rate), ttl)
        inside += abs(found.hit_rate - truth(trace, ttl)) <= found.margin
    assert inside >= 0.85 * len(cases), (inside, len(cases))


@pytest.mark.parametrize("rate", [0.5, 0.25])
def test_without_the_count_of_misses_the_number_of_look_ups_corrects(rate: float) -> None:
    trace = steady(3)
    plain = replace(sample_of(trace, rate), missed=None, total=None)
    corrected = replace(plain, total=len(trace))
    known = truth(trace, 300)
    errors = [abs(_prediction(sample, 300).hit_rate - known) for sample in (corrected, plain)]
    assert errors[0] < errors[1]
    assert errors[0] <= POINTS


def _prediction(sample: Sample, ttl: float) -> Prediction:
    found = predict(sample, ttl, PRESENT)
    assert isinstance(found, Prediction)
    return found


def test_requests_entries_and_memory_of_a_trace_that_one_can_count_by_hand() -> None:
    # Ten reports, each asked for every 10 s: with 35 s the first of four look-ups fetches, so every 40 s.
    trace = [Access(float(at), key, 500) for at in range(0, 4000, 10) for key in range(10)]
    found = _prediction(Sample(trace, 1.0, 0.0, 4000.0, len(trace)), 35)
    assert found.hit_rate == pytest.approx(0.75, abs=0.01)
    assert found.requests_per_hour == pytest.approx(10 * 3600 / 40, rel=0.02)
    assert found.entries == pytest.approx(10 * 35 / 40, rel=0.02)
    assert found.memory == pytest.approx(500 * 10 * 35 / 40, rel=0.02)


def test_entries_that_a_shorter_time_to_live_ends_at_once() -> None:
    trace = [Access(float(at), at % 100) for at in range(4000)]
    sample = Sample(trace, 1.0, 0.0, 4000.0, len(trace))
    found = predict(sample, 20, 60)
    assert isinstance(found, Prediction)
    # Of the 60 that live, those fetched more than 20 s ago.
    assert found.expiring == pytest.approx(40, abs=1)
    longer = predict(sample, 120, 60)
    assert isinstance(longer, Prediction)
    assert longer.expiring == 0


@pytest.mark.parametrize(
    ("trace", "ttl", "word"),
    [
        ([], 60, "0 s are known"),
        ([Access(float(at), 1) for at in range(100)], 60, "are needed"),
        ([Access(at * 10.0, 1) for at in range(100)], 60, "200 are needed"),
    ],
)
def test_too_little_is_said_to_be_too_little(trace: list[Access], ttl: float, word: str) -> None:
    ends = trace[-1].at if trace else 0.0
    found = predict(Sample(trace, 1.0, 0.0, ends, len(trace)), ttl, PRESENT)
    assert isinstance(found, NotEnough)
    assert word in found.reason


def test_the_hash_spreads_keys_evenly() -> None:
    sampled = sum(is_sampled(hash_of(f"key {number}"), 0.25) for number in range(4000))
    assert 900 < sampled < 1100
