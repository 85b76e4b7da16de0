"""What the dashboard's own log tells: the newest events first."""

from __future__ import annotations

import re

from opalmind_tui.logs.file import Tail, last_lines, log_path

_BEGINS = re.compile(r"\d{4}-\d\d-\d\dT").match


def log_text(*, read_only: bool) -> str:
    """The page. What was written while it was open is there at the next look."""
    if read_only:
        return "This dashboard is read-only: it keeps no log."
    path = log_path()
    return written(last_lines(path), str(path))


def written(tail: Tail, path: str) -> str:
    """The page of a log's end: an event and what belongs to it stay together."""
    if tail.trouble:
        return f"No log can be read: {tail.trouble}\n\n{path}"
    events: list[list[str]] = []
    for line in tail.lines:
        if _BEGINS(line) or not events:
            events.append([])
        events[-1].append(line)
    newest = "\n".join(line for event in reversed(events) for line in event)
    return f"{newest or 'Nothing was logged yet.'}\n\n{path}"
