"""Why the queue does not go on: every state in which requests wait ends in a finding that names its cause."""

from __future__ import annotations

import math

from opalmind_tui.doctor.facts import Facts
from opalmind_tui.health.queue import REFUSING_FOR, age_of, nobody_delivers
from opalmind_tui.health.words import lasting, many
from opalmind_tui.snapshot.commands import Act, Command
from opalmind_tui.snapshot.findings import Finding, Severity
from opalmind_tui.snapshot.model import Gate, GateKind, QueueView

DAY = 86_400.0
NEARLY_A_DAY = 20 * 3600.0
"""Seconds from which the oldest request is told to near the age at which Matomo wants a token for it."""
NOTHING_LOST = "Nothing is lost: requests wait, and are sent with their original time."


def ledger(facts: Facts) -> Finding | None:
    """Requests that cannot be accounted for."""
    queue = facts.queue
    if queue is None or not (queue.epoch_changed or queue.ledger_difference):
        return None
    seen = (
        "The queue's counters are not those that were counted before."
        if queue.epoch_changed
        else f"Accepted minus all that is known of is {queue.ledger_difference:,}."
    )
    server = facts.server
    evicts = server is not None and server.evicted_keys > 0 and server.policy.startswith("allkeys-")
    return Finding(
        "ledger", Severity.FAILURE, "The ledger does not add up", seen,
        "Accepted requests were lost, or counted twice.",
        "The server evicts any key: see the eviction policy." if evicts
        else "Find out whether the server was emptied, restored from a backup, or written to by others.",
        facts.cli("info", "stats"),
    )  # fmt: skip


def refusing(facts: Facts) -> Finding | None:
    """A limit was reached."""
    queue = facts.queue
    if queue is None or not queue.refused_by or facts.now - queue.refused_at >= REFUSING_FOR:
        return None
    return Finding(
        "refusing", Severity.FAILURE, "New requests are refused",
        f"{many(queue.refused, 'request')} refused so far; the last one {lasting(facts.now - queue.refused_at)} ago by "
        f"{facts.clean(queue.refused_by, 120)}.",
        "What callers offer is not accepted; they are told.",
        "See why the queue does not drain, or raise MATOMO_QUEUE_MAX_LENGTH or MATOMO_QUEUE_MAX_MEMORY_MB.",
    )  # fmt: skip


def _gate(facts: Facts, kind: GateKind) -> tuple[QueueView, Gate] | None:
    queue = facts.queue
    gate = queue.closed if queue is not None else None
    return (queue, gate) if queue is not None and gate is not None and gate.kind is kind else None


def _since(facts: Facts, gate: Gate) -> str:
    return f"for {lasting(facts.now - gate.since)}, {facts.clean(gate.reason, 120) or 'no reason known'}"


def _waiting(queue: QueueView) -> str:
    return f"{many(queue.backlog, 'request')} {'waits' if queue.backlog == 1 else 'wait'}"


def token_gate(facts: Facts) -> Finding | None:
    """Matomo refuses the token, and everything waits for a good one."""
    found = _gate(facts, GateKind.TOKEN)
    if found is None:
        return None
    queue, gate = found
    return Finding(
        "queue-token", Severity.FAILURE, "Sending waits for a token that Matomo takes",
        f"{_waiting(queue)}; closed {_since(facts, gate)}.", NOTHING_LOST,
        "Correct MATOMO_TOKEN: a token of a user with write access to the site. Then ask again.", "",
        Command(Act.TEST_TOKEN), "Ask Matomo again with the token",
    )  # fmt: skip


def paused(facts: Facts) -> Finding | None:
    """An operator wanted it."""
    found = _gate(facts, GateKind.PAUSED)
    if found is None:
        return None
    queue, gate = found
    ends = f", until then {lasting(gate.until - facts.now)}" if math.isfinite(gate.until) else ", with no end set"
    return Finding(
        "queue-paused", Severity.WARNING, "Sending is paused by an operator",
        f"{_waiting(queue)}; paused {_since(facts, gate)}{ends}.", NOTHING_LOST,
        "Resume it when the reason is gone, or ask who paused it.", "opalmind-tui queue resume",
        Command(Act.RESUME), "Resume delivery",
    )  # fmt: skip


