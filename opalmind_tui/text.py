"""The one module that makes text from outside safe to show (I9): no control reaches a terminal, none vanishes either.

Every character that a terminal could obey, or whose width terminals disagree about, becomes a visible mark. What is
left occupies the cells that `cells` counts, so that a table made of it stays a table.
"""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import category, east_asian_width

ELLIPSIS = "…"
_DELETE = 0x7F
_CONTROL_PICTURES = 0x2400
_COMBINING = ("Mn", "Me", "Mc")
_MOST_COMBINING = 4
"""Marks on one base character; more of them would paint over the lines above and below."""
_MARKED = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_UNRELIABLE = (
    (0x034F, 0x034F),  # combining grapheme joiner: invisible
    (0x115F, 0x1160),  # Hangul fillers: blank
    (0x17B4, 0x17B5),  # Khmer inherent vowels: invisible
    (0x180B, 0x180F),  # Mongolian variation selectors
    (0x2630, 0x2637),  # trigrams: widened by Unicode 16, as all the symbols of divination and counting below
    (0x268A, 0x268F),
    (0x3164, 0x3164),  # Hangul filler: blank
    (0x4DC0, 0x4DFF),
    (0xFE00, 0xFE0F),  # variation selectors: change the width of what they select, or not
    (0xFFA0, 0xFFA0),  # halfwidth Hangul filler: blank
    (0x1D300, 0x1D356),
    (0x1D360, 0x1D376),
    (0x1F1E6, 0x1F1FF),  # regional indicators: one flag or two letters, as the terminal likes
    (0x1F3FB, 0x1F3FF),  # skin tones: joined with what stands before them, or not
    (0xE0100, 0xE01EF),  # more variation selectors
)
_JOINED = ((0x1160, 0x11FF), (0xD7B0, 0xD7FF))
"""Hangul vowels and finals, drawn in the cells of the syllable before them."""


_PLAIN = re.compile("[ -~\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2026\u2190-\u21ff\u2500-\u25fc]*").fullmatch
"""Matches text that is harmless, one cell for each character: nearly all there is, found fast."""


def safe_text(value: str, limit: int | None = None) -> str:
    """One line of printable text: controls, line ends and invisible characters become visible marks.

    Args:
        value: any text, lone surrogates included.
        limit: most terminal cells that the result may occupy; a longer text is cut and ends in ``…``.

    A value of any length costs no more than `limit` asks for.
    """
    return _safe(value, limit, keep="")


def safe_block(value: str, limit: int | None = None) -> str:
    """As `safe_text` for several lines: line feeds stay (a carriage return before one goes), tabs are marked."""
    return _safe(value, limit, keep="\n").replace("␍\n", "\n")


def cells(text: str) -> int:
    """Terminal cells that a safe text occupies."""
    if text.isascii() or _PLAIN(text):
        return len(text)
    return sum(_width(char) for char in text)


def _safe(value: str, limit: int | None, keep: str) -> str:
    if limit is not None:
        value = value[: limit * (_MOST_COMBINING + 1) + 1]
    if _PLAIN(value):
        if limit is None or len(value) <= limit:
            return value
        return value[: limit - 1] + ELLIPSIS if limit > 0 else ""
    pieces: list[tuple[str, int]] = []
    used, stacked = 0, _MOST_COMBINING
    for char in value:
        stacked = stacked + 1 if category(char) in _COMBINING else 0
        piece = char if char in keep else _named(char) if stacked > _MOST_COMBINING else _mark(char)
        width = cells(piece)
        pieces.append((piece, width))
        used += width
        if limit is not None and used > limit:
            return _cut(pieces, limit)
    return "".join(piece for piece, _ in pieces)


def _cut(pieces: list[tuple[str, int]], limit: int) -> str:
    """As many whole pieces as leave one cell for the sign that something is missing."""
    kept: list[str] = []
    room = limit - 1
    for piece, width in pieces:
        if width > room:
            break
        kept.append(piece)
        room -= width
    return "".join(kept) + ELLIPSIS if limit > 0 else ""


@lru_cache(maxsize=4096)
def _mark(char: str) -> str:
    """The character itself where it is harmless, else its visible mark."""
    code = ord(char)
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    if code == _DELETE:
        return "␡"
    if category(char) in _MARKED or _within(code, _UNRELIABLE):
        return _named(char)
    return char


def _named(char: str) -> str:
    return f"‹U+{ord(char):04X}›"


@lru_cache(maxsize=4096)
def _width(char: str) -> int:
    if category(char) in _COMBINING or _within(ord(char), _JOINED):
        return 0
    return 2 if east_asian_width(char) in "WF" else 1


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in ranges)
