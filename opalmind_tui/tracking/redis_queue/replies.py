"""From the scripts' replies to the queue's values. What is stored may be foreign: nothing here raises because of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import orjson

from opalmind_tui.snapshot.listing import Attempt
from opalmind_tui.snapshot.model import Control, Gate, GateKind, Pause, RateLimit, RequestRow, State
from opalmind_tui.tracking.fullness import length_reason, memory_reason, server_reason
from opalmind_tui.tracking.queue import Acceptance, Answer, Claim, Claimed, QueueCounts, Stored
from opalmind_tui.tracking.rows import Facts, delivered_row, stored_of

MICROS = 1_000_000
LEDGER_NUMBERS = (
    "accepted", "delivered", "rejected", "dropped", "purged", "retried", "recovered", "unknown", "late", "duplicates",
    "conflicts", "refused",
)  # fmt: skip
LEDGER_FIELDS = (
    *LEDGER_NUMBERS, "refused_at", "refused_by", "epoch", "last_error", "last_error_at", "last_status",
    "last_retry_at", "last_backoff",
)  # fmt: skip


def micros(seconds: float) -> int:
    """Seconds as whole microseconds."""
    return round(seconds * MICROS)


def moment(raw: Any) -> float | None:
    """A stored moment or duration in seconds, None where there is none."""
    if raw is None:
        return None
    try:
        return int(raw) / MICROS
    except (TypeError, ValueError, OverflowError):
        return None


def whole(raw: Any) -> int:
    """A stored whole number, 0 where it is none."""
    if raw is None:
        return 0
    try:
        return int(raw)
    except (TypeError, ValueError, OverflowError):
        return 0


def status_from(raw: Any) -> int | None:
    """A stored HTTP status."""
    return whole(raw) or None


def text(raw: bytes | None) -> str:
    """Stored text."""
    return (raw or b"").decode("utf-8", "replace")


def table_from(raw: bytes | None) -> dict[str, Any]:
    """A stored JSON object, empty where it is none."""
    try:
        table = orjson.loads(raw or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return table if isinstance(table, dict) else {}


def gate_from(raw: bytes | None, now: float) -> Gate | None:
    """A stored gate, None where there is none or it has ended by itself."""
    table = table_from(raw)
    if table.get("kind") not in list(GateKind):
        return None
    kind = GateKind(table["kind"])
    until = moment(table.get("until"))
    until = math.inf if until is None else until
    if kind is GateKind.PAUSED or (kind is GateKind.COOLDOWN and until <= now):
        return None
    return Gate(
        kind=kind, since=moment(table.get("since")) or now, until=until, reason=str(table.get("reason", "")),
        failures=whole(table.get("failures")),
    )  # fmt: skip


OUTCOMES = {ord("a"): Acceptance.ACCEPTED, ord("d"): Acceptance.DUPLICATE, ord("c"): Acceptance.CONFLICT}
"""The letters of enqueue's reply; any other is a limit's."""
LIMITS: dict[str, Callable[[int], str]] = {"f": length_reason, "m": memory_reason, "s": server_reason}
"""The limits that refuse, by their letter."""


def acceptances_from(reply: Sequence[bytes], ids: Sequence[str]) -> list[Answer]:
    """The reply of enqueue to requests that were offered under these ids."""
    code, duplicates = reply[0].decode(), iter(reply[3:])
    if ids and not ids[0].startswith(code):
        ids = [code + request_id[2:] for request_id in ids]
    answers: list[Answer] = []
    for letter, request_id in zip(reply[1], ids, strict=True):
        outcome = OUTCOMES.get(letter, Acceptance.FULL)
        if outcome is Acceptance.ACCEPTED:
            answers.append(Answer(outcome, request_id))
        elif outcome is Acceptance.FULL:
            answers.append(Answer(outcome, reason=LIMITS[chr(letter)](whole(reply[2]))))
        else:
            answers.append(Answer(outcome, next(duplicates).decode() if outcome is Acceptance.DUPLICATE else ""))
    return answers


def refusal_from(raw: bytes | None) -> str:
    """Which limit refused last."""
    letter, _, number = text(raw).partition(" ")
    return LIMITS[letter](whole(number)) if letter in LIMITS else ""


def control_from(raw_pause: bytes, raw_rate: bytes) -> Control:
    """What the scripts say of pause and rate: only what is in force."""
    return Control(pause_from(raw_pause), rate_from(raw_rate))


def pause_from(raw: bytes) -> Pause | None:
    """A pause in force."""
    table = table_from(raw)
    if not table:
        return None
    until = moment(table.get("until"))
    return Pause(
        by=str(table.get("by", "")), reason=str(table.get("reason", "")), since=moment(table.get("since")) or 0.0,
        until=math.inf if until is None else until,
    )  # fmt: skip


def rate_from(raw: bytes) -> RateLimit | None:
    """A rate in force."""
    table = table_from(raw)
    if not table:
        return None
    return RateLimit(
        by=str(table.get("by", "")), reason=str(table.get("reason", "")), since=moment(table.get("since")) or 0.0,
        per_second=float(table["per_second"]),
    )  # fmt: skip


def answers_from(reply: Sequence[bytes]) -> list[Answer]:
    """The reply of adopt: the code, then outcome and id of each."""
    pairs = zip(islice(reply, 1, None, 2), islice(reply, 2, None, 2), strict=True)
    return [Answer(Acceptance(outcome.decode()), request_id.decode()) for outcome, request_id in pairs]


def claim_from(token: str, reply: Sequence[Any], *, wakes: bool, posting: bool = False) -> Claim:
    """The reply of claim; `wakes` and `posting` are what it was asked with."""
    raw_gate, probe, next_due, now, raw_pause, raw_rate, *rest = reply
    # Nearly all are first attempts, of which there is only the moment to read.
    requests = tuple([
        Claimed(name.decode("utf-8", "replace"), body, int(facts) / MICROS) if facts.isdigit()
        else _claimed(name, body, facts)
        for name, body, facts in zip(rest[::3], rest[1::3], rest[2::3], strict=True)
    ])  # fmt: skip
    control = control_from(raw_pause, raw_rate)
    gate = gate_from(raw_gate, 0.0)
    if control.paused is not None and not requests:
        gate = control.paused.gate
    return Claim(
        token, requests, gate=gate, probe=bool(probe), next_due=moment(next_due), at=moment(now), wakes=wakes,
        control=control, posting=posting and bool(requests) and control.paused is None,
    )  # fmt: skip


def _claimed(request_id: bytes, body: bytes, facts: bytes) -> Claimed:
    when, _, tries = facts.partition(b" ")
    accepted = moment(when) or 0.0
    if not tries:
        return Claimed(text(request_id), body, accepted)
    attempts, recovered, unknown, marks = map(whole, tries.split())
    return Claimed(
        text(request_id), body, accepted, attempts, recovered, unknown,
        alone=bool(marks & 1), suspect=bool(marks & 2), token_suspect=bool(marks & 4),
    )  # fmt: skip


def counts_from(reply: Sequence[Any]) -> QueueCounts:
    """The reply of counts."""
    (
        now, pending, scheduled, other, inflight, dead, oldest, next_due, raw_gate, pause, rate, trash, rejected,
        unknown, held, failed, delivered, fields,
    ) = reply  # fmt: skip
    at = moment(now) or 0.0
    ledger = dict(zip(LEDGER_FIELDS, fields, strict=True))
    return QueueCounts(
        at=at, pending=pending, scheduled=scheduled, inflight=inflight, dead=dead, other_endpoints=other,
        trash=trash, rejected_kept=rejected, unknown_waiting=unknown, held=held, failed=failed,
        delivered_kept=delivered,
        oldest_accepted=moment(oldest), next_due=moment(next_due), gate=gate_from(raw_gate, at),
        control=control_from(pause, rate),
        refused_at=moment(ledger["refused_at"]) or 0.0, refused_by=refusal_from(ledger["refused_by"]),
        epoch=text(ledger["epoch"]), last_error=text(ledger["last_error"]),
        last_error_at=moment(ledger["last_error_at"]) or 0.0, last_status=status_from(ledger["last_status"]),
        last_retry_at=moment(ledger["last_retry_at"]) or 0.0, last_backoff=moment(ledger["last_backoff"]) or 0.0,
        **{name: whole(ledger[name]) for name in LEDGER_NUMBERS},
    )  # fmt: skip


def rows_from(reply: Sequence[Any]) -> tuple[RequestRow, ...]:
    """The reply of rows."""
    return tuple(found.row for found in stored_from(reply))


def stored_from(reply: Sequence[Any]) -> tuple[Stored, ...]:
    """The same with the parameters."""
    now, *rest = reply
    return tuple(_stored(int(now), *rest[at : at + 5]) for at in range(0, len(rest), 5))


def attempts_from(raw_meta: bytes) -> tuple[Attempt, ...]:
    """The failed tries that are remembered. What a stranger wrote among them is none."""
    history = table_from(raw_meta).get("history")
    found, said = [], ""
    for entry in history if isinstance(history, list) else []:
        if not isinstance(entry, list) or not 3 <= len(entry) <= 5:
            continue
        at, status, answer, worker, delay = [*entry, None, None][:5]
        said = str(answer) if answer else said
        seconds = delay / 1000 if isinstance(delay, int | float) and not isinstance(delay, bool) else None
        found.append(Attempt(moment(at) or 0.0, status_from(status), said, str(worker or ""), seconds))
    return tuple(found)


def delivered_from(reply: Sequence[Any]) -> tuple[RequestRow, ...]:
    """The rows of a window on the delivered, the newest first. What a stranger wrote among them is no row."""
    if not reply:
        return ()
    newest, before, *members = reply
    rows: list[RequestRow] = []
    for member, ends in zip(islice(members, 0, None, 2), islice(members, 1, None, 2), strict=True):
        at, entries = _settled_together(member)
        ends = whole(ends)
        last, first = min(newest, ends), max(before + 1, ends - len(entries) + 1)
        wanted = (entries[number - ends - 1] for number in range(last, first - 1, -1))
        rows += [row for entry in wanted if (row := _delivered(at, entry)) is not None]
    return tuple(rows)


def _settled_together(member: bytes) -> tuple[float, list[Any]]:
    """When they were, and what is kept of each."""
    when, _, rest = member.partition(b"[")
    try:
        entries = orjson.loads(b"[" + rest)
    except orjson.JSONDecodeError:
        return 0.0, []
    return moment(when) or 0.0, entries


def _delivered(at: float, entry: Any) -> RequestRow | None:
    try:
        return delivered_row(at, entry)
    except (ValueError, TypeError):
        return None


def _stored(now: int, request_id: bytes, place: bytes, score: bytes, body: bytes, raw_meta: bytes) -> Stored:
    due = moment(score) if place == b"due" else None
    if place != b"due":
        state = State(place.decode())
    else:
        state = State.PENDING if due is not None and due <= now / MICROS else State.SCHEDULED
    if not raw_meta:
        # A first attempt, of which nothing is stored beside its body.
        return stored_of(text(request_id), state, body, Facts(moment(score) or 0.0, next_try=due))
    meta = table_from(raw_meta)
    facts = Facts(
        accepted=moment(meta.get("accepted", score)) or 0.0, attempts=whole(meta.get("attempts")),
        next_try=due, status=status_from(meta.get("status")), error=str(meta.get("error", "")),
        failed_at=moment(meta.get("failed")) or None, unknown=whole(meta.get("unknown")),
        recovered=whole(meta.get("recovered")),
    )  # fmt: skip
    return stored_of(text(request_id), state, body, facts)
