"""FINDINGS: what the doctor found, a line each, and one of them in full. What was seen is foreign text."""

from __future__ import annotations

from opalmind_tui.snapshot.findings import Diagnosis, Finding, Severity
from opalmind_tui.text import cells, safe_text
from opalmind_tui.tui import figures
from opalmind_tui.tui.addresses import shortened
from opalmind_tui.tui.lines import Area, Line, Span, Tone, fit, left, line, outside, wrap

LOOKING = "Looking at Redis, queue, cache and Matomo …"
SIGNS = {Severity.FAILURE: "✗", Severity.WARNING: "!", Severity.REMARK: "·"}
TONES = {Severity.FAILURE: Tone.FAIL, Severity.WARNING: Tone.WARN, Severity.REMARK: Tone.DIM}
_WORD = 9
_LABEL = 7
_MOST = 40
"""Rows of one part of a finding."""


def finding_line(finding: Finding, width: int, *, cursor: Tone | None = None) -> Line:
    """One finding in the list. `cursor` marks the line under the cursor, by a sign and by its ground."""
    severity = finding.severity
    spans = fit(
        line(
            "▸ " if cursor else "  ",
            Span(f"{SIGNS[severity]} ", TONES[severity]),
            left(str(severity), _WORD, TONES[severity]),
            outside(finding.title, limit=300),
        ),
        width,
    )
    return spans if cursor is None else tuple(Span(span.text, cursor) for span in spans)


def finding_rows(finding: Finding, area: Area) -> list[Line]:
    """A finding in full: every part with its label, none of it cut; room between them where there is some."""
    width = area.width
    rows: list[Line] = [(Span(row, Tone.STRONG),) for row in wrap(safe_text(finding.title), width, _MOST)]
    parts = (
        ("seen", finding.evidence, Tone.PLAIN), ("means", finding.consequence, Tone.PLAIN),
        ("do", finding.remedy, Tone.PLAIN), ("run", finding.command, Tone.ACCENT), ("enter", finding.offer, Tone.OK),
    )  # fmt: skip
    for label, text, tone in parts:
        if text:
            rows += [(), *_part(label, text, tone, width)]
    return rows if len(rows) <= area.height else [row for row in rows if row]


def _part(label: str, text: str, tone: Tone, width: int) -> list[Line]:
    rows = wrap(safe_text(text), width - _LABEL, _MOST)
    return [line(left("" if number else label, _LABEL, Tone.DIM), Span(row, tone)) for number, row in enumerate(rows)]


def summary(diagnosis: Diagnosis) -> str:
    """How many findings there are, in how many checks of which server."""
    number = len(diagnosis.findings)
    found = f"{number} finding{'' if number == 1 else 's'}" if number else "nothing found"
    return f"{found} in {diagnosis.checks} checks"


def heading(diagnosis: Diagnosis | None, now: float, width: int) -> Line:
    """The title: what was found, where, and how long ago; what does not fit is left out."""
    name = line(Span("▌", Tone.ACCENT), Span("DOCTOR", Tone.TITLE))
    if diagnosis is None:
        return name
    parts = [f"  {summary(diagnosis)}", f" of {shortened(diagnosis.address, 40)}" if diagnosis.address else ""]
    ago = f", looked {figures.words(now - diagnosis.at)} ago"
    if sum(map(cells, parts)) + cells(ago) + 8 > width:
        parts.pop()
    return (*name, Span("".join(parts) + ago, Tone.DIM))
