"""The language of filters: what it reads, what it refuses, and that it writes what it can read again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalmind_tui.snapshot.filters import LONGEST, BadFilter, Filter, Term, parse_filter


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", ()),
        ("  two words ", (Term("", "two"), Term("", "words"))),
        ("site:1 -kind:event", (Term("site", "1"), Term("kind", "event", negated=True))),
        ("!x -y", (Term("", "x", negated=True), Term("", "y", negated=True))),
        ('error:"no answer" "a \\"b\\""', (Term("error", "no answer"), Term("", 'a "b"'))),
        ("https://example.org/?a=b", (Term("", "https://example.org/?a=b"),)),
        ("URL:/Page", (Term("url", "/Page"),)),
        ("attempts:>3 age:>1h30m age:<2d", (Term("attempts", ">3"), Term("age", ">1h30m"), Term("age", "<2d"))),
        ("status:5xx status:none unknown:yes", (Term("status", "5xx"), Term("status", "none"), Term("unknown", "yes"))),
    ],
)
def test_what_is_read(text: str, terms: tuple[Term, ...]) -> None:
    assert parse_filter(text) == Filter(terms)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("site:1 sight:2", "sight:2"), ("age:old", "age:old"), ("age:>", "age:>"), ("attempts:-1", "attempts:-1"),
        ("status:20", "status:20"), ("unknown:maybe", "unknown:maybe"), ('a "b c', '"b'), ("site:", "site:"),
        ("state:gone", "state:gone"), ("kind:hit", "kind:hit"), ("-", "-"), ('""', '""'),
        ("x" * (LONGEST + 1), "x" * 20 + "…"), (" ".join("abcdefghijklmnopqrstuvwxyz"), "u"),
    ],
)  # fmt: skip
def test_a_word_that_means_nothing_is_named(text: str, word: str) -> None:
    with pytest.raises(BadFilter) as refused:
        parse_filter(text)
    assert refused.value.word == word


def test_times_and_numbers_are_compared() -> None:
    found = [term.compared for term in parse_filter("age:>1h30m age:<90s attempts:>3 attempts:2").terms]
    assert found == [(">", 5400.0), ("<", 90.0), (">", 3.0), ("=", 2.0)]


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_and_written_again(text: str) -> None:
    try:
        found = parse_filter(text)
    except BadFilter:
        return
    assert parse_filter(str(found)) == found
