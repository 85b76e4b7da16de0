"""What all panels have in common: a title, a state as a word, the age of the data, an error in its own place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from opalmind_tui.snapshot.model import Check, Reading, Snapshot, Verdict
from opalmind_tui.text import safe_text
from opalmind_tui.tui import figures
from opalmind_tui.tui.lines import Area, Line, Span, Tone, apart, block, line, paragraph, width_of

T = TypeVar("T")

SIGNS = {Verdict.OK: "✓", Verdict.WARN: "!", Verdict.FAIL: "✗", Verdict.UNKNOWN: "?"}
WORDS = {Verdict.OK: "OK", Verdict.WARN: "WARN", Verdict.FAIL: "FAIL", Verdict.UNKNOWN: "UNKNOWN"}
TONES = {Verdict.OK: Tone.OK, Verdict.WARN: Tone.WARN, Verdict.FAIL: Tone.FAIL, Verdict.UNKNOWN: Tone.UNKNOWN}
BADGES = {
    Verdict.OK: Tone.OK_BADGE,
    Verdict.WARN: Tone.WARN_BADGE,
    Verdict.FAIL: Tone.FAIL_BADGE,
    Verdict.UNKNOWN: Tone.UNKNOWN_BADGE,
}
_ERROR_ROWS = 2


class Sheet(Struct, frozen=True):
    """A panel before it is framed: the body may be longer than the area."""

    title: str
    body: tuple[Line, ...] = ()
    verdict: Verdict | None = None
    age: float | None = None
    note: str = ""


def badge(verdict: Verdict, *, brief: bool = False) -> Span:
    """The state as a word with a sign, never as a colour alone; the sign alone where there is no room."""
    word = "" if brief else f"{WORDS[verdict]} "
    return Span(f" {SIGNS[verdict]} {word}", BADGES[verdict])


def check_of(snapshot: Snapshot, name: str) -> Check | None:
    """One line of the health document, if it was read."""
    checks = snapshot.health.value.checks if snapshot.health.value else ()
    return next((check for check in checks if check.name == name), None)


def verdict_of(snapshot: Snapshot, name: str) -> Verdict:
    """What the health document says of a part."""
    check = check_of(snapshot, name)
    return check.verdict if check else Verdict.UNKNOWN


def stale_age(reading: Reading[T], snapshot: Snapshot) -> float | None:
    """Age in seconds of a reading older than two intervals (of the snapshot's, or of its own slower ones), or None."""
    if not reading.at:
        return None
    age = reading.age(snapshot.taken_at)
    return age if age > 2 * max(snapshot.interval, reading.every) else None


def sheet(
    title: str,
    snapshot: Snapshot,
    reading: Reading[T],
    area: Area,
    body: Callable[[T, Area], list[Line]],
    *,
    verdict: Verdict | None = None,
    note: str = "",
) -> Sheet:
    """A panel of one reading: its body, or why there is none; a value that survived a failed try shows both."""
    inner = Area(max(0, area.width - 2), max(0, area.height - 1))
    error = safe_text(reading.error) if reading.error else ""
    if reading.error or reading.value is None:
        verdict = Verdict.UNKNOWN
    age = stale_age(reading, snapshot)
    if reading.value is None:
        waiting = f"{SIGNS[Verdict.FAIL]} {error}" if error else "Waiting for the first answer."
        rows = paragraph(waiting, inner, Tone.FAIL if error else Tone.DIM)
        return Sheet(title, tuple(rows), verdict, age, note)
    if not error:
        return Sheet(title, tuple(body(reading.value, inner)), verdict, age, note)
    trouble = paragraph(f"{SIGNS[Verdict.FAIL]} {error}", Area(inner.width, _ERROR_ROWS), Tone.FAIL)
    rest = Area(inner.width, max(0, inner.height - len(trouble)))
    rows = [*trouble, *body(reading.value, rest)[: rest.height]]
    return Sheet(title, tuple(rows), verdict, age, note)


def frame(drawn: Sheet, area: Area, *, offset: int = 0, focused: bool = False) -> list[Line]:
    """The panel as exactly `area.height` lines, one cell of margin at each side.

    Args:
        offset: body lines scrolled away; what is hidden below is counted in the title.
        focused: marks the title.
    """
    inner = Area(max(0, area.width - 2), max(0, area.height - 1))
    hidden = len(drawn.body) - offset - inner.height
    head = Span(drawn.title, Tone.ACCENT if focused else Tone.TITLE)
    note = Span(f"  {drawn.note}" if drawn.note else "", Tone.DIM)
    left = line(Span("▌" if focused else " ", Tone.ACCENT), head, note)
    marks: Line = ()
    if hidden > 0 or offset:
        marks += (Span(f"{'↑' if offset else ''}{f'↓{hidden}' if hidden > 0 else ''} ", Tone.DIM),)
    if drawn.age is not None:
        marks += (Span(f"{figures.span(drawn.age)} old ", Tone.WARN),)
    if drawn.verdict is not None:
        tight = width_of(left) + width_of(marks) + width_of((badge(drawn.verdict),)) > area.width
        marks += (badge(drawn.verdict, brief=tight),)
    body = block(drawn.body[offset:], inner)
    return [apart(left, marks, area.width), *(line(" ", *spans, " ") for spans in body)]
