"""All that is known of one request, as lines: what it says, its tries, its key, and the text as it is stored."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from opalmind_tui.snapshot.listing import Attempt, Parameter, RequestDetail
from opalmind_tui.snapshot.model import RequestRow
from opalmind_tui.text import cells, safe_block, safe_text
from opalmind_tui.tui import figures
from opalmind_tui.tui.lines import EMPTY, Line, Span, Tone, left, line, wrap
from opalmind_tui.tui.panels.requests import state_span

_LABEL = 11
_NAME, _MEANING = 12, 28
_MEANING_FROM = 70
"""Columns from which on Matomo's names have their meaning beside them."""
_VALUE_ROWS = 4
_TRY_ROWS = 3
_RECORD_ROWS = 4
_ALL = 100_000


def title(row: RequestRow) -> str:
    """The request in one line. Text from outside."""
    return f"{safe_text(row.kind, 10)}  {safe_text(row.label, 200)}"


def render(detail: RequestDetail, now: float, width: int, site: str = "") -> list[Line]:
    """Every line. Pure; what is from outside is made safe here. `site`: Matomo's name of it, where it is known."""
    parts = [_facts(detail, now, width, site)]
    if detail.params:
        parts.append(_section("What it says", _params(detail, width)))
    if detail.attempts:
        parts.append(_section(_tries_title(detail), _tries(detail.attempts, width)))
    if detail.row.key:
        parts.append(_section("Idempotency", _record(detail, width)))
    if detail.body_size:
        parts.append(_section(_body_title(detail), [(Span(text),) for text in _body(detail.body, width)]))
    shown: list[Line] = []
    for part in parts:
        shown += ([EMPTY] if shown else []) + part
    return shown


def _section(title: str, rows: list[Line]) -> list[Line]:
    return [line(Span(title, Tone.TITLE)), *rows]


# -- the row -------------------------------------------------------------------------------------------------------


def _facts(detail: RequestDetail, now: float, width: int, site: str) -> list[Line]:
    row = detail.row
    outcome = f"unknown: {row.unknown:,} posts without an answer; Matomo may have counted it" if row.unknown else ""
    facts = (
        ("state", _state(row, now)),
        ("accepted", f"{figures.stamp(row.accepted)}, {figures.words(now - row.accepted)} ago"),
        ("site", f"{row.site} {site}".rstrip() if site or not detail.params else ""),
        ("id", row.id),
        ("tried", _tried(row)),
        ("last error", "" if row.status is None and not row.error else _error(row)),
        ("outcome", outcome),
        ("recovered", f"{row.recovered:,} times from a lease that ran out" if row.recovered else ""),
        ("size", f"{row.size:,} bytes"),
        ("sent to", detail.endpoint),
    )
    return [drawn for name, value in facts if value for drawn in _fact(name, value, width)]


def _fact(name: str, value: str | Line, width: int) -> list[Line]:
    label = left(name, _LABEL, Tone.DIM)
    if not isinstance(value, str):
        return [line(label, *value)]
    return _beside(label, value, width, _VALUE_ROWS, Tone.WARN if name in ("last error", "outcome") else Tone.PLAIN)


def _beside(label: Span, value: str, width: int, most: int, tone: Tone = Tone.PLAIN) -> list[Line]:
    """A label, and text at its right in as many rows as it takes."""
    indent = cells(label.text)
    rows = wrap(safe_text(value), width - indent, most) or [""]
    return [line(label if not at else Span(" " * indent), Span(row, tone)) for at, row in enumerate(rows)]


def _state(row: RequestRow, now: float) -> Line:
    sign = state_span(row.state)
    if row.left_at is not None:
        return line(sign, Span(f"  {figures.stamp(row.left_at)}", Tone.DIM))
    if row.next_try is None:
        return line(sign)
    away = row.next_try - now
    when = f"in {figures.words(away)}" if away > 0 else "due now"
    return line(sign, Span(f"  next try {figures.clock(row.next_try)}, {when}", Tone.DIM))


