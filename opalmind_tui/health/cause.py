"""Line 2 of the screen: the one sentence about the most important trouble. Pure.

`CAUSES` is the order of importance: what may lose requests stands before what delays them, and that before what merely
costs. The first that applies is said.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from opalmind_tui.health.cache import cache_check, cause_of_cache
from opalmind_tui.health.document import health_view
from opalmind_tui.health.facts import Facts, Finding, known
from opalmind_tui.health.queue import age_of, nobody_delivers, overdue, queue_check
from opalmind_tui.health.redis import SERVER_RULES, away_because
from opalmind_tui.health.words import Clock, lasting, many, since, utc_clock
from opalmind_tui.snapshot.model import Gate, GateKind, Mode, QueueView, Verdict

NOTHING_WRONG = "Nothing is wrong."
_LIMIT = 60
"""Cells of foreign text within a sentence."""


def cause_line(facts: Facts, clock: Clock = utc_clock) -> tuple[str, Verdict]:
    """The sentence and how bad it is, worst trouble first.

    Args:
        facts: what is known.
        clock: writes a moment as the time of day that the screen uses.

    Returns:
        (sentence, verdict); ``Nothing is wrong.`` where that is so.
    """
    for cause in CAUSES:
        if (found := cause(facts, clock)) is not None:
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
    if view is None or gate is None:
        return None
    sentence = _GATES[gate.kind](facts, view, gate, since(gate.since, facts.now, clock))
    return queue_check(facts).verdict, sentence


def _token(facts: Facts, view: QueueView, gate: Gate, time: str) -> str:
    return f"Matomo refuses the token{time}: {_waiting(view)}. Correct MATOMO_TOKEN."


def _outage(facts: Facts, view: QueueView, gate: Gate, time: str) -> str:
    probe = "being probed now" if gate.until <= facts.now else f"probe in {lasting(gate.until - facts.now)}"
    return f"{_says(facts, gate)}{time}. Breaker open, {probe}. {_lost(view)}"


def _cooldown(facts: Facts, view: QueueView, gate: Gate, time: str) -> str:
    return f"{_says(facts, gate)}{time}. Sending goes on in {lasting(gate.until - facts.now)}. {_lost(view)}"


def _recording_off(facts: Facts, view: QueueView, gate: Gate, time: str) -> str:
    return f"{facts.clean(gate.reason, _LIMIT)}{time}: {_waiting(view)}."


def _paused(facts: Facts, view: QueueView, gate: Gate, time: str) -> str:
    ends = f", on in {lasting(gate.until - facts.now)}" if math.isfinite(gate.until) else ""
    who = f" by {facts.clean(gate.reason, _LIMIT)}" if gate.reason else ""
    return f"Sending is paused{who}{time}{ends}: {_waiting(view)}."


_GATES: dict[GateKind, Callable[[Facts, QueueView, Gate, str], str]] = {
    GateKind.TOKEN: _token,
    GateKind.BREAKER: _outage,
    GateKind.COOLDOWN: _cooldown,
    GateKind.RECORDING_OFF: _recording_off,
    GateKind.PAUSED: _paused,
}


def _waiting(view: QueueView) -> str:
    return f"{many(view.backlog, 'request')} {'waits' if view.backlog == 1 else 'wait'}"


def _says(facts: Facts, gate: Gate) -> str:
    """An HTTP status speaks for itself; other reasons are words about the connection."""
    reason = facts.clean(gate.reason.partition(", asked to wait")[0], _LIMIT)
    return f"Matomo answers {reason}" if reason[:1].isdecimal() else f"Matomo is away ({reason or 'no reason known'})"


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
    return None if error is None else (Verdict.WARN, f"The queue cannot be read: {facts.clean(error, 2 * _LIMIT)}")


def _matomo(facts: Facts, clock: Clock) -> Finding | None:
    error = facts.matomo.error
    return None if error is None else (Verdict.FAIL, f"Matomo does not answer: {facts.clean(error, 2 * _LIMIT)}")


def _server(facts: Facts, clock: Clock) -> Finding | None:
    server = known(facts.server)
    findings = (rule(server) for rule in SERVER_RULES) if server is not None else ()
    return next(((found[0], f"Redis: {found[1]}.") for found in findings if found is not None), None)


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
    """Never say that nothing is wrong while a check says otherwise."""
    view = health_view(facts)
    check = next((check for check in view.checks if check.verdict is view.verdict), None)
    if check is None or view.verdict is Verdict.OK:
        return None
    return check.verdict, f"{check.name}: {check.output.rstrip('.')}."


CAUSES: tuple[Callable[[Facts, Clock], Finding | None], ...] = (
    _ledger, _redis, _gate, _unread_queue, _unattended, _matomo, _server, _backlog, _dead, _held, _cache, _whatever,
)  # fmt: skip
