"""A recording in the engine's place: it shows what was, and does nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from msgspec.structs import replace

from opalmind_tui.errors import ReadOnly
from opalmind_tui.health.summary import summary
from opalmind_tui.recording.opening import Recording
from opalmind_tui.recording.playback import Playback
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.audit import AuditEntry, AuditPage, AuditView
from opalmind_tui.snapshot.cache import TtlPreview
from opalmind_tui.snapshot.commands import Command, Outcome, Plan, Progress
from opalmind_tui.snapshot.entries import EntryListing, EntryPart, EntryView
from opalmind_tui.snapshot.findings import Diagnosis
from opalmind_tui.snapshot.listing import TAB_OF, Listing, ListView, RequestDetail, Tab, count_of
from opalmind_tui.snapshot.model import Reading, RequestRow, Snapshot
from opalmind_tui.snapshot.wanted import NEWEST, Wanted

NOT_NOW = "This is a recording: nothing can be done in it"
NO_LIST = "Not recorded: another list, or none, was in view at that moment."
"""Where even the overview's list tells nothing of it."""
NO_GROUPS = "Not recorded: the groups were not in view at that moment."
NO_ENTRIES = "Not recorded: these entries were not in view at that moment."
NO_DETAIL = "Not recorded: of a request a recording has what the list showed."
NO_VALUE = "Not recorded: values of cached reports are in no recording."
NO_REPORT = "Not recorded: Redis was not looked at from near at that moment."


class Replay:
    """An `EnginePort` on a recording: `playback` says which snapshot it gives."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.playback = Playback(recording.moments)

    async def take_snapshot(self, wanted: Wanted = NEWEST) -> Snapshot:
        """The snapshot at the position, and why it lacks what was not asked for then. Raises `BadRecording`."""
        view, audit, entries = wanted.view, wanted.audit, wanted.entries
        found = self.recording.snapshot(self.playback.number)
        if view is not None:
            found = replace(found, listing=_listing(found, view))
        if wanted.groups is not None and (found.groups is None or found.groups.value is None):
            found = replace(found, groups=Reading(None, found.taken_at, NO_GROUPS))
        if audit is not None:
            found = replace(found, audit=Reading(_trail(found, self.recording.audit, audit), found.taken_at))
        if entries is not None:
            found = replace(found, entries=_entries(found, entries))
        if wanted.closer and found.redis.value is None and not found.redis.error:
            found = replace(found, redis=Reading(None, found.taken_at, NO_REPORT))
        return found

    async def request_detail(self, request_id: str, *, reveal: bool = False, start: int = 0) -> RequestDetail | None:
        """Never recorded. Raises `ReadOnly`."""
        raise ReadOnly(NO_DETAIL)

    async def entry_part(self, key: str, start: int = 0) -> EntryPart | None:
        """Never recorded. Raises `ReadOnly`."""
        raise ReadOnly(NO_VALUE)

    async def plan(self, command: Command, on_progress: Callable[[Progress], None] | None = None) -> Plan:
        """Raises `ReadOnly`."""
        _refuse()

    async def run(self, plan: Plan, on_progress: Callable[[Progress], None] | None = None) -> Outcome:
        """Raises `ReadOnly`."""
        _refuse()

    def leave_behind(self) -> None:
        """Nothing lives here."""

    async def ttl_preview(self, feature: str, seconds: float | None = None) -> TtlPreview:
        """Raises `ReadOnly`."""
        _refuse()

    def switch_count(self) -> None:
        """Nothing is counted."""

    async def summary(self) -> str:
        """How things were at the position, as far as it was recorded. Raises `BadRecording`."""
        found = self.recording.snapshot(self.playback.number)
        acts = _trail(found, self.recording.audit, AuditView()).entries
        groups = found.groups or Reading(error=NO_GROUPS)
        return summary(found, Settings(), groups=groups, acts=Reading(acts, found.taken_at))

    async def diagnose(self) -> Diagnosis:
        """Raises `ReadOnly`."""
        _refuse()


def _refuse() -> NoReturn:
    raise ReadOnly(NOT_NOW)


def _trail(found: Snapshot, trail: tuple[AuditEntry, ...], view: AuditView) -> AuditPage:
    """What had been done by then: of the trail that was saved, else of what the history or the Audit place had."""
    if not trail and found.audit is not None and found.audit.value is not None:
        trail = found.audit.value.entries
    if not trail and found.past.value is not None:
        marks = enumerate(reversed(found.past.value.marks))
        trail = tuple(AuditEntry(one.at, one.by, one.act, one.what, "", id=f"mark {number}") for number, one in marks)
    done = tuple(entry for entry in trail if entry.at <= found.taken_at)
    return AuditPage(view, done, total=len(done))


def _listing(found: Snapshot, view: ListView) -> Reading[Listing]:
    """The part of the list that was recorded, as if it were all; else what the overview showed of it."""
    had = found.listing
    if had is not None and had.value is not None and _same_list(had.value.view, view):
        rows = had.value.rows
        return replace(had, value=replace(had.value, view=view, first=0, kept=len(rows)))
    if view.filter or found.requests.value is None:
        return Reading(None, found.taken_at, NO_LIST)
    rows = tuple(row for row in found.requests.value if _belongs(row, view.tab))
    total = count_of(view.tab, found.queue.value) if found.queue.value is not None else len(rows)
    if total and not rows:
        return Reading(None, found.taken_at, NO_LIST)
    return Reading(Listing(view, rows, total=total, matched=len(rows), kept=len(rows)), found.requests.at)


def _entries(found: Snapshot, view: EntryView) -> Reading[EntryListing] | None:
    """As `_listing`. Their sums, which are asked for without rows, are only missing where there are none."""
    had = found.entries
    if had is None or had.value is None:
        return Reading(None, found.taken_at, NO_ENTRIES) if view.rows else had
    was = had.value.view
    if view.rows and (not was.rows or (was.feature, was.order) != (view.feature, view.order)):
        return Reading(None, found.taken_at, NO_ENTRIES)
    rows = had.value.rows if view.rows else ()
    return replace(had, value=replace(had.value, view=view, rows=rows, first=0, kept=len(rows)))


def _same_list(was: ListView, wanted: ListView) -> bool:
    return (was.tab, was.filter, was.sorted_by) == (wanted.tab, wanted.filter, wanted.sorted_by)


def _belongs(row: RequestRow, tab: Tab) -> bool:
    if tab is Tab.UNKNOWN:
        return row.unknown > 0
    return row.failed_at is not None if tab is Tab.FAILED else TAB_OF[row.state] is tab
