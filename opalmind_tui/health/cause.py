"""Line 2 of the screen: the one sentence about the most important trouble. Pure.

`CAUSES` is the order of importance, with the reason for each place: what may lose requests stands before what delays
them, and that before what merely costs. The first that applies is said.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from msgspec import Struct

from opalmind_tui.health.cache import cache_check, cause_of_cache
from opalmind_tui.health.document import health_view
from opalmind_tui.health.facts import Facts, Finding, known
from opalmind_tui.health.failing import LIMIT, at_times, how, share_of, together
from opalmind_tui.health.queue import REFUSING_FOR, age_of, late, nobody_delivers, overdue, queue_check
from opalmind_tui.health.redis import away_because, wrong_with
from opalmind_tui.health.words import Clock, lasting, many, since, utc_clock
from opalmind_tui.snapshot.model import Gate, GateKind, Mode, QueueView, Verdict

NOTHING_WRONG = "Nothing is wrong."


def cause_line(facts: Facts, clock: Clock = utc_clock) -> tuple[str, Verdict]:
    """The sentence and how bad it is, worst trouble first.

    Args:
        facts: what is known.
        clock: writes a moment as the time of day that the screen uses.

    Returns:
        (sentence, verdict); ``Nothing is wrong.`` where that is so.
    """
    for cause in CAUSES:
        if (found := cause.rule(facts, clock)) is not None:
            return found[1], found[0]
    return NOTHING_WRONG, Verdict.OK


def _ledger(facts: Facts, clock: Clock) -> Finding | None:
    view = known(facts.queue)
    if view is None:
        return None
    if view.epoch_changed:
        return Verdict.FAIL, "The queue's counters were replaced (server emptied or restored): requests may be lost."
    if view.ledger_alarm > 0:
        return (
            Verdict.FAIL,
            f"Ledger alarm: {many(view.ledger_alarm, 'accepted request')} cannot be accounted for.",
        )
    if view.ledger_alarm < 0:
        return Verdict.FAIL, f"Ledger alarm: {many(-view.ledger_alarm, 'request')} accounted for twice."
    return None


def _refusing(facts: Facts, clock: Clock) -> Finding | None:
    view = known(facts.queue)
    if view is None or not view.refused_by or facts.now - view.refused_at >= REFUSING_FOR:
        return None
    limit = facts.clean(view.refused_by, 2 * LIMIT)
    return Verdict.FAIL, f"New requests are refused, the last at {clock(view.refused_at)}: {limit}."


def _redis(facts: Facts, clock: Clock) -> Finding | None:
    store = facts.store
    away = away_because(facts)
    if not away:
        return None
    if store.mode is Mode.REDIS:
        return Verdict.FAIL, f"{away}{since(store.since, facts.now, clock)}. {facts.clean(store.remedy)}".rstrip()
    if store.recovering:
        return Verdict.WARN, f"Redis is back: {many(store.only_here, 'request')} of this process moving over."
    lives = "lives" if store.only_here == 1 else "live"
    here = f"{many(store.only_here, 'request')} {lives} only here" if store.only_here else "nothing waits here"
    return Verdict.WARN, f"{away}{since(store.since, facts.now, clock)}: running on memory, {here}."


def _gate(facts: Facts, clock: Clock) -> Finding | None:
    view = known(facts.queue)
    gate = view.closed if view is not None else None
    if view is None or gate is None or at_times(view, facts.now):
        return None
    sentence = _GATES[gate.kind](facts, view, gate, since(gate.since, facts.now, clock), clock)
    return queue_check(facts).verdict, sentence


def _token(facts: Facts, view: QueueView, gate: Gate, time: str, clock: Clock) -> str:
    return f"Matomo refuses the token{time}: {_waiting(view)}. Correct MATOMO_TOKEN."


def _outage(facts: Facts, view: QueueView, gate: Gate, time: str, clock: Clock) -> str:
    probe = "being probed now" if gate.until <= facts.now else f"next probe in {lasting(gate.until - facts.now)}"
    return f"{how(facts, gate.reason, gate.since)}{time}. Breaker open, {probe}. {_lost(view)}"


def _cooldown(facts: Facts, view: QueueView, gate: Gate, time: str, clock: Clock) -> str:
    ends = f"{clock(gate.until)}, {lasting(gate.until - facts.now)} from now"
    return f"{how(facts, gate.reason, gate.since)}{time}. Cooldown until {ends}. {_lost(view)}"


def _recording_off(facts: Facts, view: QueueView, gate: Gate, time: str, clock: Clock) -> str:
    return f"{facts.clean(gate.reason, LIMIT)}{time}: {_waiting(view)}."


def _paused(facts: Facts, view: QueueView, gate: Gate, time: str, clock: Clock) -> str:
    ends = f", on in {lasting(gate.until - facts.now)}" if math.isfinite(gate.until) else ""
    who = f" by {facts.clean(gate.reason, LIMIT)}" if gate.reason else ""
    return f"Sending is paused{who}{time}{ends}: {_waiting(view)}."


_GATES: dict[GateKind, Callable[[Facts, QueueView, Gate, str, Clock], str]] = {
    GateKind.TOKEN: _token,
    GateKind.BREAKER: _outage,
    GateKind.COOLDOWN: _cooldown,
    GateKind.RECORDING_OFF: _recording_off,
    GateKind.PAUSED: _paused,
}


def _waiting(view: QueueView) -> str:
    return f"{many(view.backlog, 'request')} {'waits' if view.backlog == 1 else 'wait'}"


def _lost(view: QueueView) -> str:
    return "Nothing lost." if not view.dead and not view.dropped else f"{view.dead:,} dead, {view.dropped:,} dropped."


def _unattended(facts: Facts, clock: Clock) -> Finding | None:
    view = known(facts.queue)
    if view is None or not nobody_delivers(view):
        return None
    age = lasting(age_of(view, facts.now))
    return queue_check(facts).verdict, f"No worker connected: {_waiting(view)}, the oldest for {age}."


def _unread_queue(facts: Facts, clock: Clock) -> Finding | None:
    error = facts.queue.error
    return None if error is None else (Verdict.WARN, f"The queue cannot be read: {facts.clean(error, 2 * LIMIT)}")


def _matomo(facts: Facts, clock: Clock) -> Finding | None:
    if facts.matomo.error is None:
        return None
    error = facts.clean(facts.matomo.error.removeprefix("Matomo: "), 2 * LIMIT)
    return Verdict.FAIL, f"Matomo does not answer as it should: {error}"


def _server(facts: Facts, clock: Clock) -> Finding | None:
    server = known(facts.server)
    findings = wrong_with(server) if server is not None else []
    return next(((verdict, f"Redis: {sentence}.") for verdict, sentence in findings), None)


def _later(facts: Facts, clock: Clock) -> Finding | None:
    """Nothing is sent because nothing is due."""
    view = known(facts.queue)
    if view is None or view.next_due is None or view.pending or view.inflight:
        return None
    if view.next_due <= facts.now or not overdue(view, facts.settings, facts.now):
        return None
    first = f"the first at {clock(view.next_due)}, in {lasting(view.next_due - facts.now)}"
    error = f"{facts.clean(view.last_error, LIMIT)}{share_of(facts, view.last_error)}"
    failed = f" Last error: {error}." if view.last_error else ""
    return queue_check(facts).verdict, f"Nothing is due: {_waiting(view)} for their next try, {first}.{failed}"


def _at_times(facts: Facts, clock: Clock) -> Finding | None:
    """Matomo fails now and then. One sentence, whether its gate is open or closed at this very moment."""
    view = known(facts.queue)
    if view is None or not at_times(view, facts.now):
        return None
    gate = view.closed
    reason, moment = (view.last_error, view.last_error_at) if gate is None else (gate.reason, gate.since)
    # Some wait at each failure: their number comes and goes with it. What does not clear is late within a minute.
    backlog = _backlog(facts, clock) if late(view, facts.settings, facts.now) else None
    verdict, rest = backlog if backlog is not None else (Verdict.WARN, _lost(view))
    reasons = together(facts, facts.lately or (reason,))
    return verdict, f"Matomo fails at times ({reasons}), the last at {clock(moment)}. {rest}"


def _backlog(facts: Facts, clock: Clock) -> Finding | None:
    """Backlog and age; dead and held requests come after it."""
    view = known(facts.queue)
    if view is None or not overdue(view, facts.settings, facts.now):
        return None
    end = f", clears in {lasting(view.clears_in)}" if view.clears_in is not None else ""
    grows = f", grows by {view.slope:.1f}/s" if view.slope > 0 else ""
    age = lasting(age_of(view, facts.now))
    return queue_check(facts).verdict, f"{_waiting(view)}, the oldest for {age}{end or grows}."


def _dead(facts: Facts, clock: Clock) -> Finding | None:
    view = known(facts.queue)
    if view is None or not view.dead:
        return None
    return Verdict.WARN, f"{many(view.dead, 'request')} given up: retry or purge them."


def _held(facts: Facts, clock: Clock) -> Finding | None:
    view = known(facts.queue)
    if view is None or not view.held:
        return None
    wait = "waits" if view.held == 1 else "wait"
    return Verdict.WARN, f"{many(view.held, 'request')} over 24 h old {wait} for a usable MATOMO_TOKEN."


def _cache(facts: Facts, clock: Clock) -> Finding | None:
    check = cache_check(facts)
    return (check.verdict, cause_of_cache(facts)) if check.verdict in (Verdict.WARN, Verdict.FAIL) else None


def _whatever(facts: Facts, clock: Clock) -> Finding | None:
    view = health_view(facts)
    check = next((check for check in view.checks if check.verdict is view.verdict), None)
    if check is None or view.verdict is Verdict.OK:
        return None
    return check.verdict, f"{check.name}: {check.output.rstrip('.')}."


class Cause(Struct, frozen=True):
    """One place in the order: what is looked at, and why it stands there."""

    name: str
    because: str
    rule: Callable[[Facts, Clock], Finding | None]


CAUSES: tuple[Cause, ...] = (
    Cause("ledger", "requests may be lost already", _ledger),
    Cause("redis", "without it nothing else can be known; on memory a crash loses requests", _redis),
    Cause("refusing", "new requests are being lost at the door", _refusing),
    Cause("gate", "nothing is sent: a pause, the token, an outage, a cooldown", _gate),
    Cause("queue unread", "what follows is derived from it", _unread_queue),
    Cause("no worker", "nothing is sent, and nothing will be by itself", _unattended),
    Cause("matomo", "reports fail, and delivery will", _matomo),
    Cause("server", "Redis is full, a replica, or may drop what it holds", _server),
    Cause("later", "nothing is due: it goes on by itself at a known time", _later),
    Cause("at times", "it is sent, but not at once; it explains what waits", _at_times),
    Cause("backlog", "it is sent, but too slowly", _backlog),
    Cause("dead", "it waits for an operator, and keeps", _dead),
    Cause("held", "it waits for a token, and keeps", _held),
    Cause("cache", "it only costs", _cache),
    Cause("whatever", "never say that nothing is wrong while a check says otherwise", _whatever),
)
