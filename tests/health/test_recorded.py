"""Each recorded health document comes out again from equal figures, with the corrections that are listed here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from opalmind_tui.health import Facts, SiteAccess, health_document
from opalmind_tui.snapshot.model import CacheView, Gate, GateKind, QueueView, Reading
from tests.health.inputs import facts

FOLDER = Path(__file__).parents[1] / "data" / "health"
Document = dict[str, Any]
AGES = {"MATOMO_QUEUE_WARN_AGE_MS": "1000", "MATOMO_QUEUE_FAIL_AGE_MS": "3000"}
PENDING = {"MATOMO_QUEUE_WARN_PENDING": "2", "MATOMO_QUEUE_FAIL_PENDING": "4"}
RATES = {
    "MATOMO_CACHE_WARN_HIT_RATE": "90.5", "MATOMO_CACHE_FAIL_HIT_RATE": "95", "MATOMO_CACHE_SAMPLE_SIZE": "2",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A recording.

    Args:
        name: of the file.
        environ: what its process was given.
        figures: where our figures of the same state differ (a waiting request is `scheduled`, not `inflight`).
        corrected: changes the recorded document to what is right.
    """

    name: str
    environ: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    corrected: Callable[[Document], None] = lambda document: None


def check(document: Document, name: str) -> Document:
    return next(check for check in document["checks"] if check["name"] == name)


def moment(document: Document) -> float:
    return datetime.fromisoformat(document["timestamp"]).timestamp()


def idle(document: Document) -> None:
    """An empty queue has no age, whatever was retried once."""
    queue = check(document, "tracking-queue")
    queue["details"]["backlogAgeMs"] = 0
    queue["output"] = re.sub(r"backlogAgeMs=\d+", "backlogAgeMs=0", queue["output"])
    queue["status"], document["status"] = "pass", "healthy"


def waiting(document: Document) -> None:
    """A request that waits for its next try is scheduled, as old as its acceptance, and the status is its newest."""
    queue = check(document, "tracking-queue")
    status = queue["details"]["lastError"]["status"]
    queue["details"] |= {"inflight": 0, "scheduled": 1, "backlogAgeMs": 5000, "oldestPendingAt": OLDEST}
    queue["details"]["lastRetryStatus"] = status
    output = queue["output"].replace("inflight=1", "inflight=0, scheduled=1")
    output = re.sub(r"backlogAgeMs=\d+", "backlogAgeMs=5000", output)
    left = queue["details"]["cooldownUntil"] - round(moment(document) * 1000)
    output = re.sub(
        r"(, lastRetryStatus=\d+)?, cooldownMs=\d+", f", lastRetryStatus={status}, cooldownMs={left}", output
    )
    queue["output"] = output


def given_up(document: Document) -> None:
    """A request that was given up is kept, and warns until somebody looks at it."""
    idle(document)
    queue = check(document, "tracking-queue")
    queue["details"]["dead"] = 1
    queue["output"] = queue["output"].replace("inflight=0", "inflight=0, dead=1")
    queue["status"], document["status"] = "warn", "degraded"


def stuck(document: Document) -> None:
    """A request that hangs on the wire ages, too."""
    queue = check(document, "tracking-queue")
    queue["details"] |= {"backlogAgeMs": 5000, "oldestPendingAt": OLDEST}
    queue["output"] = queue["output"].replace("backlogAgeMs=0", "backlogAgeMs=5000")
    queue["status"], document["status"] = "fail", "unhealthy"


def cold(document: Document) -> None:
    """Twenty cold misses are not an outage."""
    check(document, "reports-cache")["status"] = "pass"
    document["status"] = "healthy"


OLDEST = "five seconds before"
WAITING = {"inflight": 0, "scheduled": 1, "oldest": OLDEST}
CASES = [
    Case("degraded-age", AGES),
    Case("degraded-backlog10"),
    Case("degraded-backlog24"),
    Case("degraded-cache-10pct"),
    Case("degraded-cache-19pct"),
    Case("degraded-cache-5pct"),
    Case("degraded-cooldown-backlog", figures=WAITING, corrected=waiting),
    Case("degraded-env-pending", PENDING),
    Case("degraded-first-cooldown", figures=WAITING, corrected=waiting),
    Case("degraded-network-error", figures=WAITING, corrected=waiting),
    Case("degraded-second-cooldown", figures=WAITING, corrected=waiting),
    Case("degraded-stale-61s", corrected=idle),
    Case("degraded-stale-retry", AGES, corrected=idle),
    Case("healthy-after-final-failure", figures={"dead": 1}, corrected=given_up),
    Case("healthy-after-retry", corrected=idle),
    Case("healthy-backlog9"),
    Case("healthy-cache-19-misses"),
    Case("healthy-cache-20pct"),
    Case("healthy-details"),
    Case("healthy-details-site8"),
    Case("healthy-fresh"),
    Case("healthy-memory"),
    Case("healthy-single-stuck", AGES, {"oldest": OLDEST}, stuck),
    Case("healthy-stale-30s", corrected=idle),
    Case("healthy-traffic"),
    Case("unhealthy-age", AGES),
    Case("unhealthy-backlog25"),
    Case("unhealthy-backlog60"),
    Case("unhealthy-cache-0pct", corrected=cold),
    Case("unhealthy-cache-4.8pct"),
    Case("unhealthy-env-cache", RATES),
    Case("unhealthy-env-pending", PENDING),
    Case("unhealthy-matomo-reset"),
    Case("unhealthy-site-access"),
    Case("unhealthy-stale-122s", corrected=idle),
    Case("unhealthy-stale-retry", AGES, corrected=idle),
    Case("unhealthy-stale-retry-after-success", AGES, corrected=idle),
]
THROWN = {"redis-down-ready", "redis-down-sdk"}
"""Where the reference has no document at all; `test_checks` has what we say then."""