def _tried(row: RequestRow) -> str:
    if not row.attempts and row.failed_at is None:
        return "never"
    times = "once" if row.attempts == 1 else f"{row.attempts:,} times"
    return times + (f", failed {figures.stamp(row.failed_at)}" if row.failed_at else "")


def _error(row: RequestRow) -> str:
    said = row.error or "-"
    return said if row.status is None or said.startswith(str(row.status)) else f"{row.status} {said}"


# -- its parts -----------------------------------------------------------------------------------------------------


def _params(detail: RequestDetail, width: int) -> list[Line]:
    rows = [drawn for parameter in detail.params for drawn in _param(parameter, width)]
    hidden = sum(1 for parameter in detail.params if parameter.masked and parameter.personal)
    if hidden:
        rows.append(line(Span(f"  {hidden} with personal data hidden", Tone.DIM)))
    return rows


def _param(parameter: Parameter, width: int) -> list[Line]:
    label = line("  ", left(safe_text(parameter.name, _NAME), _NAME + 1, Tone.ACCENT))
    if width >= _MEANING_FROM:
        label = (*label, left(safe_text(parameter.meaning, _MEANING), _MEANING + 1, Tone.DIM))
    indent = sum(cells(span.text) for span in label)
    tone = Tone.DIM if parameter.masked else Tone.PLAIN
    long = f" ({len(parameter.value):,} characters)"
    room = (width - indent) * _VALUE_ROWS
    value = safe_text(parameter.value, room)
    rows = wrap(value, width - indent, _VALUE_ROWS) or [""]
    if cells(value) >= room:
        rows[-1] = safe_text(rows[-1], max(1, width - indent - len(long))) + long
    return [
        line(*(label if not at else (Span(" " * indent),)), Span(text, tone))
        for at, text in enumerate(rows)
    ]  # fmt: skip


def _tries_title(detail: RequestDetail) -> str:
    shown = len(detail.attempts)
    return "Tries" if shown >= detail.row.attempts else f"Tries, the last {shown} of {detail.row.attempts:,}"


def _tries(attempts: Iterable[Attempt], width: int) -> list[Line]:
    return [drawn for attempt in attempts for drawn in _try(attempt, width)]


def _try(attempt: Attempt, width: int) -> list[Line]:
    """When, what Matomo answered, who tried, and when the next one was due."""
    status = "  - " if attempt.status is None else f" {attempt.status:>3}"
    label = Span(f"  {figures.clock(attempt.at)}{status}  ", Tone.WARN)
    then = "no further try" if attempt.delay is None else f"next after {figures.lifetime(round(attempt.delay, 1))}"
    who = f"by {safe_text(attempt.worker, 60)}, " if attempt.worker else ""
    rows = _beside(label, attempt.answer or "no answer", width, _TRY_ROWS)
    return [*rows, *_beside(Span(" " * cells(label.text)), f"{who}{then}", width, _TRY_ROWS, Tone.DIM)]


def _record(detail: RequestDetail, width: int) -> list[Line]:
    rows = _beside(left("  key", _LABEL, Tone.DIM), detail.row.key, width, _VALUE_ROWS)
    if not detail.record:
        return [*rows, *_beside(left("  record", _LABEL, Tone.DIM), "none: not sent yet", width, 1)]
    ends = "" if detail.record_ends is None else f"  goes in {figures.words(detail.record_ends)}"
    rows += _beside(left("  record", _LABEL, Tone.DIM), detail.record, width, _RECORD_ROWS)
    return [*rows, line(Span(f"{'':{_LABEL}}{ends.strip()}", Tone.DIM))] if ends else rows


def _body_title(detail: RequestDetail) -> str:
    have, size = len(detail.body), detail.body_size
    return "Stored text, " + (f"{have:,} of {size:,} characters" if have < size else f"{size:,} characters")


@lru_cache(maxsize=8)
def _body(body: str, width: int) -> tuple[str, ...]:
    """The text in rows; a look that brings the same one draws nothing anew."""
    return tuple(
        f"  {row}" for text in safe_block(body).split("\n") for row in wrap(text, width - 2, _ALL) or [""]
    )  # fmt: skip
