"""The hand-over: an incident in Markdown, for a ticket or a chat. Pure.

All that may come from outside stands between fences that it cannot close, one line each, secrets and personal data
masked (I9, I10).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from opalmind_tui.health.words import lasting
from opalmind_tui.logs.privacy import cleaner
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.audit import AuditEntry
from opalmind_tui.snapshot.listing import Groups
from opalmind_tui.snapshot.model import Mode, QueueView, Reading, Snapshot, Verdict
from opalmind_tui.text import safe_text

ERRORS, ACTS = 8, 20
"""Groups of failures, and acts, that a hand-over names."""
_LINE = 240
"""Cells of one line."""
_RUNS = re.compile("`+")


class _Words:
    """Makes text and moments fit to be written.

    Args:
        zone: of the local time; None for the system's.
    """

    def __init__(self, settings: Settings, zone: tzinfo | None) -> None:
        self._clean = cleaner(settings)
        self._zone = zone

    def text(self, value: str, limit: int = _LINE) -> str:
        """One line, masked before it is cut."""
        return safe_text(self._clean(value), limit)

    def moment(self, at: float, shape: str = "%H:%M:%S") -> str:
        """UTC and local: ``02:31:07 UTC (03:31:07 +0100)``; a dash for what no calendar has."""
        try:
            utc = datetime.fromtimestamp(at, UTC)
            local = utc.astimezone(self._zone)
        except (ValueError, OverflowError, OSError):
            return "-"
        return f"{utc.strftime(shape)} UTC ({local.strftime(shape)} {local.strftime('%z')})" if at else "-"


def summary(
    snapshot: Snapshot,
    settings: Settings,
    *,
    groups: Reading[Groups],
    acts: Reading[Sequence[AuditEntry]],
    zone: tzinfo | None = None,
) -> str:
    """The hand-over.

    Args:
        settings: secrets to mask, and servers whose addresses may be named.
        groups: the failures that are alike, the largest first.
        acts: what operators did, the newest first.
        zone: of the local time; None for the system's.
    """
    words = _Words(settings, zone)
    parts = [
        "# OpalMind hand-over\n",
        _fenced(_head(snapshot, words)),
        "## State\n",
        _fenced([line for part in (_store, _queue, _delivery, _cache, _checks) for line in part(snapshot, words)]),
        "## Most frequent errors\n",
        _fenced(_errors(groups, words)),
        "## What was done, the newest first\n",
        _fenced(_acts(acts, words)),
    ]
    return "\n".join(parts)


def _fenced(lines: Sequence[str]) -> str:
    """A block whose fence is longer than any run of backticks in it."""
    text = "\n".join(lines)
    fence = "`" * max(3, 1 + max(map(len, _RUNS.findall(text)), default=0))
    return f"{fence}text\n{text}\n{fence}\n"


def _head(snapshot: Snapshot, words: _Words) -> list[str]:
    identity = snapshot.identity
    rows = [
        f"{snapshot.cause_verdict.upper()}: {words.text(snapshot.cause) or 'the cause is not known'}",
        f"written      {words.moment(snapshot.taken_at, '%Y-%m-%d %H:%M:%S')} by {words.text(identity.user, 60)}",
        f"environment  {words.text(identity.environment, 40) or '-'}",
        f"Matomo       {words.text(identity.matomo, 120) or 'none configured'}",
    ]
    return [*rows, "This is a demo."] if identity.demo else rows


def _store(snapshot: Snapshot, words: _Words) -> list[str]:
    store, server = snapshot.store, snapshot.server.value
    rows = [f"Redis        {words.text(store.address, 120) or '-'}"]
    if store.mode is Mode.MEMORY:
        rows.append(f"             away since {words.moment(store.since)}: {words.text(store.reason)}")
        rows.append(f"             {store.only_here:,} requests live only in the memory of one process")
    elif server is not None:
        limit = f" of {server.max_memory / 2**20:,.0f}" if server.max_memory else ""
        memory = f"memory {server.used_memory / 2**20:,.0f}{limit} MiB ({words.text(server.policy, 20)})"
        rows.append(f"             {words.text(server.product, 12)} {words.text(server.version, 12)}, {memory}")
    return [*rows, *([f"             {words.text(store.durability)}"] if store.durability else [])]


def _queue(snapshot: Snapshot, words: _Words) -> list[str]:
    view, error = snapshot.queue.value, snapshot.queue.error
    if view is None:
        return [f"queue        cannot be read: {words.text(error or 'not read yet')}"]
    old = [f"             as of {words.moment(snapshot.queue.at)}: {words.text(error)}"] if error else []
    oldest = f", the oldest accepted {words.moment(view.oldest_accepted)}" if view.oldest_accepted else ""
    return [
        f"queue        pending {view.pending:,}, scheduled {view.scheduled:,}, inflight {view.inflight:,}{oldest}",
        *old,
        f"             dead {view.dead:,}, unknown outcome {view.unknown_waiting:,}, in the trash {view.trash:,}",
        f"             accepted {view.accepted:,} = delivered {view.delivered:,} + rejected {view.rejected:,}"
        f" + dropped {view.dropped:,} + purged {view.purged:,} + in the queue; difference {view.ledger_difference:,}",
        f"             in {view.accepted_rate:.1f}/s, out {view.delivered_rate:.1f}/s{_clears(view)}",
    ]


def _clears(view: QueueView) -> str:
    return f", clears in {lasting(view.clears_in)}" if view.clears_in is not None else ""


def _delivery(snapshot: Snapshot, words: _Words) -> list[str]:
    view = snapshot.queue.value
    if view is None:
        return []
    here = "delivers" if view.delivering_here else "observes"
    read_only = ", read-only" if snapshot.identity.read_only else ""
    rows = [f"delivery     {view.workers} processes deliver; the one that wrote this {here}{read_only}"]
    if (paused := view.control.paused) is not None:
        reason = f": {words.text(paused.reason)}" if paused.reason else ""
        rows.append(f"             paused by {words.text(paused.by, 60)} since {words.moment(paused.since)}{reason}")
    if (rate := view.control.rate) is not None:
        rows.append(f"             limited to {rate.per_second:g}/s by {words.text(rate.by, 60)}")
    if view.gate is not None:
        gate = view.gate
        rows.append(f"             {gate.kind} since {words.moment(gate.since)}: {words.text(gate.reason)}")
    return rows


def _cache(snapshot: Snapshot, words: _Words) -> list[str]:
    view = snapshot.cache.value
    if view is None:
        return [f"cache        cannot be read: {words.text(snapshot.cache.error or 'not read yet')}"]
    looked = view.window_hits + view.window_misses
    rate = f"{view.window_hits / looked:.0%} of {looked:,} look-ups hit" if looked else "no look-ups"
    return [f"cache        {rate} in the last {lasting(view.window)}"]


def _checks(snapshot: Snapshot, words: _Words) -> list[str]:
    checks = snapshot.health.value.checks if snapshot.health.value is not None else ()
    wrong = [one for one in checks if one.verdict is not Verdict.OK]
    return [f"{one.verdict:<12} {words.text(one.name, 40)}: {words.text(one.output)}" for one in wrong]


def _errors(groups: Reading[Groups], words: _Words) -> list[str]:
    found = groups.value
    if found is None:
        return [f"cannot be read: {words.text(groups.error or 'not read')}"]
    if not found.groups:
        return ["Nothing in the queue has failed."]
    rows = []
    for one in found.groups[:ERRORS]:
        status = f"HTTP {one.status}" if one.status is not None else "no answer"
        rows.append(f"{one.count:>9,}  {status}  site {words.text(one.site, 12)}  {words.text(one.kind, 10)}")
        rows.append(f"           {words.text(one.error)}")
        rows.append(f"           first {words.moment(one.first)}, last {words.moment(one.last)}")
    left = found.matched - sum(one.count for one in found.groups[:ERRORS])
    rows += [f"{left:>9,}  others"] if left > 0 else []
    return rows if found.done else [*rows, f"Of the first {found.examined:,} failures that were looked at."]


def _acts(acts: Reading[Sequence[AuditEntry]], words: _Words) -> list[str]:
    if acts.value is None:
        return [f"cannot be read: {words.text(acts.error or 'not read')}"]
    rows = []
    for one in acts.value[:ACTS]:
        host = f" on {words.text(one.host, 40)}" if one.host else ""
        rows.append(f"{words.moment(one.at, '%m-%d %H:%M:%S')}  {words.text(one.who, 80)}{host}")
        rows.append(f"    {words.text(one.what)} -> {words.text(one.outcome)}")
    return rows or ["Nobody did anything."]
