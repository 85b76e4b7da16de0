"""All checks together: as a view for a screen, and as the document for scripts and monitoring.

The document has the shape of OpalMind's own, with the check ``redis-connection`` beside the others; within the known
details there are `scheduled`, `dead`, `ledgerDifference` and `gate` (queue), `window` and `otherMatomos` (cache) more.
"""

from __future__ import annotations

from typing import Any

from opalmind_tui.health.cache import cache_check
from opalmind_tui.health.facts import Facts
from opalmind_tui.health.matomo import matomo_check, site_check
from opalmind_tui.health.queue import queue_check
from opalmind_tui.health.redis import redis_check
from opalmind_tui.health.words import iso
from opalmind_tui.snapshot.model import Check, HealthView, Verdict

_STATUS = {Verdict.OK: "healthy", Verdict.WARN: "degraded", Verdict.UNKNOWN: "degraded", Verdict.FAIL: "unhealthy"}
_RESULT = {Verdict.OK: "pass", Verdict.WARN: "warn", Verdict.UNKNOWN: "warn", Verdict.FAIL: "fail"}


def health_view(facts: Facts) -> HealthView:
    """The checks, in the document's order."""
    checks = (matomo_check(facts), cache_check(facts), queue_check(facts), redis_check(facts))
    return HealthView((*checks, site_check(facts, facts.site)) if facts.site else checks)


def health_document(facts: Facts) -> dict[str, Any]:
    """The document, ready for JSON.

    Returns:
        `status` (``healthy``, ``degraded``, ``unhealthy``), `timestamp` (ISO 8601, UTC, milliseconds), `checks`. Times
        in `details` are epoch milliseconds. What cannot be known is null, and its check warns.
    """
    view, time = health_view(facts), iso(facts.now)
    checks = [_check(check, time) for check in view.checks]
    return {"status": _STATUS[view.verdict], "timestamp": time, "checks": checks}


def _check(check: Check, time: str) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": check.name,
        "status": _RESULT[check.verdict],
        "componentType": check.component,
    }
    if check.unit:
        document |= {"observedValue": check.observed, "observedUnit": check.unit}
    document |= {"time": time, "output": check.output}
    return document | {"details": dict(check.details)} if check.details else document
