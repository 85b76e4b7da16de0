"""QUEUE: what waits, how it moves, and whether all of it can be accounted for."""

from __future__ import annotations

import math

from opalmind_tui.snapshot.model import Figure, Gate, GateKind, Mode, QueueView, Snapshot, Verdict
from opalmind_tui.tui import figures
from opalmind_tui.tui.grid import Cell, Columns, beside, grid, trimmed
from opalmind_tui.tui.lines import Area, Line, Span, Tone, line, outside, paragraph, width_of
from opalmind_tui.tui.panels.history import picture
from opalmind_tui.tui.sheet import Sheet, sheet, verdict_of

CHECK = "tracking-queue"
_SINGLE = Columns(9, 7)
_NARROW = Columns(9, 6, 2, 5, 6)
_MEDIUM = Columns(9, 9, 3, 9, 7)
_GATE_WORDS = {
    GateKind.COOLDOWN: "cooldown",
    GateKind.BREAKER: "breaker",
    GateKind.TOKEN: "token refused",
    GateKind.RECORDING_OFF: "recording is off",
    GateKind.PAUSED: "paused",
}


def render(snapshot: Snapshot, area: Area) -> Sheet:
    """The panel."""
    queue = snapshot.queue.value
    verdict = verdict_of(snapshot, CHECK)
    if queue and (queue.ledger_alarm or queue.epoch_changed):
        verdict = Verdict.FAIL
    note = "in memory" if snapshot.store.mode is Mode.MEMORY else ""
    return sheet(
        "QUEUE",
        snapshot,
        snapshot.queue,
        area,
        lambda view, room: _body(snapshot, view, room),
        verdict=verdict,
        note=note,
    )


def _body(snapshot: Snapshot, queue: QueueView, area: Area) -> list[Line]:
    narrow = area.width < _MEDIUM.width
    columns = _SINGLE if area.width < _NARROW.width else _NARROW if narrow else _MEDIUM
    lefts = _counts(queue, snapshot.taken_at, columns.value)
    rights = _rates(queue)[: 3 if narrow else 5]
    rows = grid(lefts, rights if columns.right_value else [], columns)
    if columns is _NARROW:
        rows = beside(rows, picture(snapshot, Figure.BACKLOG, 11, 2), 3, area)
    if columns is _SINGLE:
        rows.append(line(Span(f"in {figures.rate(queue.accepted_rate)} out {figures.rate(queue.delivered_rate)}")))
    if not narrow or queue.closed is None:
        rows.append(_slope(queue, wide=not narrow))
    if columns is _MEDIUM and area.width < _MEDIUM.width + 12:
        room = area.width - width_of(rows[-1]) - 2
        rows[-1] = line(*rows[-1], "  ", Span(picture(snapshot, Figure.BACKLOG, room, 1)[0], Tone.CHART))
    if columns is not _SINGLE or queue.closed is not None:
        # Closed, that is the reason why the backlog does what it does.
        rows += _gate(queue, snapshot.taken_at, Area(area.width, 1 if columns is _SINGLE else 2))
    done = [(queue.rejected, "rejected"), (queue.dropped, "dropped"), (queue.purged, "purged")]
    delivered = Span(f"delivered {queue.delivered:,}", Tone.OK if queue.delivered else Tone.PLAIN)
    rows.append(_chips(delivered, done, area.width))
    rows.append(_ledger(queue, area.width))
    if not narrow:
        came = [(queue.duplicates, "duplicates"), (queue.conflicts, "conflicts"), (queue.recovered, "recovered")]
        rows.append(_chips(Span(f"accepted {queue.accepted:,}"), came, area.width))
        if queue.other_endpoints:
            rows.append(line(Span("for another Matomo ", Tone.DIM), f"{queue.other_endpoints:,}"))
    if area.width >= _MEDIUM.width + 12:
        chart = picture(snapshot, Figure.BACKLOG, area.width - _MEDIUM.width - 3, 5)
        rows = beside(rows, chart, 0, area, gap=3, caption="backlog")
    return trimmed(rows, area.height)


