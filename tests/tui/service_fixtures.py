"""Attached services for tests and pictures."""

from __future__ import annotations

from msgspec.structs import replace

from opalmind_tui.snapshot.model import Reading, ServicesView, Snapshot
from opalmind_tui.snapshot.services import Reach, ServiceChanges, ServiceFigures, ServiceView
from tests.tui.fixtures import NOW, healthy

CALM = ServiceView(
    "https://api-1.internal:3000", Reach.UP, NOW - 18, 0.036, since=NOW - 90_000, told_at=NOW - 18,
    figures=ServiceFigures(
        "healthy", NOW - 300, pending=0, inflight=1, processed=120_411, retried=12, backlog_age=0.0, hits=8200,
        misses=1210, entries=1340, matomo=0.021,
    ),
    changes=ServiceChanges(60.0, processed=131, pending=-2),
)  # fmt: skip
WAITING = ServiceView(
    "https://api-2.internal:3000", Reach.UP, NOW - 18, 0.052, since=NOW - 4000, told_at=NOW - 18,
    figures=ServiceFigures(
        "degraded", NOW + 7, pending=14, inflight=1, processed=80, retried=41, backlog_age=71.0,
        last_error="Matomo tracking request failed (429 Too Many Requests)", last_error_status=429, last_error_age=4.0,
        cooldown=42.0, hits=3, misses=40, entries=1340, matomo=0.4,
        failing=(("tracking-queue", "warn", "pending=14, inflight=1, backlogAgeMs=71000"),),
    ),
    changes=ServiceChanges(60.0, processed=3, retried=9, pending=11, status_before="healthy", restarted=True),
)  # fmt: skip
STALE_RETRY = ServiceView(
    "https://api-3.internal:3000", Reach.UP, NOW - 18, 0.031, since=NOW - 900, told_at=NOW - 18, open_only=True,
    figures=ServiceFigures(
        "unhealthy", NOW, pending=0, inflight=0, processed=7, retried=1, backlog_age=122.0, hits=0, misses=0, entries=3,
        failing=(("tracking-queue", "fail", "pending=0, inflight=0, backlogAgeMs=122000"),),
    ),
)  # fmt: skip
AWAY = replace(
    WAITING, url="http://10.0.0.9", reach=Reach.AWAY, took=None, trouble="Connection refused", since=NOW - 600
)
STRANGE = ServiceView(
    "https://api-5.internal", Reach.STRANGE, NOW - 18, 0.2, since=NOW - 600,
    trouble="It redirects (HTTP 302) to https://login.example.org/; not followed",
)  # fmt: skip
HOSTILE = replace(
    WAITING, url="https://api-6.internal",
    figures=replace(WAITING.figures or ServiceFigures("degraded"), last_error="\x1b[2J[bold]\u202egone\n\x9b31m"),
)  # fmt: skip
ASKING = ServiceView("https://api-7.internal", since=NOW)


def attached(*services: ServiceView) -> Snapshot:
    """A healthy dashboard with these services beside it."""
    return replace(healthy(), services=Reading(ServicesView(services, 67.0, NOW + 49), NOW))
