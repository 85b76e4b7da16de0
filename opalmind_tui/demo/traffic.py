"""The demo's traffic: visits and report look-ups at a modest pace with small waves, until it is cancelled."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol

from opalmind_tui.demo.visitors import Action, Visitor
from opalmind_tui.errors import OpalmindError

AT_ONCE = 9
"""Visits that go on at the same time."""
READERS = 4
"""Report look-ups that wait for an answer at the same time."""
REPORT_SHARE = 0.3
"""Look-ups for each hit."""
WAVES = ((97.0, 0.28), (23.0, 0.14))
"""Period in seconds and height of the waves."""

LOOKUPS: tuple[tuple[str, dict[str, Any], float], ...] = (
    ("popularUrls", {"siteId": 1, "period": "day", "date": "today"}, 16),
    ("popularUrls", {"siteId": 2, "period": "day", "date": "today", "limit": 5}, 6),
    ("topReferrers", {"siteId": 1, "period": "day", "date": "today"}, 12),
    ("events", {"siteId": 1, "period": "day", "date": "today"}, 9),
    ("events", {"siteId": 1, "period": "day", "date": "today", "category": "Basket"}, 5),
    ("entryPages", {"siteId": 1, "period": "week", "date": "today"}, 6),
    ("campaigns", {"siteId": 1, "period": "week", "date": "today"}, 7),
    ("ecommerceOverview", {"siteId": 1, "period": "day", "date": "yesterday"}, 8),
    ("ecommerceRevenueTotals", {"siteId": 1, "period": "day", "date": "last7"}, 5),
    ("eventCategories", {"siteId": 1, "period": "day", "date": "today"}, 6),
    ("deviceTypes", {"siteId": 1, "period": "month", "date": "today"}, 6),
    ("deviceTypes", {"siteId": 3, "period": "day", "date": "today"}, 2),
    ("trafficChannels", {"siteId": 1, "period": "day", "date": "today"}, 7),
    ("goalConversions", {"siteId": 1, "period": "day", "date": "today"}, 8),
    ("funnelSummary", {"siteId": 1, "funnelId": 1, "period": "day", "date": "today"}, 4),
    ("popularUrls", {"siteId": 7, "period": "day", "date": "today"}, 1),
)
"""Feature, its input in the order of `reports.features`, and weight: a few screens that people keep open."""


class Track(Protocol):
    """Takes a tracking call."""

    def __call__(self, kind: str, /, **fields: Any) -> Awaitable[object]:
        """`kind` is ``pageview``, ``event`` or ``goal``; the fields are spelled as in `tracking.fields`."""
        ...


class Report(Protocol):
    """Looks a report up."""

    def __call__(self, name: str, /, **params: Any) -> Awaitable[object]:
        """`name` is a feature of `reports.features`, the parameters are its input."""
        ...


class Traffic:
    """Visitors and readers.

    Args:
        track: called for each hit. report: called for each look-up. What they raise is counted, and it goes on.
        rate: hits a second on average; can be set while it runs.
        seed: the same seed gives the same hits in the same order; None draws one.
        sleep: how to wait; tests give one that does not.
    """

    def __init__(
        self, track: Track, report: Report, *, rate: float = 3.0, seed: int | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._track, self._report, self._sleep = track, report, sleep
        self._chance = random.Random(seed)
        self._lookups = random.Random(self._chance.getrandbits(64))
        self._visits: list[Iterator[Action]] = []
        self.rate = rate
        self.tracked = 0
        """Hits that were handed over."""
        self.looked_up = 0
        """Look-ups that were answered."""
        self.errors = 0
        """Calls that raised."""
        self.last_error = ""

    async def run(self) -> None:
        """Go on until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._visitors())
            for _ in range(READERS):
                group.create_task(self._reader())

    async def _visitors(self) -> None:
        elapsed = 0.0
        while True:
            pause = self._chance.expovariate(max(0.01, self.rate * wave(elapsed)))
            elapsed += pause
            await self._sleep(min(pause, 10.0))
            kind, fields = self._next_action()
            if await self._survive(self._track(kind, **fields)):
                self.tracked += 1

    def _next_action(self) -> Action:
        while True:
            if len(self._visits) < AT_ONCE:
                self._visits.append(Visitor(random.Random(self._chance.getrandbits(64))).walk())
            visit = self._chance.choice(self._visits)
            action = next(visit, None)
            if action is not None:
                return action
            self._visits.remove(visit)

    async def _reader(self) -> None:
        weights = [weight for *_, weight in LOOKUPS]
        while True:
            mean = READERS / max(0.01, self.rate * REPORT_SHARE)
            await self._sleep(min(self._lookups.expovariate(1 / mean), 30.0))
            name, params, _ = self._lookups.choices(LOOKUPS, weights)[0]
            if await self._survive(self._report(name, **params)):
                self.looked_up += 1

    async def _survive(self, call: Awaitable[object]) -> bool:
        """Wait for a call; a failed one is counted and told, like a visitor whose page did not load."""
        try:
            await call
        except OpalmindError as error:
            self.last_error = str(error)
        except Exception as error:  # noqa: BLE001 - the demo goes on, and shows that something is wrong
            self.last_error = f"{type(error).__name__}: {error}"
        else:
            return True
        self.errors += 1
        return False


def wave(seconds: float) -> float:
    """How busy it is at a moment, 1 on average."""
    return 1 + sum(height * math.sin(2 * math.pi * seconds / period) for period, height in WAVES)