def _counts(queue: QueueView, now: float, width: int) -> list[Cell | None]:
    age = None if queue.oldest_accepted is None else now - queue.oldest_accepted
    return [
        Cell("pending", figures.count(queue.pending, width - 1)),
        Cell("scheduled", figures.count(queue.scheduled, width - 1), Tone.WARN if queue.scheduled else Tone.STRONG),
        Cell("inflight", figures.count(queue.inflight, width - 1)),
        Cell("dead", figures.count(queue.dead, width - 1), Tone.FAIL if queue.dead else Tone.STRONG),
        Cell("oldest", figures.span(age)),
    ]


def _rates(queue: QueueView) -> list[Cell | None]:
    refused = queue.rejected + queue.dropped
    return [
        Cell("in", figures.rate(queue.accepted_rate)),
        Cell("out", figures.rate(queue.delivered_rate)),
        Cell("retry", figures.rate(queue.retried_rate), Tone.WARN if queue.retried_rate >= 0.05 else Tone.STRONG),
        Cell("rejected", figures.count(refused, 6), Tone.WARN if refused else Tone.STRONG),
        Cell("unknown", figures.count(queue.unknown, 6), Tone.WARN if queue.unknown else Tone.STRONG),
    ]


def _slope(queue: QueueView, *, wide: bool) -> Line:
    """Where the backlog goes, and its end if it has one."""
    label = Span("backlog  ", Tone.DIM)
    if queue.slope >= 0.05:
        return line(label, Span(f"grows {figures.rate(queue.slope)}", Tone.WARN))
    if not queue.backlog:
        return line(label, Span("none" if not wide else "none, all is out", Tone.OK))
    if queue.slope <= -0.05 and queue.clears_in is not None and math.isfinite(queue.clears_in):
        return line(label, Span(f"clears in {figures.words(queue.clears_in)}", Tone.OK))
    return line(label, Span("steady"))


def _gate(queue: QueueView, now: float, area: Area) -> list[Line]:
    """Why nothing goes out, or who sends."""
    if queue.closed is not None:
        state = Span(_gate_text(queue.closed, now, brief=area.width < 30), Tone.WARN)
        reason = outside(queue.closed.reason, Tone.WARN, area.width)
        return [line(one) for one in (state, reason) if one.text][: area.height]
    if queue.held:
        return paragraph(f"{queue.held:,} held: over 24 h old, no usable token", area, Tone.WARN)
    rate = queue.control.rate
    limit = Span(f" at most {rate.per_second:g}/s" if rate is not None else "", Tone.WARN)
    if queue.workers:
        return [line(Span("delivery ", Tone.DIM), f"{queue.workers} worker{'s' if queue.workers > 1 else ''}", limit)]
    if queue.delivering_here:
        return [line(Span("delivery ", Tone.DIM), "here", limit)]
    return [line(Span("delivery ", Tone.DIM), Span("no worker connected", Tone.WARN))]


def _gate_text(gate: Gate, now: float, *, brief: bool) -> str:
    left = gate.until - now
    until = ""
    if math.isfinite(left):
        what = "ends" if gate.kind in (GateKind.COOLDOWN, GateKind.PAUSED) else "probe"
        until = f", {what}{'' if brief else ' in'} {figures.words(left)}" if left > 0 else ", probing now"
    return f"{_GATE_WORDS[gate.kind]}{until}"


def _chips(first: Span, rest: list[tuple[int, str]], width: int) -> Line:
    """A figure, and as many of the others as are not 0 and fit whole."""
    spans = [first]
    room = width - len(first.text)
    for number, word in rest:
        text = f"  {word} {figures.short(number)}"
        if number and len(text) <= room:
            spans.append(Span(text, Tone.DIM))
            room -= len(text)
    return tuple(spans)


def _ledger(queue: QueueView, width: int) -> Line:
    """The sum that must come out even (I1)."""
    difference = queue.ledger_alarm
    label = Span("ledger ", Tone.DIM)
    if queue.epoch_changed:
        return line(label, Span("counters were lost", Tone.FAIL))
    if difference > 0:
        return line(label, Span(f"{figures.short(difference)} missing", Tone.FAIL))
    if difference < 0:
        return line(label, Span(f"{figures.short(-difference)} too many", Tone.FAIL))
    if queue.ledger_difference:
        return line(label, Span(f"{figures.short(queue.ledger_difference)} noted", Tone.WARN))
    return line(label, Span("0"), Span("  nothing lost" if width >= 22 else ", none lost", Tone.OK))
