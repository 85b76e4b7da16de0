"""A stand-in for the engine: gives fixed snapshots, remembers what it was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from opalmind_tui.errors import ReadOnly
from opalmind_tui.snapshot.audit import AuditView
from opalmind_tui.snapshot.commands import Act, Command, Outcome, Plan, Progress
from opalmind_tui.snapshot.entries import EntryPart, EntryRow, EntryView
from opalmind_tui.snapshot.findings import Diagnosis, Finding, Severity
from opalmind_tui.snapshot.listing import ListView, RequestDetail
from opalmind_tui.snapshot.model import PreviewPoint, Reading, Snapshot, TtlPreview
from opalmind_tui.snapshot.redis_report import RedisReport
from opalmind_tui.snapshot.wanted import NEWEST, Wanted
from tests.tui.details import detail
from tests.tui.entry_fixtures import DAY, ENTRIES, VALUES, entry_listing, part_of
from tests.tui.listings import groups as grouped
from tests.tui.listings import listing
from tests.tui.redis_fixtures import REPORT
from tests.tui.trail import TRAIL, page

FINDINGS = (
    Finding(
        "eviction-queue", Severity.FAILURE, "The eviction policy can delete the queue",
        "The policy is allkeys-lru \x1b[2J, and 2,310 requests wait.",
        "When memory is full the server deletes keys of the queue, too, without a word. Requests are lost.",
        "Use volatile-ttl on a server that others use as well, noeviction on one of our own.",
        "redis-cli config set maxmemory-policy volatile-ttl",
    ),
    Finding("dead", Severity.WARNING, "Requests were given up", "2 dead.", "They are kept.", "Retry them.", "",
            Command(Act.RETRY, all_dead=True), "Retry every dead request"),
)  # fmt: skip


class FakeEngine:
    """An `EnginePort` without anything behind it.

    Args:
        snapshot: what the first look gives; `snapshot` may be replaced at any time.
        plan: makes the plan of a command.
    """

    def __init__(self, snapshot: Snapshot, plan: Callable[[Command], Plan] | None = None) -> None:
        self.snapshot = snapshot
        self.planned: list[Command] = []
        self.ran: list[Plan] = []
        self.rows: list[int] = []
        self.closer: list[bool] = []
        self.trouble: Exception | None = None
        self.plan_trouble: Exception | None = None
        self.look: Callable[[Callable[[Progress], None]], Awaitable[None]] | None = None
        self.hold: asyncio.Event | None = None
        self.outcome = ""
        self.left_behind = False
        self.report: RedisReport | None = REPORT
        self.redis_trouble: str | None = None
        self.switched = 0
        self._plan = plan or plain_plan
        self.listed = snapshot.requests.value or ()
        self.listing_trouble = ""
        self.views: list[ListView] = []
        self.summed_up = "# OpalMind hand-over\n\n```text\nFAIL: Matomo answers 503\n```\n"
        self.summary_trouble: Exception | None = None
        self.audits: list[AuditView] = []
        self.trail = TRAIL
        self.trail_trouble: str | None = None
        self.entries: tuple[EntryRow, ...] = ENTRIES
        self.values: dict[str, str] = dict(VALUES)
        self.entry_views: list[EntryView] = []
        self.entries_trouble = ""
        self.parts: list[tuple[str, int]] = []
        self.part_trouble: Exception | None = None
        self.preview = plain_preview()
        self.previewed: list[tuple[str, float | None]] = []
        self.preview_trouble: Exception | None = None
        self.diagnosis = Diagnosis(snapshot.taken_at, "db.internal:6379/0", FINDINGS, 48)
        self.diagnosis_trouble: Exception | None = None
        self.diagnosed = 0
        self.read: list[tuple[str, bool, int]] = []
        self.detail_of = detail
        self.detail_trouble: Exception | None = None

    async def take_snapshot(self, wanted: Wanted = NEWEST) -> Snapshot:
        view, groups, audit, entries = wanted.view, wanted.groups, wanted.audit, wanted.entries
        self.rows.append(wanted.rows)
        self.closer.append(wanted.closer)
        if self.trouble is not None:
            raise self.trouble
        taken, at = self.snapshot, self.snapshot.taken_at
        if view is not None:
            self.views.append(view)
            found = Reading(listing(self.listed, view), at) if not self.listing_trouble else None
            taken = replace(taken, listing=found or Reading(None, at, self.listing_trouble))
        if groups is not None:
            taken = replace(taken, groups=Reading(grouped(groups), at))
        if audit is not None:
            self.audits.append(audit)
            taken = replace(taken, audit=Reading(page(self.trail, audit), at, self.trail_trouble))
        if entries is not None:
            self.entry_views.append(entries)
            found_entries = entry_listing(self.entries, entries, at) if not self.entries_trouble else None
            reading = Reading(found_entries, at, self.entries_trouble or None)
            taken = replace(taken, entries=reading, cache_day=Reading(DAY, at))
        return replace(taken, redis=Reading(self.report, at, self.redis_trouble)) if wanted.closer else taken

    async def request_detail(self, request_id: str, *, reveal: bool = False, start: int = 0) -> RequestDetail | None:
        self.read.append((request_id, reveal, start))
        if self.detail_trouble is not None:
            raise self.detail_trouble
        if reveal and self.snapshot.identity.read_only:
            raise ReadOnly("This dashboard is read-only")
        known = (*(self.snapshot.requests.value or ()), *self.listed)
        row = next((row for row in known if row.id == request_id), None)
        return None if row is None else self.detail_of(row, reveal, start)

    async def entry_part(self, key: str, start: int = 0) -> EntryPart | None:
        self.parts.append((key, start))
        if self.part_trouble is not None:
            raise self.part_trouble
        row = next((row for row in self.entries if row.key == key), None)
        return part_of(row, self.values.get(key, '{"value":1}'), start) if row is not None else None

    async def plan(self, command: Command, on_progress: Callable[[Progress], None] | None = None) -> Plan:
        self.planned.append(command)
        if self.look is not None and on_progress is not None:
            await self.look(on_progress)
        if self.plan_trouble is not None:
            raise self.plan_trouble
        return self._plan(command)

    async def run(self, plan: Plan, on_progress: Callable[[Progress], None] | None = None) -> Outcome:
        if self.snapshot.identity.read_only:
            raise ReadOnly("This dashboard is read-only")
        self.ran.append(plan)
        if on_progress is not None:
            on_progress(Progress(plan.eligible // 2, plan.eligible))
        if self.hold is not None:
            await self.hold.wait()
        return Outcome(self.outcome or f"{plan.title}: done", done=plan.eligible)

    def leave_behind(self) -> None:
        self.left_behind = True

    async def ttl_preview(self, feature: str, seconds: float | None = None) -> TtlPreview:
        self.previewed.append((feature, seconds))
        if self.preview_trouble is not None:
            raise self.preview_trouble
        return replace(self.preview, feature=feature, proposed=None if seconds is None else _point(seconds))

    def switch_count(self) -> None:
        self.switched += 1

    async def summary(self) -> str:
        if self.summary_trouble is not None:
            raise self.summary_trouble
        return self.summed_up

    async def diagnose(self) -> Diagnosis:
        self.diagnosed += 1
        if self.diagnosis_trouble is not None:
            raise self.diagnosis_trouble
        return self.diagnosis


def _point(ttl: float) -> PreviewPoint:
    """A time to live that does what one would think of it."""
    if ttl > 7200:
        return PreviewPoint(ttl, reason="look-ups of 4 h are known, and 9 h are needed")
    rate = ttl / (ttl + 40)
    return PreviewPoint(ttl, rate, 0.03, 900 * (1 - rate), ttl / 3, 2_000 * ttl / 3, 34 if ttl < 60 else 0)


def plain_preview() -> TtlPreview:
    """A prediction over the usual times."""
    times = (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400)
    return TtlPreview("", _point(60), None, tuple(map(_point, times)), 0.62, 1.0, 14_400)


def plain_plan(command: Command) -> Plan:
    """A plan with a bit of everything."""
    count = 3 if command.all_dead else max(1, len(command.ids))
    titles = {
        Act.RETRY: f"Retry {count} request{'' if count == 1 else 's'}",
        Act.RESTORE: "Restore the last purge: 2 requests",
        Act.PURGE: f"Purge {count} request{'' if count == 1 else 's'}{' for good' if command.hard else ''}",
        Act.PURGE_CACHE: f"Purge {command.feature or 'all'} cache entries",
        Act.REFETCH: f"Fetch 1 report of {command.feature} anew",
        Act.SET_TTL: f"Set the time to live of {command.feature or command.target} to {command.seconds:g} s",
        Act.DELIVER: "Deliver from this dashboard",
        Act.TEST_TOKEN: "Ask Matomo again with the token",
        Act.PAUSE: "Pause delivery",
        Act.RESUME: "Resume delivery",
        Act.UNDO: "Undo: Purge 2 requests",
        Act.KILL: f"Give up {count} request{'' if count == 1 else 's'}",
        Act.RELEASE: f"Release the leases of {count} request{'' if count == 1 else 's'}",
        Act.LIMIT: f"Deliver at most {command.per_second:g}/s",
    }
    return Plan(
        command, titles[command.act], count, (("inflight now", 2),), ("They will be sent again.",), ids=command.ids
    )


class FakeDemo:
    """A `DemoPort` that remembers its mood."""

    moods = (
        ("1", "normal", "answers at once"),
        ("2", "slow", "takes two seconds"),
        ("3", "limited", "429 with Retry-After"),
        ("4", "broken", "503 to everything"),
        ("5", "outage", "refuses connections"),
    )

    def __init__(self) -> None:
        self._mood = "normal"

    def mood(self) -> str:
        return self._mood

    async def set_mood(self, name: str) -> None:
        self._mood = name
