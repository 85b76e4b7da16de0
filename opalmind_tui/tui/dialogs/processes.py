"""Who works on this Redis: a table that fits 80 columns. Host and user names are foreign text."""

from __future__ import annotations

from opalmind_tui.snapshot.model import ProcessView, Snapshot
from opalmind_tui.text import safe_text
from opalmind_tui.tui import figures
from opalmind_tui.tui.lines import left

COLUMNS = (("does", 8), ("role", 9), ("host : process", 20), ("user", 9), ("version", 7), ("holds", 7), ("seen", 6))
"""Name and cells of each; with the gaps no wider than a reading window of 80 columns."""
SPARE = ("version", "user")
"""What a narrower window goes without, the first to go first."""
PLACE = dict(COLUMNS)["host : process"]


def processes_text(snapshot: Snapshot, width: int = 78) -> str:
    """The table in so many columns, or why there is none."""
    reading = snapshot.processes
    if reading.value is None or reading.error:
        return f"They cannot be listed now: {safe_text(reading.error or 'not read yet', 200)}"
    endpoint = snapshot.queue.value.endpoint if snapshot.queue.value else ""
    shown = _shown(width)
    rows = [_row(process, endpoint) for process in reading.value]
    notes = []
    if not any(row["does"] == "delivers" for row in rows):
        notes.append("No worker connected: nobody takes requests for this Matomo from Redis.")
    if not rows:
        return "\n".join([*notes, "Nobody has announced itself within 15 seconds."])
    if any(row["does"] == "others" for row in rows):
        notes.append("others: it delivers to another Matomo.")
    notes.append("* this process. Holds: requests in claims. Who is silent for 15 s is dropped.")
    head = {name: name for name, _ in COLUMNS}
    return "\n".join([*(_line(row, shown) for row in (head, *rows)), "", *notes])


def _shown(width: int) -> list[tuple[str, int]]:
    """The columns that fit."""
    shown = list(COLUMNS)
    for name in SPARE:
        if sum(cells + 1 for _, cells in shown) - 1 > width:
            shown = [column for column in shown if column[0] != name]
    return shown


def _row(process: ProcessView, endpoint: str) -> dict[str, str]:
    does = "observes"
    if process.delivers:
        does = "delivers" if process.endpoint == endpoint else "others"
    place = f"{safe_text(process.host, PLACE - len(str(process.pid)) - 2)}:{process.pid}"
    return {
        "does": does,
        "role": process.role,
        "host : process": place + ("*" if process.here else ""),
        "user": process.user,
        "version": process.version,
        "holds": f"{process.requests}/{process.claims}" if process.claims else "-",
        "seen": figures.span(process.age),
    }


def _line(row: dict[str, str], shown: list[tuple[str, int]]) -> str:
    return " ".join(left(safe_text(row[name]), width).text for name, width in shown).rstrip()
