"""AUDIT: the lines of the trail, one entry in full, and who is connected. Every name and sentence is foreign text."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

from opalmind_tui.snapshot.audit import AuditEntry
from opalmind_tui.snapshot.model import ProcessView, Snapshot
from opalmind_tui.text import safe_text
from opalmind_tui.tui import figures
from opalmind_tui.tui.lines import Area, Line, Span, Tone, block, fit, line, listed, outside, wrap
from opalmind_tui.tui.table import Column, head, row

_DAY = 86_400.0
_NAMED = 6
"""Dashboards that are named; more are counted."""
_LONGEST = 2_000
"""Cells of one text in the view of one entry."""


class Shown(Struct, frozen=True):
    """An entry at a moment; `sign` says whether it was undone, or is the one that can be."""

    entry: AuditEntry
    now: float
    sign: str = ""


def headline(width: int) -> Line:
    """The titles of the columns."""
    return fit(line("  ", *head(COLUMNS, width - 3), " "), width)


def entry_line(shown: Shown, width: int, *, cursor: bool = False) -> Line:
    """One entry. The line under the cursor is marked by a sign and by its ground."""
    spans = row(COLUMNS, shown, width - 3)
    return listed(spans, Tone.CURSOR if cursor else None)


def entry_lines(shown: Shown | None, area: Area) -> list[Line]:
    """All of one entry, as far as there is room."""
    if shown is None:
        return block([], area)
    entry = shown.entry
    lines: list[Line] = [line(Span("─" * area.width, Tone.DIM))]
    host = f" on {safe_text(entry.host, 60)}" if entry.host else ""
    heading = f"{_stamp(entry.at)}  {safe_text(entry.who, 120)}{host}"
    texts = [(heading, Tone.STRONG), (safe_text(entry.what, _LONGEST), Tone.PLAIN)]
    if entry.outcome:
        texts.append((f"→ {safe_text(entry.outcome, _LONGEST)}", Tone.PLAIN))
    if shown.sign:
        texts.append((_SIGNS[shown.sign], Tone.WARN))
    room = area.height - 1
    for number, (text, tone) in enumerate(texts):
        most = max(1, room - (len(texts) - 1 - number))
        rows = wrap(text, area.width - 4, most)[:room]
        lines += [line("  ", Span(one, tone)) for one in rows]
        room -= len(rows)
    return block(lines, area)


def connected(snapshot: Snapshot, width: int) -> list[Line]:
    """Who is connected now, in one or two rows: dashboards by name, all others counted."""
    reading = snapshot.processes
    if reading.value is None or reading.error:
        said = f"Who is connected cannot be told: {safe_text(reading.error or 'not read yet', 200)}"
        return [fit(line("  ", Span(one, Tone.DIM)), width) for one in wrap(said, width - 3, 1)]
    people = [one for one in reading.value if one.role == "dashboard"]
    others = Counter(safe_text(one.role, 12) for one in reading.value if one.role != "dashboard")
    named = [_person(one) for one in people[:_NAMED]]
    if len(people) > _NAMED:
        named.append(f"{len(people) - _NAMED} more dashboards")
    named += [f"{number} {role}{'' if number == 1 else 's'}" for role, number in sorted(others.items())]
    said = f"Connected now: {', '.join(named) or 'nobody'}"
    return [fit(line("  ", Span(one, Tone.DIM)), width) for one in wrap(said, width - 3, 2)]


def _person(one: ProcessView) -> str:
    whence = f" from {safe_text(one.client, 40)}" if one.client else ""
    return f"{safe_text(one.user, 20)}{whence} ({safe_text(one.host, 24)}:{one.pid}{', this one' if one.here else ''})"


def _stamp(moment: float) -> str:
    """Day and time in the zone that was chosen; a dash for what no calendar has."""
    stamp = figures.stamp(moment)
    return "-" if stamp == figures.UNKNOWN else stamp


def _when(shown: Shown) -> Span:
    """The time of day, or the day where that was another."""
    stamp = _stamp(shown.entry.at)
    if stamp == "-":
        return Span("-", Tone.DIM)
    return Span(figures.clock(shown.entry.at) if stamp[:10] == _stamp(shown.now)[:10] else stamp[2:10])


UNDONE, CAN_BE_UNDONE = "↶", "u"
_SIGNS = {UNDONE: "↶ It was undone.", CAN_BE_UNDONE: "It can be undone."}
COLUMNS: tuple[Column[Shown], ...] = (
    Column("time", 8, _when),
    Column("", 1, lambda one: Span(one.sign, Tone.WARN)),
    Column("who", 10, lambda one: outside(one.entry.by, limit=10), below=110),
    Column("who", 26, lambda one: outside(one.entry.who, limit=26), from_width=110),
    Column("act", 11, lambda one: outside(one.entry.act, Tone.DIM, 11), from_width=90),
    Column("what", 20, lambda one: outside(one.entry.what, limit=300), share=3),
    Column("outcome", 16, lambda one: outside(one.entry.outcome, limit=300), share=2, from_width=74),
    Column("done", 6, lambda one: Span("-" if one.entry.done is None else figures.short(one.entry.done)),
           to_right=True),
)  # fmt: skip