def recorded(name: str) -> Document:
    document: Document = json.loads((FOLDER / f"health-tool-{name}.json").read_bytes())
    return document


def facts_of(document: Document, case: Case) -> Facts:
    """The state that the document was recorded in."""
    now = moment(document)
    known = facts(case.environ, queue=_queue(document, case, now), cache=_cache(document), keys=Reading())
    matomo = check(document, "matomo-api")
    answered = matomo["status"] == "pass"
    probe = Reading(matomo["observedValue"] / 1000, now, None if answered else matomo["output"])
    return replace(known, now=now, matomo=probe, site=_site(document))


def _queue(document: Document, case: Case, now: float) -> QueueView:
    details = check(document, "tracking-queue")["details"]
    error = details.get("lastError", {})
    cooldown = details.get("cooldownUntil")
    oldest = now - 5 if case.figures.get("oldest") else details.get("oldestPendingAt", 0) / 1000
    if oldest and not case.figures.get("oldest"):
        oldest = now - details["backlogAgeMs"] / 1000
    return QueueView(
        pending=details["pending"],
        inflight=case.figures.get("inflight", details["inflight"]),
        scheduled=case.figures.get("scheduled", 0),
        dead=case.figures.get("dead", 0),
        delivered=details["totalProcessed"],
        retried=details["totalRetried"],
        oldest_accepted=oldest or None,
        last_error=error.get("message", ""),
        last_error_at=error.get("timestamp", 0) / 1000,
        last_status=error.get("status", details.get("lastRetryStatus")),
        last_retry_at=details.get("lastRetryAt", 0) / 1000,
        last_backoff=details["lastBackoffMs"] / 1000,
        gate=Gate(GateKind.COOLDOWN, now - 1, cooldown / 1000, "503") if cooldown else None,
        delivering_here=True,
    )


def _cache(document: Document) -> CacheView:
    details = check(document, "reports-cache")["details"]
    hits, misses = details["hits"], details["misses"]
    return CacheView(
        hits=hits, misses=misses, sets=details["sets"], stale_evictions=details["staleEvictions"],
        entries=details["entries"], window=300, window_hits=hits, window_misses=misses,
    )  # fmt: skip


def _site(document: Document) -> SiteAccess | None:
    found = next((check for check in document["checks"] if check["name"] == "site-access"), None)
    if found is None:
        return None
    if found["status"] == "fail":
        return SiteAccess(99, found["output"])
    return SiteAccess(int(found["output"].split()[2]))


def comparable(ours: Document, recording: Document) -> Document:
    """Ours without what the reference has not: the Redis check, and details of our own that are 0."""
    own = {"scheduled": 0, "dead": 0, "ledgerDifference": 0}
    compared = {**ours, "checks": [dict(check) for check in ours["checks"] if check["name"] != "redis-connection"]}
    for mine, theirs in zip(compared["checks"], recording["checks"], strict=True):
        if mine["output"].startswith(theirs["output"] + "; "):
            mine["output"] = theirs["output"]
        if "details" in mine:
            mine["details"] = {
                name: value for name, value in mine["details"].items() if name != "gate" and own.get(name, -1) != value
            }
    return compared


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_recorded_document_comes_out_again(case: Case) -> None:
    expected = recorded(case.name)
    known = facts_of(expected, case)
    case.corrected(expected)
    for found in expected["checks"]:
        details = found.get("details", {})
        if "oldestPendingAt" in details:
            details["oldestPendingAt"] = round((known.now - details["backlogAgeMs"] / 1000) * 1000)
    assert comparable(health_document(known), expected) == expected


def test_every_recorded_document_is_a_case() -> None:
    files = {path.stem.removeprefix("health-tool-") for path in FOLDER.glob("health-tool-*.json")}
    assert files == {case.name for case in CASES} | THROWN


def test_the_order_of_checks_and_their_fields_is_the_recorded_one() -> None:
    case = next(case for case in CASES if case.name == "healthy-details")
    recording = recorded(case.name)
    ours = health_document(facts_of(recording, case))
    names = [found["name"] for found in ours["checks"]]
    assert names == ["matomo-api", "reports-cache", "tracking-queue", "redis-connection", "site-access"]
    for found in recording["checks"]:
        assert list(check(ours, found["name"])) == list(found)
    assert list(ours) == list(recording)
