"""The check `tracking-queue`: is anything stuck, lost, or about to be?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from opalmind_tui.health.facts import Facts, Finding, known, with_reasons, worst
from opalmind_tui.health.words import lasting, many, milliseconds
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.model import Check, Gate, GateKind, QueueView, Verdict

_COUNTS = (
    "pending", "inflight", "scheduled", "dead", "ledgerDifference", "totalProcessed", "totalRetried", "lastBackoffMs",
    "backlogAgeMs",
)  # fmt: skip
"""Details that are always there."""


def queue_check(facts: Facts) -> Check:
    """How the queue does."""
    view = known(facts.queue)
    if view is None:
        why = "not counted yet" if facts.queue.error is None else f"cannot be read: {facts.clean(facts.queue.error)}"
        details = tuple((name, None) for name in _COUNTS)
        return Check("tracking-queue", Verdict.UNKNOWN, why, "queue", None, "pending", details)
    findings = [found for rule in _RULES if (found := rule(view, facts.settings, facts.now)) is not None]
    return Check(
        "tracking-queue",
        worst(verdict for verdict, _ in findings),
        with_reasons(_figures(view, facts.now), findings),
        "queue",
        view.backlog,
        "pending",
        _details(facts, view),
    )


def age_of(view: QueueView, now: float) -> float:
    """Seconds since the oldest request that still waits was accepted; 0 when none waits, whatever was retried once."""
    return max(0.0, now - view.oldest_accepted) if view.oldest_accepted is not None and view.backlog else 0.0


def _cooldown(view: QueueView) -> Gate | None:
    return view.gate if view.gate is not None and view.gate.kind is GateKind.COOLDOWN else None


def _figures(view: QueueView, now: float) -> str:
    cooldown = _cooldown(view)
    figures: dict[str, int | None] = {
        "pending": view.pending,
        "inflight": view.inflight,
        "scheduled": view.scheduled or None,
        "dead": view.dead or None,
        "backlogAgeMs": milliseconds(age_of(view, now)),
        "lastBackoffMs": milliseconds(view.last_backoff),
        "lastRetryStatus": view.last_status,
        "cooldownMs": max(0, milliseconds(cooldown.until - now)) if cooldown else None,
    }
    return ", ".join(f"{name}={number}" for name, number in figures.items() if number is not None)


def _details(facts: Facts, view: QueueView) -> tuple[tuple[str, Any], ...]:
    always = (
        view.pending, view.inflight, view.scheduled, view.dead, view.ledger_difference, view.delivered, view.retried,
        milliseconds(view.last_backoff), milliseconds(age_of(view, facts.now)),
    )  # fmt: skip
    cooldown = _cooldown(view)
    sometimes = (
        ("lastError", _last_error(facts, view)),
        ("lastRetryAt", milliseconds(view.last_retry_at) if view.last_retry_at else None),
        ("cooldownUntil", milliseconds(cooldown.until) if cooldown else None),
        ("lastRetryStatus", view.last_status),
        ("oldestPendingAt", milliseconds(view.oldest_accepted) if view.backlog and view.oldest_accepted else None),
        ("gate", _gate(facts, view.closed)),
    )
    return (*zip(_COUNTS, always, strict=True), *((name, value) for name, value in sometimes if value is not None))


def _last_error(facts: Facts, view: QueueView) -> dict[str, Any] | None:
    if not view.last_error:
        return None
    error: dict[str, Any] = {
        "message": facts.clean(view.last_error),
        "timestamp": milliseconds(view.last_error_at),
    }
    return error if view.last_status is None else {**error, "status": view.last_status}


def _gate(facts: Facts, gate: Gate | None) -> dict[str, Any] | None:
    """Why nothing is sent now. `until` is absent where only an operator ends it."""
    if gate is None:
        return None
    shown = {"kind": str(gate.kind), "since": milliseconds(gate.since), "reason": facts.clean(gate.reason)}
    return {**shown, "until": milliseconds(gate.until)} if math.isfinite(gate.until) else shown


_Rule = Callable[[QueueView, Settings, float], Finding | None]


def overdue(view: QueueView, settings: Settings, now: float) -> bool:
    """More wait, or longer, than the warning limits allow."""
    return bool(_backlog(view, settings, now) or _age(view, settings, now))


def late(view: QueueView, settings: Settings, now: float) -> bool:
    """Requests wait longer than the warning limit allows."""
    return _age(view, settings, now) is not None


def _ledger(view: QueueView, settings: Settings, now: float) -> Finding | None:
    if view.epoch_changed:
        return Verdict.FAIL, "its counters were replaced: requests may be lost"
    if view.ledger_alarm > 0:
        return Verdict.FAIL, f"{many(view.ledger_alarm, 'accepted request')} cannot be accounted for"
    if view.ledger_alarm < 0:
        return Verdict.FAIL, f"{many(-view.ledger_alarm, 'request')} accounted for twice"
    return None


def _backlog(view: QueueView, settings: Settings, now: float) -> Finding | None:
    if view.backlog >= settings.queue_fail_pending:
        return Verdict.FAIL, f"{view.backlog:,} wait, the limit is {settings.queue_fail_pending:,}"
    if view.backlog >= settings.queue_warn_pending:
        return Verdict.WARN, f"{view.backlog:,} wait, warns from {settings.queue_warn_pending:,}"
    return None


def _age(view: QueueView, settings: Settings, now: float) -> Finding | None:
    age = age_of(view, now)
    if milliseconds(age) >= settings.queue_fail_age_ms:
        return Verdict.FAIL, f"the oldest waits for {lasting(age)}, the limit is {_limit(settings.queue_fail_age_ms)}"
    if milliseconds(age) >= settings.queue_warn_age_ms:
        return Verdict.WARN, f"the oldest waits for {lasting(age)}, warns from {_limit(settings.queue_warn_age_ms)}"
    return None


def _limit(limit_ms: int) -> str:
    return lasting(limit_ms / 1000) if limit_ms >= 1000 else f"{limit_ms} ms"


_GATES = {
    GateKind.COOLDOWN: (Verdict.WARN, "Matomo asked to wait"),
    GateKind.BREAKER: (Verdict.WARN, "Matomo is away, the breaker is open"),
    GateKind.TOKEN: (Verdict.FAIL, "Matomo refuses the token"),
    GateKind.RECORDING_OFF: (Verdict.WARN, "Matomo stores nothing"),
    GateKind.PAUSED: (Verdict.WARN, "sending is paused"),
}


def _closed(view: QueueView, settings: Settings, now: float) -> Finding | None:
    """A cooldown is Matomo's wish; a breaker that stays open as long as a request may wait is a failure."""
    gate = view.closed
    if gate is None:
        return None
    verdict, sentence = _GATES[gate.kind]
    lasts = milliseconds(now - gate.since)
    if gate.kind is GateKind.BREAKER and lasts >= settings.queue_fail_age_ms:
        verdict = Verdict.FAIL
    return verdict, sentence


def _refusing(view: QueueView, settings: Settings, now: float) -> Finding | None:
    if view.refused_by and now - view.refused_at < REFUSING_FOR:
        return Verdict.FAIL, f"new requests are refused: {view.refused_by}"
    return None


def _dead(view: QueueView, settings: Settings, now: float) -> Finding | None:
    return (Verdict.WARN, f"{many(view.dead, 'request')} given up") if view.dead else None


def _held(view: QueueView, settings: Settings, now: float) -> Finding | None:
    return (Verdict.WARN, f"{many(view.held, 'request')} over 24 h old without a usable token") if view.held else None


def nobody_delivers(view: QueueView) -> bool:
    """Requests wait and no process sends them."""
    return bool(view.backlog) and not view.delivering_here and view.workers == 0


def _unattended(view: QueueView, settings: Settings, now: float) -> Finding | None:
    return (Verdict.WARN, "no worker connected") if nobody_delivers(view) else None


REFUSING_FOR = 60.0
"""Seconds that the last refusal is told."""
_RULES: tuple[_Rule, ...] = (_ledger, _refusing, _closed, _unattended, _backlog, _age, _dead, _held)
