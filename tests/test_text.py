"""Text from outside: what may not reach a terminal becomes visible, and is as wide as we say."""

from __future__ import annotations

import sys
from unicodedata import bidirectional, category

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from opalmind_tui.text import cells, safe_block, safe_text

MARKS = (
    ("\x1b[31mred", "␛[31mred"),
    ("\x00\x01\x1f", "␀␁␟"),
    ("a\tb\r\nc", "a␉b␍␊c"),
    ("\x7f", "␡"),
    ("\x9b31m", "‹U+009B›31m"),
    ("\x85", "‹U+0085›"),
    ("abc\u202edef", "abc‹U+202E›def"),
    ("\u2066x\u2069", "‹U+2066›x‹U+2069›"),
    ("\ufeffx", "‹U+FEFF›x"),
    ("a\u200bb\u200d", "a‹U+200B›b‹U+200D›"),
    ("\ud800", "‹U+D800›"),
    ("\u2028", "‹U+2028›"),
    ("❤\ufe0f", "❤‹U+FE0F›"),
    ("\U000e0041", "‹U+E0041›"),
    ("[red]x[/red]", "[red]x[/red]"),
    ("", ""),
)


@pytest.mark.parametrize(("raw", "shown"), MARKS)
def test_marks(raw: str, shown: str) -> None:
    assert safe_text(raw) == shown


@pytest.mark.parametrize("plain", ["Grüße, 日本, ελληνικά 😀 e\u0301", "ก็ नि 한"])
def test_harmless_text_stays(plain: str) -> None:
    assert safe_text(plain) == plain


def test_block_keeps_line_feeds_only() -> None:
    assert safe_block("a\r\nb\n\tc\rd") == "a\nb\n␉c␍d"


CUTS = (
    ("abcdef", 6, "abcdef"),
    ("abcdef", 5, "abcd…"),
    ("日本語", 5, "日本…"),
    ("日本語", 4, "日…"),
    ("ab\x9b", 6, "ab…"),
    ("abc", 1, "…"),
    ("abc", 0, ""),
    ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
)


@pytest.mark.parametrize(("raw", "limit", "shown"), CUTS)
def test_cut_counts_cells(raw: str, limit: int, shown: str) -> None:
    assert safe_text(raw, limit) == shown


def test_stacked_marks_are_named() -> None:
    shown = safe_text("e" + "\u0301" * 1000)
    assert shown.startswith("e" + "\u0301" * 4 + "‹U+0301›")


def test_leading_mark_cannot_join_what_stands_before_it() -> None:
    assert safe_text("\u0301x") == "‹U+0301›x"


def test_every_character_is_harmless_and_as_wide_as_the_dashboard_thinks() -> None:
    everywhere = (*range(0x20000), *range(0xE0000, 0xE0200), *range(0x20000, sys.maxunicode, 997))
    for code in everywhere:
        shown = safe_text(f"a{chr(code)}")[1:]
        assert all(category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in shown), hex(code)
        assert all(bidirectional(char) not in ("RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI") for char in shown)
        assert cells(shown) == cell_len(shown), hex(code)


@given(st.text(st.characters(codec=None)), st.integers(0, 30))
def test_any_text_fits(value: str, limit: int) -> None:
    assert cells(safe_text(value, limit)) <= limit
    if cells(safe_text(value)) <= limit:
        assert safe_text(value, limit) == safe_text(value)
