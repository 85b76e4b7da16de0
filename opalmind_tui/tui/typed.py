"""What is typed or pasted may be anything: bytes that are no UTF-8, or text that a stranger wrote (I9)."""

from __future__ import annotations

from codecs import IncrementalDecoder, getincrementaldecoder
from functools import partial

from textual.drivers import linux_driver


def take_any_bytes() -> None:
    """Let bytes that are no UTF-8, as a terminal in Latin-1 sends, arrive as U+FFFD. Textual's driver would end."""
    linux_driver.getincrementaldecoder = _lenient  # type: ignore[assignment, attr-defined]


def pasted(text: str) -> str:
    """What a field takes of a pasted text: without what commands a terminal or turns the writing round."""
    return "".join(char for char in text.expandtabs(1) if char.isprintable() or char == "\n")


def _lenient(encoding: str) -> partial[IncrementalDecoder]:
    return partial(getincrementaldecoder(encoding), errors="replace")
