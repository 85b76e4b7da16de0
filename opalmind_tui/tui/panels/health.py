"""HEALTH: every part with the reason for its state, and what would survive a crash."""

from __future__ import annotations

from collections import Counter

from opalmind_tui.snapshot.model import Check, Snapshot, Verdict
from opalmind_tui.text import cells, safe_text
from opalmind_tui.tui.drawn import remembered
from opalmind_tui.tui.lines import Area, Line, Span, Tone, left, line, paragraph, wrap
from opalmind_tui.tui.sheet import SIGNS, TONES, WORDS, Sheet, sheet

SERVICES = "Services keep their own queues in their memory; those are not visible here."
_ASIDE = 64
"""From this width on the reason stands beside the name."""
_REASON_ROWS = 2


def render(snapshot: Snapshot, area: Area) -> Sheet:
    """The panel."""
    health = snapshot.health.value
    return sheet(
        "HEALTH",
        snapshot,
        snapshot.health,
        area,
        lambda view, room: _body(view.checks, snapshot.store.durability, _services(snapshot), room),
        verdict=health.verdict if health else Verdict.UNKNOWN,
    )


@remembered
def _body(checks: tuple[Check, ...], durability: str, services: str, area: Area) -> list[Line]:
    rows: list[Line] = []
    for check in checks:
        rows += _beside(check, area.width) if area.width >= _ASIDE else _below(check, area.width)
    if durability:
        rows += paragraph(safe_text(durability), Area(area.width, 3), Tone.DIM)
    return [*rows, *paragraph(services, Area(area.width, 3), Tone.DIM)]


def _services(snapshot: Snapshot) -> str:
    """What is known of services' own queues."""
    view = snapshot.services.value
    if view is None or not view.services:
        return SERVICES
    told = [one.figures for one in view.services if one.figures is not None]
    counts = Counter(one.figures.status if one.figures and not one.trouble else str(one.reach) for one in view.services)
    waiting = sum((figures.pending or 0) + (figures.inflight or 0) for figures in told)
    states = ", ".join(f"{number} {safe_text(state)}" for state, number in sorted(counts.items()))
    return f"Services: {states}; {waiting:,} wait in their own queues."


def _name(check: Check) -> tuple[Span, Span]:
    tone = TONES[check.verdict]
    word = "" if check.verdict is Verdict.OK else f" {WORDS[check.verdict]}"
    return Span(f"{SIGNS[check.verdict]} ", tone), Span(f"{safe_text(check.name, 24)}{word}", tone)


def _beside(check: Check, width: int) -> list[Line]:
    sign, name = _name(check)
    reasons = wrap(safe_text(check.output), width - 26, _REASON_ROWS) or [""]
    first = line(sign, left(name.text, 23, name.tone), " ", reasons[0])
    return [first, *(line(" " * 26, Span(more)) for more in reasons[1:])]


def _below(check: Check, width: int) -> list[Line]:
    sign, name = _name(check)
    reason = safe_text(check.output)
    if check.verdict is Verdict.OK and 2 + cells(name.text) + 2 + cells(reason) <= width:
        return [line(sign, name, "  ", Span(reason, Tone.DIM))]
    return [line(sign, name), *(line("  ", Span(row)) for row in wrap(reason, width - 2, _REASON_ROWS))]
