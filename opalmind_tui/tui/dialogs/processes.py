"""Who works on this Redis: a table that fits 80 columns. Host and user names are foreign text."""

from __future__ import annotations

from opalmind_tui.snapshot.model import ProcessView, Snapshot
from opalmind_tui.text import cells, safe_text
from opalmind_tui.tui import figures

HEAD = ("does", "role", "host : process", "user", "version", "holds", "seen")
WIDTHS = (8, 9, 20, 9, 7, 7, 6)
"""Cells of each column; with the gaps no wider than a reading window."""


def processes_text(snapshot: Snapshot) -> str:
    """The table, or why there is none."""
    reading = snapshot.processes
    if reading.value is None or reading.error:
        return f"They cannot be listed now: {safe_text(reading.error or 'not read yet', 200)}"
    endpoint = snapshot.queue.value.endpoint if snapshot.queue.value else ""
    rows = [_row(process, endpoint) for process in reading.value]
    notes = []
    if not any(row[0] == "delivers" for row in rows):
        notes.append("No worker connected: nobody takes requests for this Matomo from Redis.")
    if not rows:
        return "\n".join([*notes, "Nobody has announced itself within 15 seconds."])
    if any(row[0] == "others" for row in rows):
        notes.append("others: it delivers to another Matomo.")
    notes.append("* this process. Holds: requests in claims. Who is silent for 15 s is dropped.")
    return "\n".join([_line(HEAD), *map(_line, rows), "", *notes])


def _row(process: ProcessView, endpoint: str) -> tuple[str, ...]:
    does = "observes"
    if process.delivers:
        does = "delivers" if process.endpoint == endpoint else "others"
    place = f"{safe_text(process.host, WIDTHS[2] - len(str(process.pid)) - 2)}:{process.pid}"
    return (
        does,
        safe_text(process.role, WIDTHS[1]),
        place + ("*" if process.here else ""),
        safe_text(process.user, WIDTHS[3]),
        safe_text(process.version, WIDTHS[4]),
        f"{process.requests}/{process.claims}" if process.claims else "-",
        figures.span(process.age),
    )


def _line(row: tuple[str, ...]) -> str:
    return " ".join(
        text + " " * (width - cells(text))
        for text, width in zip((safe_text(text, width) for text, width in zip(row, WIDTHS, strict=True)), WIDTHS,
                               strict=True)
    ).rstrip()  # fmt: skip
