"""What the next snapshot should bring beyond what every one has."""

from __future__ import annotations

from msgspec import Struct

from opalmind_tui.snapshot.audit import AuditView
from opalmind_tui.snapshot.entries import EntryView
from opalmind_tui.snapshot.listing import GroupView, ListView


class Wanted(Struct, frozen=True):
    """What is in view.

    Args:
        rows: how many requests the overview's list can show; 0 where none is visible.
        closer: Redis from near (`Snapshot.redis`).
        view: the part of the queue's lists that is shown; the engine searches at most one list at a time, for as long
            as it is asked for it.
        groups: the groups of failures that are shown.
        audit: the part of the audit trail that is shown.
        entries: the entries of the cache that are shown; they are gone through in the background for as long as they
            are asked for.
    """

    rows: int = 0
    closer: bool = False
    view: ListView | None = None
    groups: GroupView | None = None
    audit: AuditView | None = None
    entries: EntryView | None = None


NEWEST = Wanted(rows=50)
"""The newest requests: what whoever names nothing gets."""