def recording_off(facts: Facts) -> Finding | None:
    """Matomo takes hits and stores none."""
    found = _gate(facts, GateKind.RECORDING_OFF)
    if found is None:
        return None
    queue, gate = found
    return Finding(
        "queue-recording-off", Severity.FAILURE, "Matomo does not record",
        f"{_waiting(queue)}; closed {_since(facts, gate)}.", NOTHING_LOST,
        "Switch tracking on in Matomo: record_statistics = 1 under [Tracker] in its config.ini.php.",
    )  # fmt: skip


def breaker(facts: Facts) -> Finding | None:
    """Matomo is down."""
    found = _gate(facts, GateKind.BREAKER)
    if found is None:
        return None
    queue, gate = found
    return Finding(
        "queue-breaker", Severity.FAILURE, "Sending waits because Matomo is down",
        f"{_waiting(queue)}; closed {_since(facts, gate)}.", NOTHING_LOST,
        "Look at Matomo, its database and the way there. Sending goes on by itself: one request probes, no attempt is "
        "spent.",
    )  # fmt: skip


def cooldown(facts: Facts) -> Finding | None:
    """Matomo asked to wait."""
    found = _gate(facts, GateKind.COOLDOWN)
    if found is None:
        return None
    queue, gate = found
    return Finding(
        "queue-cooldown", Severity.REMARK, "Sending waits because Matomo asked for it",
        f"{_waiting(queue)}; closed {_since(facts, gate)}, for {lasting(gate.until - facts.now)} more.", NOTHING_LOST,
        "It goes on by itself. If it happens often, limit the rate of delivery.",
    )  # fmt: skip


def unattended(facts: Facts) -> Finding | None:
    """No worker."""
    queue = facts.queue
    if queue is None or not queue.endpoint or queue.delivering_here or queue.workers:
        return None
    if not nobody_delivers(queue):
        return Finding(
            "no-worker", Severity.REMARK, "No process delivers", "Nothing waits now.",
            "What is accepted from now on waits until one does.", "Start one.", "opalmind-tui worker",
            Command(Act.DELIVER, deliver=True), "Deliver from the dashboard",
        )  # fmt: skip
    age = age_of(queue, facts.now)
    observers = [one for one in facts.processes if not one.delivers]
    idle = f"; {many(len(observers), 'process', 'processes')} only observe" if observers else ""
    return Finding(
        "no-worker", Severity.FAILURE, "No process delivers",
        f"{_waiting(queue)}, the oldest for {lasting(age)}{idle}.",
        NOTHING_LOST, "Start a worker with the same Redis, prefixes and Matomo.", "opalmind-tui worker",
        Command(Act.DELIVER, deliver=True), "Deliver from the dashboard",
    )  # fmt: skip


def stalled(facts: Facts) -> Finding | None:
    """Somebody delivers, nothing is closed, and the oldest waits all the same."""
    queue = facts.queue
    if queue is None or not queue.backlog or queue.closed is not None or nobody_delivers(queue):
        return None
    age = age_of(queue, facts.now)
    if age * 1000 < facts.settings.queue_fail_age_ms or queue.held >= queue.backlog:
        return None
    cause, remedy = _why_stalled(facts, queue)
    return Finding(
        "queue-stalled", Severity.WARNING, "Requests wait though processes deliver",
        f"{_waiting(queue)} ({queue.pending:,} due, {queue.scheduled:,} scheduled, {queue.inflight:,} in flight), the "
        f"oldest for {lasting(age)}. {cause}",
        NOTHING_LOST, remedy,
    )  # fmt: skip


