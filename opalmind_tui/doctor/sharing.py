"""Two that should be apart and share one set of keys."""

from __future__ import annotations

from opalmind_tui.doctor.facts import Facts
from opalmind_tui.health.words import many
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.findings import Finding, Severity


def two_environments(facts: Facts) -> Finding | None:
    """Processes of different environments under the same prefixes."""
    names = _environments(facts)
    if len(names) < 2:
        return None
    ours = facts.settings
    default = "the default " if ours.queue_prefix == Settings().queue_prefix else ""
    seen = ", ".join(
        f"{facts.clean(name, 40)} ({many(number, 'process', 'processes')})" for name, number in names.items()
    )
    return Finding(
        "shared-prefixes", Severity.WARNING, "Two environments share the same keys",
        f"Under {default}prefix {facts.clean(ours.queue_prefix, 60)} there are processes of: {seen}.",
        "They deliver each other's requests, read each other's reports and take each other's records for their own.",
        "Give each environment prefixes of its own (REDIS_QUEUE_PREFIX, REDIS_CACHE_PREFIX, REDIS_IDEMPOTENCY_PREFIX, "
        "REDIS_STATS_PREFIX) or a database of its own (REDIS_DB).",
    )  # fmt: skip


def _environments(facts: Facts) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in [one.environment for one in facts.processes if not one.here] + [facts.settings.environment]:
        if name:
            found[name] = found.get(name, 0) + 1
    return found


def two_matomos(facts: Facts) -> Finding | None:
    """Requests for another Matomo in our queue."""
    queue = facts.queue
    if queue is None or len(_environments(facts)) > 1:
        return None
    others = sorted({one.endpoint for one in facts.processes if one.endpoint not in ("", queue.endpoint)})
    if not queue.endpoint or not (others or queue.other_endpoints):
        return None
    who = f"; processes here send to {', '.join(facts.clean(one, 80) for one in others[:3])}" if others else ""
    wait = bool(queue.other_endpoints) and not others
    return Finding(
        "two-matomos", Severity.WARNING if wait else Severity.REMARK, "The queue holds requests for another Matomo",
        f"{many(queue.other_endpoints, 'request')} of the queue {'is' if queue.other_endpoints == 1 else 'are'} for "
        f"another Matomo than {facts.clean(queue.endpoint, 80)}{who}.",
        "No process that is here sends them: they wait." if wait
        else "Each process sends only those of its own Matomo.",
        "Start a worker with that MATOMO_BASE_URL, or give each Matomo prefixes of its own.",
    )  # fmt: skip


def mixed_reports(facts: Facts) -> Finding | None:
    """Reports of two Matomos under the same keys."""
    cache = facts.cache
    if cache is None or not cache.other_sources:
        return None
    others = ", ".join(facts.clean(one, 80) for one in cache.other_sources[:3])
    return Finding(
        "mixed-reports", Severity.WARNING, "Reports of another Matomo lie under the same keys",
        f"Processes keep reports of {others} under {facts.clean(facts.settings.cache_prefix, 60)}.",
        "The keys do not name the Matomo: a report of one is given to a reader of the other.",
        "Give each Matomo a REDIS_CACHE_PREFIX of its own.",
    )  # fmt: skip
