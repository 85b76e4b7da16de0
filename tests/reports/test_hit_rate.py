"""The hit rate over time, as two processes count it together, against a counted truth."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from opalmind_tui.reports import early, sharing
from opalmind_tui.reports.counters import WINDOW_MINUTES, Count
from opalmind_tui.reports.selection import ALL
from opalmind_tui.settings import Settings
from tests.reports.conftest import Clock, MakeCache

FEATURE, MINUTES = "deviceTypes", 12
Trace = Callable[[random.Random], Iterator[tuple[float, int]]]


def zipf(chance: random.Random) -> Iterator[tuple[float, int]]:
    """Few reports are asked for often, many seldom."""
    weights = [1 / (rank + 1) for rank in range(60)]
    for at in sorted(chance.uniform(0, MINUTES * 60) for _ in range(350)):
        yield at, chance.choices(range(60), weights)[0]


def tide(chance: random.Random) -> Iterator[tuple[float, int]]:
    """Busy times and quiet ones."""
    for at in sorted(chance.uniform(0, MINUTES * 60) for _ in range(500)):
        if chance.random() < 0.5 + 0.5 * math.sin(at / 60):
            yield at, chance.randrange(12)


def bursts(chance: random.Random) -> Iterator[tuple[float, int]]:
    """Nothing for a while, then the same reports many times, around the end of their lives."""
    for start in (3.0, 62.0, 64.5, 300.0, 420.0, 600.0):
        for number in range(40):
            yield start + number / 20, number % 4


@pytest.mark.parametrize("purged", [False, True], ids=["", "purged"])
@pytest.mark.parametrize("trace", [zipf, tide, bursts], ids=lambda trace: trace.__name__)
@pytest.mark.parametrize("first_level", [0.0, 30.0])
async def test_every_minute_is_the_truth(
    settings: Settings, make_cache: MakeCache, trace: Trace, purged: bool, first_level: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(sharing, "FLUSH_EVERY", 3600.0)
    monkeypatch.setattr(early, "EARLY", 0)  # A refresh in the background is nobody's miss.
    clock, chance = Clock(), random.Random(7)
    clock.now -= clock.now % 60
    begin, truth, fetched = clock.now, Counter[tuple[int, Count]](), 0
    caches = [await make_cache(settings, clock=clock, first_level=first_level) for _ in range(2)]
    watcher = await make_cache(settings, clock=clock)

    async def load() -> object:
        nonlocal fetched
        fetched += 1
        return [{"label": "Desktop", "nb_visits": 7}]

    for number, (at, which) in enumerate(trace(chance)):
        clock.now = begin + at
        if purged and number % 97 == 50:
            await caches[0].purge(ALL)
            await caches[1]._sharing.flush()
        before, cache = fetched, caches[chance.randrange(2)]
        key = f'{{"feature":"{FEATURE}","input":{{"siteId":{which}}}}}'
        await cache.fetch(FEATURE, key, load)
        minute = int(clock.now // 60)
        truth[minute, Count.MISSES if fetched > before else Count.HITS] += 1
        truth[minute, Count.SETS] += fetched - before
        await cache._sharing.flush()  # what happens each second
        if number % 25 == 0:
            view, window = await watcher.view(), range(minute - WINDOW_MINUTES, minute + 1)
            counted = [sum(truth[one, count] for one in window) for count in (Count.HITS, Count.MISSES)]
            assert [view.window_hits, view.window_misses] == counted
            assert view.hit_rate == 100 * counted[0] / sum(counted)

    found = await watcher.history()
    assert {
        (minute, count): by for minute, tally in found.items() for (name, count), by in tally.items()
        if name == FEATURE and by and count in (Count.HITS, Count.MISSES, Count.SETS)
    } == {entry: by for entry, by in truth.items() if by}  # fmt: skip
    assert sum(by for (_, count), by in truth.items() if count is Count.HITS) > 20, "the trace says nothing"
