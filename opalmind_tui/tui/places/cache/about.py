"""What belongs to the kind of report under the cursor: figures in words, and how long its entries have to live."""

from __future__ import annotations

import math

from opalmind_tui.snapshot.entries import LIVES, OTHERS, EntryListing, FeatureEntries
from opalmind_tui.tui import figures
from opalmind_tui.tui.charts import EIGHTHS
from opalmind_tui.tui.line_view import LineView
from opalmind_tui.tui.lines import EMPTY, Area, Line, Span, Tone, apart, fit, line, outside, paragraph, right
from opalmind_tui.tui.places.cache.rows import FeatureRow

_WIDEST, _HIGHEST = 9, 8
"""Cells of a bar of the chart."""
_LABEL, _LABEL_FROM = "life left", 80
"""Beside the bars, in a terminal so wide."""
_UNDER = 2
"""Lines under the bars: names and numbers."""
_ORIGINS = {
    "default": "the default",
    "environment": "set by the environment",
    "configured": "set for all processes",
    "": "where none is set",
}


def render(row: FeatureRow, listing: EntryListing | None, area: Area, now: float = 0.0) -> list[Line]:
    """The lines: words first, then the chart in what room is left."""
    lines = [_title(row, listing, area.width, now)]
    for sentence in [_OTHERS if row.id == OTHERS else _lookups(row), _stock(row)]:
        lines += [line("  ", *spans) for spans in paragraph(sentence, Area(area.width - 4, 2))]
    if row.stored is not None and row.stored.entries:
        room = area.height - len(lines)
        blank = room > _UNDER + 4
        bars = min(_HIGHEST, room - _UNDER - blank)
        if bars > 0:
            lines += [EMPTY] * blank + _histogram(row.stored, area.width, bars)
    return [fit(one, area.width) for one in lines[: area.height]]


_OTHERS = "Under the cache's prefix, but no report's that is known here: nothing of ours reads them."


def _title(row: FeatureRow, listing: EntryListing | None, width: int, now: float) -> Line:
    counts, stored = row.counts, row.stored
    ttl = "" if counts is None else f"  TTL {figures.lifetime(counts.ttl)}, {_ORIGINS.get(counts.ttl_origin, '')}"
    faults = [] if stored is None else [("corrupt", stored.corrupt), ("without an end", stored.endless)]
    said = ", ".join(f"{number:,} {name}" for name, number in faults if number)
    left = line(" ", outside(row.name, Tone.TITLE, 40), ttl, Span(f"  {said}" if said else "", Tone.WARN))
    return apart(left, line(Span(_seen(listing, now), Tone.DIM), " "), width)


def _seen(listing: EntryListing | None, now: float) -> str:
    """What the sums are of."""
    if listing is None:
        return ""
    if listing.in_memory:
        return "in this process's memory"
    age = listing.age(now)
    ago = "" if age is None else f" {figures.span(age)} ago"
    if listing.done:
        return f"keys seen{ago}" if ago else ""
    return f"of about {listing.examined:,} of {listing.total:,} keys{ago}"


def _lookups(row: FeatureRow) -> str:
    now = figures.percent(row.counts.hit_rate if row.counts is not None else None)
    if row.day.hit_rate is None:
        return f"hits {now} now; no look-up in 24 h"
    hits, rate = figures.count(row.day.hits), figures.short(row.saved_per_hour)
    return f"hits {now} now, {figures.percent(row.day.hit_rate)} in 24 h; saved {hits} requests, {rate}/h now"


def _stock(row: FeatureRow) -> str:
    counts, octets = row.counts, row.bytes
    about = "about " if row.about else ""
    size = f", {figures.size(octets)} in all, {figures.size(row.each or 0)} each" if octets and row.each else ""
    fetch = (
        f"; a fetch takes {figures.milliseconds(counts.fetch_ms / counts.sets / 1000)}"
        if counts and counts.sets
        else ""
    )
    return f"{about}{row.number:,} {'entry' if row.number == 1 else 'entries'}{size}{fetch}"


def _histogram(stored: FeatureEntries, width: int, height: int) -> list[Line]:
    """Bars over the seconds that are left, their names and their numbers."""
    names = ["old", *(f"<{figures.brief_lifetime(life)}" for life in LIVES), "more"]
    numbers = [stored.stale, *stored.lives]
    label = f"  {_LABEL}  " if width >= _LABEL_FROM else ""
    cell = min(_WIDEST, (width - len(label) - 2) // len(names))
    highest = max(numbers) or 1
    rows: list[Line] = []
    for level in reversed(range(height)):
        bars = [_bar(number / highest * height - level, cell) for number in numbers]
        rows.append(line(Span(label if not level else " " * len(label), Tone.DIM), Span("".join(bars), Tone.CHART)))
    rows.append(line(" " * len(label), *(right(name, cell, Tone.DIM) for name in names)))
    rows.append(line(" " * len(label), *(right(figures.count(number, cell - 1), cell) for number in numbers)))
    return rows


def _bar(share: float, cell: int) -> str:
    """One cell high; anything above nothing is seen."""
    eighths = max(0, min(8, math.ceil(8 * share)))
    return " " + EIGHTHS[eighths] * (cell - 1)


class About(LineView):
    """The lines under the table."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._row: FeatureRow | None = None
        self._listing: EntryListing | None = None
        self._now = 0.0

    def show(self, row: FeatureRow | None, listing: EntryListing | None, now: float = 0.0) -> None:
        """Draw another line of the table, or newer figures."""
        self._row, self._listing, self._now = row, listing, now
        self.redraw()

    def draw(self, area: Area) -> list[Line]:
        return render(self._row, self._listing, area, self._now) if self._row is not None else []
