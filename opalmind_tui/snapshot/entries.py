"""The entries of the report cache, as a screen asks for them and shows them. Keys and values are raw text."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

LIVES: tuple[float, ...] = (10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 6 * 3600.0, 86_400.0)
"""Seconds left that part the bars of a histogram: below the first, from each to the next, from the last on."""
KEPT = 10_000
"""Entries that are listed at the most."""
OLD = 15.0
"""Seconds after which a walk over the keys tells of the past: small caches are gone through each five."""
PART = 64 * 1024
"""Bytes of a value that come at a time."""
OTHERS = "?"
"""Stands for the keys under the cache's prefix that are no key of a report that is known."""


class EntryState(StrEnum):
    """What stands under a key."""

    FRESH = "fresh"
    STALE = "stale"
    """Past its `expiresAt`, and Redis has it still."""
    CORRUPT = "corrupt"
    """No report of this key's feature; it is fetched anew when it is asked for."""
    FOREIGN = "foreign"
    """The key is no key of a report: nothing of ours reads it, and nothing of ours deletes it."""


class EntryOrder(StrEnum):
    """How entries are listed."""

    ENDING = "next to expire first"
    LARGEST = "largest first"
    KEY = "by key"


class EntryRow(Struct, frozen=True):
    """One entry.

    Args:
        key: the key text, without the prefix; bytes that are no UTF-8 are halves of surrogate pairs.
        size: bytes of the value; None where it is no text at all.
        expires_at: epoch seconds, as the entry says; None where it says nothing.
        kept: seconds that Redis keeps it; None where it has no time to live.
    """

    key: str
    feature: str
    size: int | None
    expires_at: float | None
    kept: float | None
    state: EntryState

    @property
    def id(self) -> str:
        """What a cursor holds on to."""
        return self.key

    def left(self, now: float) -> float | None:
        """Seconds until it is not given any more; None where it says nothing and stays for ever."""
        ends = [
            end for end in (self.kept, None if self.expires_at is None else self.expires_at - now) if end is not None
        ]
        return max(0.0, min(ends)) if ends else None


class EntryView(Struct, frozen=True):
    """Which entries a screen shows.

    Args:
        feature: only those of this feature; empty for all, `OTHERS` for what is none's.
        order: how they are listed.
        anchor, above: the row that the cursor holds stays so many rows below the first one asked for.
        first, rows: the part in view; no rows where only the sums are wanted.
        again: whenever it changes, the keys are gone through anew.
    """

    feature: str = ""
    order: EntryOrder = EntryOrder.ENDING
    anchor: str = ""
    above: int = 0
    first: int = 0
    rows: int = 0
    again: int = 0


class FeatureEntries(Struct, frozen=True):
    """The entries of a feature, summed up.

    Args:
        feature: its name, or `OTHERS`.
        bytes: of the values.
        lives: how many have so long to live, parted at `LIVES`; stale ones and those without an end are in none.
        endless: how many nothing will ever remove.
    """

    feature: str
    entries: int = 0
    bytes: int = 0
    stale: int = 0
    corrupt: int = 0
    lives: tuple[int, ...] = (0,) * (len(LIVES) + 1)
    endless: int = 0


class EntryListing(Struct, frozen=True):
    """Entries as of the newest walk over the keys, the rows in view as of now.

    Args:
        first: the number of the first of `rows`.
        kept: how many can be scrolled to, at most `KEPT`.
        features: the sums; of what was gone through so far.
        examined, total: about how many keys of the database were gone through, of how many.
        done: all of them were.
        in_memory: these are the entries of this process's memory, for Redis is away.
        at: when that walk began, epoch seconds; 0 where there is none.
    """

    view: EntryView
    rows: tuple[EntryRow, ...] = ()
    first: int = 0
    kept: int = 0
    features: tuple[FeatureEntries, ...] = ()
    examined: int = 0
    total: int = 0
    done: bool = True
    in_memory: bool = False
    at: float = 0.0

    def age(self, now: float) -> float | None:
        """Seconds since the walk began, where that is so long that the sums tell of the past; else None."""
        age = now - self.at
        return age if self.at and age > OLD else None

    def place_of(self, key: str) -> int | None:
        """The number of a row, if it is in this window."""
        return next((self.first + at for at, row in enumerate(self.rows) if row.key == key), None)

    def of(self, feature: str) -> FeatureEntries | None:
        """The sums of a feature; of all where it is empty. None where nothing is known."""
        if feature:
            return next((one for one in self.features if one.feature == feature), None)
        return total_of(self.features) if self.features else None


def total_of(features: tuple[FeatureEntries, ...]) -> FeatureEntries:
    """All of them in one."""
    return FeatureEntries(
        "",
        entries=sum(one.entries for one in features),
        bytes=sum(one.bytes for one in features),
        stale=sum(one.stale for one in features),
        corrupt=sum(one.corrupt for one in features),
        lives=tuple(map(sum, zip(*(one.lives for one in features), strict=True))),
        endless=sum(one.endless for one in features),
    )


class Lookups(Struct, frozen=True):
    """Look-ups of a feature in the last day, by all processes."""

    feature: str
    hits: int = 0
    misses: int = 0

    @property
    def hit_rate(self) -> float | None:
        """Percent, or None without look-ups."""
        return 100.0 * self.hits / (self.hits + self.misses) if self.hits + self.misses else None


class CacheDay(Struct, frozen=True):
    """The look-ups of the last 24 hours."""

    features: tuple[Lookups, ...] = ()

    def of(self, feature: str) -> Lookups:
        """Those of a feature; of all where it is empty."""
        if feature:
            return next((one for one in self.features if one.feature == feature), Lookups(feature))
        return Lookups("", sum(one.hits for one in self.features), sum(one.misses for one in self.features))


class EntryPart(Struct, frozen=True):
    """A part of what stands under a key.

    Args:
        text: as it is stored; bytes that are no UTF-8 are halves of surrogate pairs, secrets are masked.
        start, end: the bytes that `text` is; `row.size` of all.
        kind: what Redis calls it, where it is no text: ``hash``, ``list`` ...
    """

    row: EntryRow
    text: str = ""
    start: int = 0
    end: int = 0
    kind: str = "string"

    @property
    def more(self) -> bool:
        """Whether there is more to load."""
        return self.row.size is not None and self.end < self.row.size
