"""Look-ups played again to a cache with another time to live."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from opalmind_tui.reports.preview.sample import Access

GROUPS = 16
"""Groups of keys, to see how much depends on which keys are in the sample."""
BLOCKS = 8
"""Blocks of time, to see how much depends on when one looked."""


class Replay(Struct):
    """What happened in the counted time, which begins when the cache is warm.

    `by_group` and `by_block` hold look-ups and misses each.
    """

    begins: float
    ends: float
    lookups: int = 0
    misses: int = 0
    entry_seconds: float = 0.0
    byte_seconds: float = 0.0
    by_group: list[list[int]] = field(default_factory=lambda: [[0, 0] for _ in range(GROUPS)])
    by_block: list[list[int]] = field(default_factory=lambda: [[0, 0] for _ in range(BLOCKS)])
    fetched: dict[int, float] = field(default_factory=dict)
    """When each key was fetched last."""

    def counted(self, without: int | None = None) -> tuple[int, int]:
        """Look-ups and misses, those of a group of keys left out if one is named."""
        lookups, misses = self.by_group[without] if without is not None else (0, 0)
        return self.lookups - lookups, self.misses - misses


def replay(accesses: Sequence[Access], ttl: float, begins: float, ends: float) -> Replay:
    """Play look-ups to a cache whose entries live `ttl` seconds from their fetch.

    Args:
        accesses: by time; those before `begins` only warm the cache.
        begins, ends: the time that is counted.
    """
    done = Replay(begins, ends)
    fetched = done.fetched
    block = max(ends - begins, 1e-9) / BLOCKS
    for access in accesses:
        at, key = access.at, access.key
        last = fetched.get(key)
        miss = last is None or at >= last + ttl
        if miss:
            fetched[key] = at
            alive = min(at + ttl, ends) - max(at, begins)
            if alive > 0:
                done.entry_seconds += alive
                done.byte_seconds += alive * access.size
        if at >= begins:
            for tally in (done.by_group[key % GROUPS], done.by_block[min(int((at - begins) / block), BLOCKS - 1)]):
                tally[0] += access.times
                tally[1] += miss
            done.lookups += access.times
            done.misses += miss
    return done
