"""The one table of checks, and the diagnosis that they make together."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from opalmind_tui.doctor import cache, cluster, connection, matomo, memory, queue, saving, sharing
from opalmind_tui.doctor.cluster import together
from opalmind_tui.doctor.facts import Facts
from opalmind_tui.snapshot.findings import Diagnosis, Finding, Severity
from opalmind_tui.text import safe_text

Check = Callable[[Facts], Finding | None]

CHECKS: tuple[Check, ...] = (
    connection.away, cluster.silent_node, connection.permission_for_us, saving.replica, saving.unsaved,
    saving.few_replicas, saving.stops_writing, saving.no_append_only, saving.slow_fsync,
    memory.drops_queue, memory.drops_records, memory.nearly_full, memory.no_limit, memory.kept_too_long,
    memory.will_not_fit,
    connection.no_password, connection.plain_text, connection.clocks_apart, connection.old_server,
    connection.slow_answers, connection.slow_commands, connection.idle_closed, connection.few_clients_left,
    connection.not_permitted, cluster.alone, cluster.behind,
    sharing.two_environments, sharing.two_matomos, sharing.mixed_reports,
    queue.ledger, queue.refusing, queue.token_gate, queue.paused, queue.recording_off, queue.breaker, queue.cooldown,
    queue.unattended, queue.stalled, queue.held, queue.nearly_a_day, queue.only_here, queue.dead,
    cache.failing, cache.not_kept, cache.low_hit_rate, cache.corrupt,
    matomo.not_configured, matomo.silent, matomo.locked_out, matomo.refused, matomo.secure_only, matomo.may_not_write,
    matomo.no_token, matomo.clock_apart,
)  # fmt: skip
"""Every check. Where several name the same cause, the first in this list says it."""

EACH_NODE = frozenset({
    saving.replica, saving.unsaved, saving.few_replicas, saving.stops_writing, saving.no_append_only, saving.slow_fsync,
    memory.drops_queue, memory.drops_records, memory.nearly_full, memory.no_limit,
    connection.no_password, connection.plain_text, connection.clocks_apart, connection.old_server,
    connection.slow_answers, connection.slow_commands, connection.idle_closed, connection.few_clients_left,
    connection.not_permitted,
})  # fmt: skip
"""Checks of a server: of a Cluster they are made of each primary."""

_ORDER = (Severity.FAILURE, Severity.WARNING, Severity.REMARK)


def diagnose(facts: Facts, *, asked: bool = True) -> Diagnosis:
    """Make every check.

    Args:
        facts: what is known.
        asked: whether there was anything to ask.
    """
    found = [_safe(facts, finding) for check in CHECKS if (finding := _made(check, facts)) is not None]
    findings = sorted(found, key=lambda finding: _ORDER.index(finding.severity))
    return Diagnosis(facts.now, facts.clean(facts.place.address), tuple(findings), len(CHECKS), asked)


def _made(check: Check, facts: Facts) -> Finding | None:
    if check not in EACH_NODE or not facts.nodes:
        return check(facts)
    # What was refused was refused where the queue is, most likely: the other nodes speak by their own figures.
    nodes = [node if node.home else replace(node, trouble=None) for node in facts.nodes]
    found = [(node.place.node, finding) for node in nodes if (finding := check(node)) is not None]
    return together(found, len(facts.nodes)) if found else None


def _safe(facts: Facts, finding: Finding) -> Finding:
    """No text of others gets out raw, whatever a check put in (I9), and no secret in what was seen (I10)."""
    return replace(
        finding,
        title=safe_text(finding.title),
        evidence=facts.clean(finding.evidence, 1000),
        consequence=safe_text(finding.consequence),
        remedy=safe_text(finding.remedy),
        command=safe_text(finding.command),
        offer=safe_text(finding.offer),
    )
