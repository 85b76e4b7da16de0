"""What is typed may be any bytes: a terminal in Latin-1 sends an umlaut as a byte that is no UTF-8."""

from __future__ import annotations

from codecs import IncrementalDecoder, getincrementaldecoder
from functools import partial

from textual.drivers import linux_driver


def take_any_bytes() -> None:
    """Let bytes that are no UTF-8 arrive as U+FFFD. Textual's driver reads strictly and would end the dashboard."""
    linux_driver.getincrementaldecoder = _lenient  # type: ignore[assignment, attr-defined]


def _lenient(encoding: str) -> partial[IncrementalDecoder]:
    return partial(getincrementaldecoder(encoding), errors="replace")
