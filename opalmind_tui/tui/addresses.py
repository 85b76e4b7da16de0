"""The address of a server in few cells: what tells servers apart, its port and its end, is kept."""

from __future__ import annotations

from opalmind_tui.text import ELLIPSIS, cells, safe_text

_LEAST_HEAD = 3
"""Cells of a host under which its beginning tells nothing."""


def shortened(address: str, limit: int) -> str:
    """An address from outside, made safe, in at most `limit` cells: the middle of host or folder gives way."""
    text = safe_text(address)
    if cells(text) <= limit:
        return text
    at = text.rfind("/") if text.startswith("/") else max(text.rfind(":"), -1)
    head, tail = (text[:at], text[at:]) if at >= 0 else (text, "")
    room = limit - cells(tail)
    if room < _LEAST_HEAD:
        return ending(text, limit)
    front = room // 2
    # A text that is cut ends in the sign.
    begin = safe_text(head, front + 1)
    return begin + _end(head, room - cells(begin)) + tail


def ending(text: str, limit: int) -> str:
    """A safe text in at most `limit` cells: its beginning gives way."""
    return text if cells(text) <= limit else ELLIPSIS + _end(text, limit - 1)


def _end(text: str, width: int) -> str:
    """As much of the end as fits."""
    kept = ""
    for char in reversed(text):
        if cells(char + kept) > width:
            break
        kept = char + kept
    return kept
