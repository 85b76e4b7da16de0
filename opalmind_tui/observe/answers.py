"""Answers of a server beside INFO, which it may refuse or break, as values. Pure."""

from __future__ import annotations

from typing import Any

from opalmind_tui.snapshot.redis_report import SlowCommand

WORD = 40
"""Characters that are kept of a word of the server."""


def word(value: object, limit: int = WORD) -> str:
    """A text of the server, cut."""
    return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))[:limit]


def slow_commands(answer: Any) -> tuple[SlowCommand, ...]:
    """What SLOWLOG GET answered; of a command its name alone. Nothing where it was refused."""
    entries = answer if isinstance(answer, list) else []
    return tuple(
        SlowCommand(
            word(entry.get("command", b"")).partition(" ")[0],
            float(entry.get("start_time", 0)),
            float(entry.get("duration", 0)) / 1e6,
        )
        for entry in entries
        if isinstance(entry, dict)
    )
