"""What the panels of the Redis place have in common."""

from __future__ import annotations

from collections.abc import Callable

from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.snapshot.redis_report import RedisReport
from opalmind_tui.text import safe_text
from opalmind_tui.tui.lines import Area, Line, Span, Tone, left, line, paragraph, wrap
from opalmind_tui.tui.sheet import Sheet

LABEL = 10
FORBIDDEN = "not permitted (ACL)"
Body = Callable[[RedisReport, Area], list[Line]]


def near(title: str, snapshot: Snapshot, area: Area, body: Body, *, needs: str = "", note: str = "") -> Sheet:
    """A panel of the report: its body, or that the server does not permit the command that it needs.

    Why there is no report the first panel says, and the bar; the others stay empty.
    """
    report = snapshot.redis.value
    inner = Area(max(1, area.width - 2), max(0, area.height - 1))
    if report is None:
        return Sheet(title, (line(Span("–", Tone.DIM)),))
    if needs and needs in report.denied:
        return Sheet(title, (line(Span(FORBIDDEN, Tone.WARN)),), note=note)
    return Sheet(title, tuple(body(report, inner)), note=note)


def row(label: str, *parts: Span | str) -> Line:
    """A label and what is said of it."""
    return line(left(label, LABEL, Tone.DIM), *parts)


def said(label: str, text: str, width: int, tone: Tone = Tone.STRONG, most: int = 3) -> list[Line]:
    """A label and a sentence in as many rows as that takes."""
    rows = wrap(text, width - LABEL, most)
    return [row(label if not number else "", Span(one, tone)) for number, one in enumerate(rows)]


def waiting(snapshot: Snapshot, area: Area) -> list[Line]:
    """Why there is no report, or that it is on its way."""
    error = safe_text(snapshot.redis.error or snapshot.server.error or "")
    return paragraph(error or "Looking …", Area(area.width, 4), Tone.FAIL if error else Tone.DIM)
