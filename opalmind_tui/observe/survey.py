"""From looks at keys to a census: a random sample scaled to the database, and what is known beside it. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from opalmind_tui.observe import estimates
from opalmind_tui.observe.looks import Look
from opalmind_tui.snapshot.census import Estimate, Expiry, KeyCensus, KeyGroup, SeenKey
from opalmind_tui.snapshot.model import KeyCounts

PREFIXES = ("idempotency", "cache", "queue", "stats", "other")
EXPIRING = ("idempotency", "cache")
"""Classes whose keys must have a time to live."""
SPANS = (60.0, 600.0, 3600.0, 21_600.0, 86_400.0, math.inf)
"""Seconds: the ends of the spans in which keys expire."""
BIGGEST = 10
FORBIDDEN = "MEMORY USAGE is not permitted: no figures of memory"

Test = Callable[[Look], bool]


class Survey(Struct, frozen=True):
    """What a census is made of.

    Args:
        total: keys of the database.
        drawn: looks at keys that were drawn at random, each with the same chance; a key may come twice. With `whole`
            they are all the keys there are, once each.
        known: looks at keys whose names we know beforehand. The biggest ones hide among millions of small ones from any
            sample, so these are counted for themselves, and left out of the sample.
        counts: exact numbers of keys, where they were counted.
        most: bytes of memory that the server uses for everything: no group can have more.
    """

    total: int
    drawn: Sequence[Look]
    known: Sequence[Look] = ()
    counts: KeyCounts | None = None
    whole: bool = False
    most: int | None = None

    def census(self) -> KeyCensus:
        """All of it."""
        sample = self._sample()
        counts = self.counts
        seen = [*self.drawn, *self.known]
        tested = any(look.sound is not None for look in seen)
        return KeyCensus(
            total=self.total,
            all=sample.group("all", lambda _: True, self.total),
            looked_at=min(len(sample.drawn) + len(sample.known), self.total),
            prefixes=tuple(
                sample.group(name, _in(name), getattr(counts, name) if counts else None) for name in PREFIXES
            ),
            features=self._features(sample),
            expiries=tuple(_expiry(sample, after, before) for after, before in zip((0.0, *SPANS), SPANS, strict=False)),
            lasting=sample.group("lasting", lambda look: look.ttl is None),
            forgotten=sample.group("forgotten", lambda look: look.ttl is None and look.place[0] in EXPIRING),
            corrupt=sample.group("corrupt", lambda look: look.sound is False) if tested else None,
            biggest=_biggest(seen),
            counted=counts is not None or self.whole,
            note=FORBIDDEN if any(look.size is None for look in seen) else "",
        )

    def _sample(self) -> _Sample:
        apart = {look.name for look in self.known}
        return _Sample(
            [look for look in self.drawn if look.name not in apart],
            0 if self.whole else max(0, self.total - len(self.known)),
            list(self.known),
            self.most,
        )

    def _features(self, sample: _Sample) -> tuple[KeyGroup, ...]:
        exact = dict(self.counts.features) if self.counts else {}
        names = {look.place[1] for look in self.drawn if look.place[0] == "cache"} | set(exact)
        groups = [
            sample.group(name, lambda look, name=name: look.place == ("cache", name), exact.get(name))  # type: ignore[misc]
            for name in names
        ]
        groups.sort(key=lambda group: (-(group.memory.value if group.memory else 0), -group.keys.value, group.name))
        return tuple(groups)


class _Sample(Struct, frozen=True):
    """Draws that stand for `total` keys (0: for themselves alone), and `known` keys that stand for themselves."""

    drawn: list[Look]
    total: int
    known: list[Look]
    most: int | None

    def group(self, name: str, test: Test, counted: int | None = None) -> KeyGroup:
        """The keys that pass a test. `counted`: how many there are, known ones among them."""
        hits, known = list(filter(test, self.drawn)), list(filter(test, self.known))
        if not self.total:
            return KeyGroup(name, _exactly(len(hits) + len(known)), self._measured(hits + known))
        if counted is None:
            number = estimates.keys(len(hits), len(self.drawn), self.total)
            number = Estimate(number.value, max(number.low, len({look.name for look in hits})), number.high)
        else:
            number = _exactly(max(0, counted - len(known)))
        keys = estimates.together(number, len(known))
        if any(look.size is None for look in (*self.drawn, *self.known)):
            return KeyGroup(name, keys)
        if number.exact and number.value and not hits and not known:
            # So few that none came up: nobody knows how large they are.
            return KeyGroup(name, keys)
        memory = estimates.memory(_sizes(hits), number, len(hits), len(self.drawn), self.total)
        memory = estimates.together(memory, sum(_sizes(known)))
        return KeyGroup(name, keys, memory if self.most is None else _at_most(memory, self.most))

    @staticmethod
    def _measured(looks: list[Look]) -> Estimate | None:
        return None if any(look.size is None for look in looks) else _exactly(sum(_sizes(looks)))


def _in(name: str) -> Test:
    return lambda look: look.place[0] == name


def _exactly(number: float) -> Estimate:
    return Estimate(float(number), float(number), float(number))


def _at_most(found: Estimate, most: int) -> Estimate:
    return Estimate(min(found.value, most), min(found.low, most), min(found.high, most))


def _sizes(looks: Iterable[Look]) -> list[float]:
    return [float(look.size) for look in looks if look.size is not None]


def _expiry(sample: _Sample, after: float, before: float) -> Expiry:
    def within(look: Look) -> bool:
        return look.ttl is not None and after <= look.ttl < before

    return Expiry(after, before, sample.group("expiry", within))


def _biggest(looks: Iterable[Look]) -> tuple[SeenKey, ...]:
    newest = {look.name: look for look in looks if look.size is not None}
    ordered = sorted(newest.values(), key=lambda look: (-(look.size or 0), look.name))
    return tuple(
        SeenKey(look.name.decode("utf-8", "surrogateescape"), look.place[0], look.size or 0, look.ttl)
        for look in ordered[:BIGGEST]
    )
