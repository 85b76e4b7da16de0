"""What a panel draws: lines of toned text, no Textual in them, so that a panel is a pure function."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from opalmind_tui.text import ELLIPSIS, cells, safe_text


class Tone(StrEnum):
    """What a piece of text means to the eye. `tones.LOOKS` gives each its colour; words never depend on it."""

    PLAIN = "plain"
    DIM = "dim"
    STRONG = "strong"
    TITLE = "title"
    ACCENT = "accent"
    CHART = "chart"
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"
    OK_BADGE = "ok-badge"
    WARN_BADGE = "warn-badge"
    FAIL_BADGE = "fail-badge"
    UNKNOWN_BADGE = "unknown-badge"
    BADGE = "badge"
    PRODUCTION = "production"
    STAGING = "staging"
    DEVELOPMENT = "development"
    ENVIRONMENT = "environment"
    KEY = "key"
    CURSOR = "cursor"
    CURSOR_LOST = "cursor-lost"


class Span(Struct, frozen=True):
    """Text in one tone. The text is safe already: `outside` makes it so."""

    text: str
    tone: Tone = Tone.PLAIN


Line = tuple[Span, ...]
EMPTY: Line = ()


class Area(Struct, frozen=True):
    """The cells that a panel may fill."""

    width: int
    height: int


def line(*parts: Span | str) -> Line:
    """A line of spans; bare strings are ours and plain."""
    return tuple(Span(part) if isinstance(part, str) else part for part in parts)


def listed(spans: Line, cursor: Tone | None) -> Line:
    """A row of a list. `cursor` marks the one under the cursor, by a sign and by its ground; None for all others."""
    if cursor is None:
        return line("  ", *spans, " ")
    sign = "▹ " if cursor is Tone.CURSOR_LOST else "▸ "
    return tuple(Span(span.text, cursor) for span in line(sign, *spans, " "))


def outside(value: str, tone: Tone = Tone.PLAIN, limit: int | None = None) -> Span:
    """Text that came from outside, made safe and cut to `limit` cells."""
    return Span(safe_text(value, limit), tone)


def width_of(spans: Line) -> int:
    """Cells that a line occupies."""
    return sum(cells(span.text) for span in spans)


def fit(spans: Line, width: int) -> Line:
    """Exactly `width` cells: filled up with blanks, or cut with a sign that something is missing."""
    used = width_of(spans)
    if used < width:
        return (*spans, Span(" " * (width - used)))
    return spans if used == width else _cut(spans, width)


def _cut(spans: Line, width: int) -> Line:
    kept: list[Span] = []
    room = width
    for span in spans:
        need = cells(span.text)
        if need < room:
            kept.append(span)
            room -= need
            continue
        kept.append(Span(safe_text(span.text + " ", room) if room else "", span.tone))
        break
    short = width - width_of(tuple(kept))
    return (*kept, Span(" " * short)) if short else tuple(kept)


def apart(left: Line, right: Line, width: int) -> Line:
    """One line with `right` at the right edge; the left part gives way."""
    room = width - width_of(right)
    if room <= 0:
        return fit(right, width)
    return (*fit(left, room), *right)


def right(text: str, width: int, tone: Tone = Tone.PLAIN) -> Span:
    """Text at the right of `width` cells."""
    text, free = _within(text, width)
    return Span(" " * free + text, tone)


def left(text: str, width: int, tone: Tone = Tone.PLAIN) -> Span:
    """Text at the left of `width` cells."""
    text, free = _within(text, width)
    return Span(text + " " * free, tone)


def _within(text: str, width: int) -> tuple[str, int]:
    """The text, cut where it is too wide, and the cells left free. A cut before a wide character leaves one, too."""
    free = width - cells(text)
    if free >= 0:
        return text, free
    text = safe_text(text, width)
    return text, width - cells(text)


def wrap(text: str, width: int, most: int) -> list[str]:
    """Safe text in at most `most` rows of `width` cells, broken at blanks where there are some."""
    if width <= 0 or most <= 0:
        return []
    rows: list[str] = []
    row = ""
    for word in _words(text, width):
        if row and cells(row) + 1 + cells(word) > width:
            rows.append(row)
            row = word
        else:
            row = f"{row} {word}" if row else word
    rows.append(row)
    if len(rows) <= most:
        return rows
    return [*rows[: most - 1], safe_text(rows[most - 1] + ELLIPSIS, width)]


def _words(text: str, width: int) -> list[str]:
    """Words, none of them wider than `width`."""
    pieces: list[str] = []
    for word in text.split(" "):
        if cells(word) <= width:
            if word:
                pieces.append(word)
            continue
        piece, used = "", 0
        for char in word:
            need = cells(char)
            if used + need > width:
                pieces.append(piece)
                piece, used = "", 0
            piece, used = piece + char, used + need
        if piece:
            pieces.append(piece)
    return pieces


def paragraph(text: str, area: Area, tone: Tone = Tone.PLAIN) -> list[Line]:
    """Safe text as lines of one tone within an area."""
    return [(Span(row, tone),) for row in wrap(text, area.width, area.height)]


def block(lines: Sequence[Line], area: Area) -> list[Line]:
    """Exactly `area.height` lines of `area.width` cells."""
    shown = [fit(spans, area.width) for spans in lines[: area.height]]
    blank = (Span(" " * area.width),) if area.width else EMPTY
    return shown + [blank] * (area.height - len(shown))
