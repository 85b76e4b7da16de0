"""REQUESTS: what an operator acts on, newest failures first."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from opalmind_tui.snapshot.model import RequestRow, Snapshot, State
from opalmind_tui.tui import figures
from opalmind_tui.tui.lines import Area, Line, Span, Tone, line, listed, outside, paragraph
from opalmind_tui.tui.table import Column, head, row

_SIGNS = {
    State.PENDING: ("· ", "pend", Tone.PLAIN),
    State.SCHEDULED: ("↻ ", "sched", Tone.WARN),
    State.INFLIGHT: ("→ ", "infl", Tone.ACCENT),
    State.DEAD: ("✗ ", "dead", Tone.FAIL),
    State.TRASH: ("- ", "trash", Tone.PLAIN),
    State.DELIVERED: ("✓ ", "deliv", Tone.OK),
    State.REJECTED: ("✗ ", "rej", Tone.WARN),
}


NO_SITES: Mapping[str, str] = MappingProxyType({})


class Shown(Struct, frozen=True):
    """A request at a moment."""

    request: RequestRow
    now: float
    name: str = ""
    """Matomo's name of its site, raw."""


def headline(width: int) -> Line:
    """The titles of the columns."""
    return line("  ", *head(COLUMNS, width - 3), " ")


def request_line(
    request: RequestRow, now: float, width: int, *, cursor: Tone | None = None, sites: Mapping[str, str] = NO_SITES
) -> Line:
    """One request. `cursor` marks the line under the cursor, by a sign and by its ground; `sites`: names by number."""
    spans = row(COLUMNS, Shown(request, now, sites.get(request.site, "")), width - 3)
    return listed(spans, cursor)


def empty(snapshot: Snapshot, area: Area) -> list[Line]:
    """What stands where no request does: why, and what to do next."""
    queue, reading = snapshot.queue.value, snapshot.requests
    if reading.value is None:
        text = reading.error or "Waiting for the first answer."
        return paragraph(outside(text).text, area, Tone.FAIL if reading.error else Tone.DIM)
    if queue is None or queue.accepted:
        done = f" All {queue.accepted:,} accepted requests are accounted for." if queue and not queue.backlog else ""
        return paragraph(f"No request waits.{done}", area, Tone.DIM)
    if snapshot.identity.demo:
        return paragraph("The demo's visitors are on their way.", area, Tone.DIM)
    lines = [line(Span("Nothing has been tracked yet. Next:", Tone.STRONG))]
    if not snapshot.identity.matomo:
        matomo = Span("export MATOMO_BASE_URL=https://matomo.example.org", Tone.ACCENT)
        lines.append(line("  Name your Matomo:   ", matomo))
    lines += [
        line("  Track a page view:  ", Span("opalmind-tui track pageview --url https://example.org/", Tone.ACCENT)),
        line("  Or a whole file:    ", Span("opalmind-tui track --from requests.jsonl", Tone.ACCENT)),
        line("  See it all move:    ", Span("opalmind-tui demo", Tone.ACCENT)),
        line(Span("Requests appear here within a second. Services' own queues are not visible here.", Tone.DIM)),
    ]
    return lines[: area.height]


def state_span(state: State) -> Span:
    """The state as a word with its sign."""
    sign, _, tone = _SIGNS[state]
    return Span(f"{sign}{state}", tone)


def _brief_state(shown: Shown) -> Span:
    sign, word, tone = _SIGNS[shown.request.state]
    return Span(f"{sign}{word}", tone)


def _what(shown: Shown) -> Span:
    """The label without the scheme that nearly all of them share."""
    return outside(shown.request.label.removeprefix("https://"), limit=300)


def _age(shown: Shown) -> Span:
    return Span(figures.span(shown.now - shown.request.accepted))


def _next(shown: Shown) -> Span:
    request = shown.request
    if request.state is State.DEAD or request.next_try is None:
        return Span("-", Tone.DIM)
    left = request.next_try - shown.now
    if request.state is State.INFLIGHT:
        return Span("now", Tone.ACCENT)
    return Span(figures.span(left) if left >= 1 else "now")


def _error(shown: Shown) -> Span:
    request = shown.request
    status = "" if request.status is None or request.error.startswith(str(request.status)) else f"{request.status} "
    unknown = "outcome unknown; " if request.unknown else ""
    tone = Tone.FAIL if request.state is State.DEAD else Tone.WARN
    return outside(f"{unknown}{status}{request.error}", tone, 300)


def _failed(shown: Shown) -> Span:
    failed = shown.request.failed_at
    return Span(figures.clock(failed) if failed else "-", Tone.DIM)


COLUMNS: tuple[Column[Shown], ...] = (
    Column("state", 7, _brief_state, below=100),
    Column("state", 11, lambda one: state_span(one.request.state), from_width=100),
    Column("age", 6, _age, to_right=True),
    Column("kind", 8, lambda one: outside(one.request.kind, Tone.DIM, 8), from_width=90),
    Column("what", 10, _what, share=3),
    Column("site", 4, lambda one: outside(one.request.site, limit=4), to_right=True),
    Column("name", 10, lambda one: outside(one.name, Tone.DIM, 10), from_width=110, below=150),
    Column("name", 20, lambda one: outside(one.name, Tone.DIM, 20), from_width=150),
    Column("try", 3, lambda one: Span(figures.count(one.request.attempts, 3)), to_right=True),
    Column("next", 6, _next, to_right=True),
    Column("failed at", 9, _failed, to_right=True, from_width=110),
    Column("size", 5, lambda one: Span(figures.size(one.request.size), Tone.DIM), to_right=True, from_width=150),
    Column("key", 8, lambda one: outside(one.request.key or "-", Tone.DIM, 80), share=1, from_width=150),
    Column("id", 14, lambda one: outside(one.request.id, Tone.DIM, 14), from_width=180),
    Column("last error", 12, _error, share=2),
)