def _why_stalled(facts: Facts, queue: QueueView) -> tuple[str, str]:
    holders = [one for one in facts.processes if one.requests]
    if queue.inflight and not queue.pending:
        who = ", ".join(f"{facts.clean(one.host, 30)} pid {one.pid} ({one.requests:,})" for one in holders[:5])
        return f"They are in the claims of {who or 'a process that is gone'}.", (
            "Ask that process, or restart it: a claim that is not renewed ends with its lease, and is taken again."
        )
    if queue.scheduled and not queue.pending:
        error = facts.clean(queue.last_error, 120) or "no error is known"
        return (
            f"They failed and wait for their next attempt: {error}.",
            "See the error; retry them when it is gone.",
        )
    if queue.control.rate is not None:
        return (
            f"The rate is limited to {queue.control.rate.per_second:g}/s by {facts.clean(queue.control.rate.by, 40)}.",
            "Raise the limit, or take it away.",
        )
    if queue.slope > 0:
        return f"More comes in than goes out ({queue.slope:.1f}/s).", "Start more workers, or see why Matomo is slow."
    return "They are due.", "Look at the workers' logs, and whether their Matomo is the same as ours."


def held(facts: Facts) -> Finding | None:
    """Too old to be sent without a token."""
    queue = facts.queue
    if queue is None or not queue.held or _gate(facts, GateKind.TOKEN):
        return None
    return Finding(
        "queue-held", Severity.FAILURE, "Requests are too old to be sent without a token",
        f"{many(queue.held, 'request')} over 24 h old wait for a token that Matomo takes.", NOTHING_LOST,
        "Set MATOMO_TOKEN to a token of a user with write access to the site. Then ask again.", "",
        Command(Act.TEST_TOKEN), "Ask Matomo again with the token",
    )  # fmt: skip


def nearly_a_day(facts: Facts) -> Finding | None:
    """The age at which `cdt` needs a token comes near."""
    queue = facts.queue
    if queue is None or not queue.backlog or queue.held:
        return None
    age = age_of(queue, facts.now)
    if age < NEARLY_A_DAY:
        return None
    usable = bool(facts.settings.matomo_token) and _token_works(facts)
    left = f"in {lasting(DAY - age)}" if age < DAY else "now"
    return Finding(
        "nearly-a-day", Severity.WARNING if usable else Severity.FAILURE, "The oldest request is nearly a day old",
        f"It was accepted {lasting(age)} ago; from 24 h on, {left}, Matomo takes it with a good token only.",
        "It will be sent with the token." if usable
        else "Without such a token it is held back, and so is all that comes after it into that age.",
        "Get delivery going before." if usable
        else "Set MATOMO_TOKEN to a token of a user with write access to the site.",
    )  # fmt: skip


def _token_works(facts: Facts) -> bool:
    """Nothing is known against it."""
    token = facts.token
    if token is None:
        return facts.state.matomo.error is None
    return token.in_bulks is not False if token.super_user else token.writes is None or bool(token.writes)


def only_here(facts: Facts) -> Finding | None:
    """Requests that live in this process alone."""
    store = facts.state.store
    if not store.only_here:
        return None
    moving = store.recovering
    return Finding(
        "only-in-memory", Severity.REMARK if moving else Severity.WARNING, "Requests live in this process only",
        f"{many(store.only_here, 'request')} {'are moving into Redis' if moving else 'wait in memory'}.",
        "A crash of this process loses them; when it ends in good order they are written to a file.",
        "Get Redis back before this process ends." if not moving else "Let it finish.",
    )  # fmt: skip


def dead(facts: Facts) -> Finding | None:
    """Given up."""
    queue = facts.queue
    if queue is None or not queue.dead:
        return None
    error = f"; the last error of the queue: {facts.clean(queue.last_error, 120)}" if queue.last_error else ""
    return Finding(
        "dead", Severity.WARNING, "Requests were given up", f"{many(queue.dead, 'request')} dead{error}.",
        "They are kept and not sent until somebody decides.", "See their errors in the list, then retry or purge them.",
        "", Command(Act.RETRY, all_dead=True), "Retry every dead request",
    )  # fmt: skip
