"""A trail for tests and pictures, and windows on it as the engine gives them."""

from __future__ import annotations

from collections.abc import Sequence

from opalmind_tui.snapshot.audit import OLDEST, AuditEntry, AuditPage, AuditView
from tests.tui.fixtures import NOW

TRAIL = (
    AuditEntry(NOW - 70, "kim", "set-ttl", "Set the time to live of events entries to 300 s",
               "The time to live of events entries is 300 s", 1, "opalmind", "10.0.3.17", "bastion", "9-0", NOW - 70,
               "r9", '{"act":"set-ttl"}'),
    AuditEntry(NOW - 400, "anna", "undo", "Undo: Purge 3 dead requests", "3 restored", 3, "anna", "10.0.3.20",
               "bastion", "8-0", NOW - 400, "r8", undoes="r7"),
    AuditEntry(NOW - 460, "kim", "purge", "Purge 3 dead requests", "3 purged; can be brought back for 15 minutes", 3,
               "opalmind", "10.0.3.17", "bastion", "7-0", NOW - 460, "r7", "{}"),
    AuditEntry(NOW - 5_000, "kim", "reveal", "Personal data of request 3fA0k2Jd91LmQz", "shown", None, "opalmind",
               "10.0.3.17", "bastion", "6-0", NOW - 5_000, "r6"),
    AuditEntry(NOW - 90_000, "cron", "pause", "Pause delivery for 30 min", "Delivery is paused: upgrade of Matomo", 1,
               "cron", "", "batch", "5-0", NOW - 90_000, "r5"),
)  # fmt: skip


def long_trail(number: int) -> tuple[AuditEntry, ...]:
    """So many entries, the newest first."""
    return tuple(
        AuditEntry(NOW - at, "anna", "retry", f"Act {number - at}", "done", id=f"{number - at}-0", ref=f"r{at}")
        for at in range(number)
    )


def page(trail: Sequence[AuditEntry], view: AuditView) -> AuditPage:
    """A window on it."""
    places = [number for number, entry in enumerate(trail) if entry.id == view.anchor]
    at = places[0] if places else 0
    first, end = max(0, at - view.above), min(len(trail), at + view.rows)
    if view.anchor == OLDEST:
        first, end = max(0, len(trail) - view.rows), len(trail)
    return AuditPage(view, tuple(trail[first:end]), len(trail), newest=not first, oldest=end == len(trail))
