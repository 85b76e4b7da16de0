"""The prediction: hit rate, requests to Matomo and memory at a time to live, with how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from opalmind_tui.reports.preview.replay import Replay, replay
from opalmind_tui.reports.preview.sample import Sample

CANDIDATES = (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400)
"""Times to live that a chart shows, in seconds."""
FEWEST_LOOKUPS = 200
"""Look-ups in the counted time below which nothing is said."""
SHORTEST_COUNT = 60.0
"""Seconds that must be left to count after the cache is warm."""
FEWEST_MISSES = 30
"""Misses counted today below which they correct nothing."""
T_95 = 2.13
"""Half the width of a 95 % interval in standard errors, where these come from sixteen groups."""


class Prediction(Struct, frozen=True):
    """What a time to live would do, if the look-ups go on as in the sample.

    Args:
        ttl: seconds.
        hit_rate: 0 to 1.
        margin: half the width of an interval that holds the true hit rate in about nine of ten cases.
        requests_per_hour: fetches from Matomo.
        entries: how many there would be on average.
        memory: bytes that those would take.
        expiring: entries there now that would be too old at once.
        lookups: how many look-ups the prediction rests on.
        seconds: how much time they cover.
    """

    ttl: float
    hit_rate: float
    margin: float
    requests_per_hour: float
    entries: float
    memory: float
    expiring: int
    lookups: int
    seconds: float


class NotEnough(Struct, frozen=True):
    """Why nothing can be said of a time to live."""

    ttl: float
    reason: str


def predict(sample: Sample, ttl: float, present: float) -> Prediction | NotEnough:
    """What `ttl` seconds would do, where `present` seconds are in force. Milliseconds for ten thousand look-ups."""
    # As long as one time to live lasts the cache of the replay is colder than a real one: that is not counted.
    begins = sample.begins + ttl
    seconds = sample.ends - begins
    if seconds < max(SHORTEST_COUNT, ttl / 2):
        covered = max(0.0, sample.ends - sample.begins)
        return NotEnough(ttl, f"look-ups of {covered:.0f} s are known, and {max(ttl * 1.5, ttl + 60):.0f} s are needed")
    then = replay(sample.accesses, ttl, begins, sample.ends)
    if then.lookups < FEWEST_LOOKUPS:
        return NotEnough(ttl, f"{then.lookups} look-ups are known, and {FEWEST_LOOKUPS} are needed")
    today = replay(sample.accesses, present, sample.begins, sample.ends)
    miss_rate = _miss_rate(sample, then, today)
    return Prediction(
        ttl=ttl,
        hit_rate=1 - min(1.0, miss_rate),
        margin=min(1.0, T_95 * math.sqrt(_of_keys(sample, then, today) * (1 - sample.rate) + _of_time(then))),
        requests_per_hour=then.misses / sample.rate / seconds * 3600,
        entries=then.entry_seconds / seconds / sample.rate,
        memory=then.byte_seconds / seconds / sample.rate,
        expiring=_expiring(sample, today, ttl, present),
        lookups=then.lookups,
        seconds=seconds,
    )


def _miss_rate(sample: Sample, then: Replay, today: Replay, without: int | None = None) -> float:
    """The share of misses, corrected for the hottest keys; `without` leaves a group of keys out.

    It is they that make the difference, whether they are in the sample or not, and these hit whatever the time to
    live. So one factor holds for all: the one that makes today's prediction what was counted today. Without that
    count, the share of look-ups that the sample should hold and does not (SHARDS-adj).
    """
    lookups, misses = then.counted(without)
    rate = misses / max(1, lookups)
    if sample.rate >= 1 or not sample.total:
        return rate
    now_lookups, now_misses = today.counted(without)
    if sample.missed is not None and min(sample.missed, now_misses) >= FEWEST_MISSES:
        return rate * sample.missed / sample.total * now_lookups / now_misses
    return rate * sum(access.times for access in sample.accesses) / (sample.rate * sample.total)


def _of_keys(sample: Sample, then: Replay, today: Replay) -> float:
    """Variance of the miss rate that comes from which keys are in the sample (jackknife over groups of keys)."""
    groups = [group for group, (lookups, _) in enumerate(then.by_group) if lookups]
    if len(groups) < 2:
        return 0.25
    rates = [_miss_rate(sample, then, today, group) for group in groups]
    return (len(groups) - 1) / len(groups) * _squares(rates)


def _squares(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values)


def _of_time(then: Replay) -> float:
    """Variance of the miss rate that comes from the time at which one looked."""
    whole = then.misses / then.lookups
    return sum(
        (lookups / then.lookups) ** 2 * (misses / lookups - whole) ** 2 for lookups, misses in then.by_block if lookups
    )


def _expiring(sample: Sample, today: Replay, ttl: float, present: float) -> int:
    """Entries there at the end of the sample that are older than the new time to live."""
    now = sample.ends
    return round(sum(at + ttl <= now < at + present for at in today.fetched.values()) / sample.rate)
