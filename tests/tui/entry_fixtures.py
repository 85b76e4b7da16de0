"""Entries of the cache for tests and pictures: honest ones, and what strangers leave under the same prefix."""

from __future__ import annotations

from msgspec.structs import replace

from opalmind_tui.engine.finding.entry_walk import Pass
from opalmind_tui.reports.features import NAMES
from opalmind_tui.snapshot.entries import (
    CacheDay,
    EntryListing,
    EntryPart,
    EntryRow,
    EntryState,
    EntryView,
    Lookups,
)
from opalmind_tui.snapshot.model import Snapshot
from tests.tui.fixtures import NOW

NUMBER = "123456789012345678901234567890.10"
"""No float holds it."""


def key(feature: str, more: str = "", site: str = "1") -> str:
    """A key text."""
    return f'{{"feature":"{feature}","input":{{"siteId":{site},"period":"day","date":"today"{more}}}}}'


def entry(text: str, feature: str, size: int | None, left: float | None, state: EntryState) -> EntryRow:
    """A row that ends in so many seconds."""
    ends = None if left is None or state in (EntryState.CORRUPT, EntryState.FOREIGN) else NOW + left
    return EntryRow(text, feature, size, ends, None if left is None else max(0.0, left) + 1, state)


EVENTS = key("events")
LARGE = key("events", ',"limit":500', "12")
BROKEN = key("events", ',"segment":"\\u001b[2J[red]x"', "7")
LISTED = key("popularUrls", "", "3")
FOREIGN = "session:\x1b]0;evil\x07\udcff[bold]42"
ENTRIES: tuple[EntryRow, ...] = (
    entry(EVENTS, "events", 412, 41.0, EntryState.FRESH),
    entry(LARGE, "events", 180_000, 12.0, EntryState.FRESH),
    entry(key("events", ',"category":"Über uns"', "2"), "events", 390, 8.0, EntryState.FRESH),
    entry(key("events", ',"date2":"old"', "2"), "events", 300, -3.0, EntryState.STALE),
    entry(BROKEN, "events", 17, None, EntryState.CORRUPT),
    entry(LISTED, "popularUrls", 2_100, 280.0, EntryState.FRESH),
    entry(key("popularUrls", "", "4"), "popularUrls", 2_300, 199.0, EntryState.FRESH),
    entry(key("deviceTypes"), "deviceTypes", None, 30.0, EntryState.CORRUPT),
    entry(FOREIGN, "", 9, None, EntryState.FOREIGN),
)
_ROWS = [f'{{"label":"/page/{at}","nb_visits":{at * 7},"revenue":{NUMBER},"ok":true}}' for at in range(3)]
VALUES = {
    EVENTS: f'{{"feature":"events","value":[{",".join(_ROWS)}],"expiresAt":1740796308000}}',
    LARGE: '{"feature":"events","value":[' + ",".join(_ROWS * 1_000) + '],"expiresAt":1740796279000}',
    BROKEN: '{"feature":"\x1b[2J[red]',
    LISTED: '{"feature":"popularUrls","value":[],"expiresAt":1740796547000}',
    FOREIGN: "true",
}
DAY = CacheDay(
    (Lookups("events", 8_800, 1_700), Lookups("popularUrls", 30_110, 5_200), Lookups("topReferrers", 144, 31))
)


def entry_listing(rows: tuple[EntryRow, ...], view: EntryView, now: float) -> EntryListing:
    """A window, as the engine makes it."""
    found = Pass(3_204)
    for row in rows:
        found.take(row, now)
    keys = found.ordered(view) if view.rows else []
    first = keys.index(view.anchor) - view.above if view.anchor in keys else view.first
    first = max(0, min(first, len(keys) - view.rows))
    return EntryListing(
        view, tuple(found.rows[one][0] for one in keys[first : first + view.rows]), first, len(keys),
        tuple(sums.frozen(name) for name, sums in sorted(found.sums.items())), 3_204, 3_204,
    )  # fmt: skip


def part_of(row: EntryRow, text: str, start: int, size: int = 60_000) -> EntryPart:
    """A part of a value; the texts of these tests have one byte a character."""
    if row.size is None:
        return EntryPart(row, kind="hash")
    row = replace(row, size=len(text))
    return EntryPart(row, text[start : start + size], start, min(len(text), start + size))


def cached(snapshot: Snapshot) -> Snapshot:
    """The snapshot with the kinds of report that these entries are of."""
    cache = snapshot.cache.value
    assert cache is not None
    names = ("popularUrls", "events", "deviceTypes", "topReferrers", *NAMES[3:])
    former = (*cache.features, *cache.features)
    features = tuple(
        replace(one, feature=name, window_hits=one.hits // 9, window_misses=one.misses // 9, stale_served=0, corrupt=0)
        for name, one in zip(dict.fromkeys(names), former, strict=False)
    )
    return replace(snapshot, cache=replace(snapshot.cache, value=replace(cache, features=features)))
