"""The engine: everything below the screen, composed, started and stopped in one place."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from opalmind_tui.engine.asking import Asking
from opalmind_tui.engine.attached import Attached
from opalmind_tui.engine.cache_look import CacheLook
from opalmind_tui.engine.connecting import connect, note_changes
from opalmind_tui.engine.delivery import Delivery
from opalmind_tui.engine.ending import Ending
from opalmind_tui.engine.exporting import exported
from opalmind_tui.engine.finding import Finding
from opalmind_tui.engine.finding.detail import detail_of
from opalmind_tui.engine.hand_over import HandOver
from opalmind_tui.engine.history import Recorder
from opalmind_tui.engine.identity import identity_of, user_of
from opalmind_tui.engine.intake import Intake
from opalmind_tui.engine.key_count import KeyCount
from opalmind_tui.engine.looking import Look
from opalmind_tui.engine.matomo_probe import MatomoProbe
from opalmind_tui.engine.roles import GRACE, LONG_LIVED, Role
from opalmind_tui.engine.site_names import SiteNames
from opalmind_tui.engine.stores import open_stores
from opalmind_tui.engine.supervision import supervised
from opalmind_tui.engine.upkeep import Upkeep
from opalmind_tui.errors import ReadOnly
from opalmind_tui.matomo.endpoints import tracking_url
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.audit import AuditEntry, AuditView
from opalmind_tui.snapshot.commands import Command, Outcome, Plan, Progress
from opalmind_tui.snapshot.entries import EntryPart, EntryView
from opalmind_tui.snapshot.filters import NO_FILTER, Filter
from opalmind_tui.snapshot.findings import Diagnosis
from opalmind_tui.snapshot.history import KEPT, Minute
from opalmind_tui.snapshot.listing import GroupView, ListView, RequestDetail
from opalmind_tui.snapshot.model import (
    CacheView,
    GateKind,
    QueueView,
    Reading,
    ServicesView,
    Snapshot,
    State,
    TtlPreview,
)
from opalmind_tui.tracking.queue import Answer
from opalmind_tui.tracking.request import TrackingRequest

if TYPE_CHECKING:
    from opalmind_tui.engine.acts import Acts
    from opalmind_tui.reports.service import Reports
    from opalmind_tui.reports.ttl import Ttl
    from opalmind_tui.tracking.send_stats import DispatcherStats

# A program that configures no logging must not get lines of ours in the middle of its screen.
logging.getLogger("opalmind_tui").addHandler(logging.NullHandler())


class Engine:
    """Queue, delivery, reports and observation of one process. Satisfies `EnginePort`.

    Args:
        settings: what the process was told; `settings.read_only` keeps it from writing anything at all (ruling 8).
        role: what the process is; settles whether memory may take over and how long stopping may take.
        deliver: whether it takes requests from a shared Redis (ruling 2). What its own memory accepted it always sends.
        interval: seconds between two looks; only passed on to the screen.
        clock: epoch seconds.
        ticks: seconds from any start.

    Use it as an async context manager, or `start` and `stop`. Used from one event loop.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        role: Role,
        deliver: bool = False,
        interval: float = 1.0,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self._secrets = settings.secrets()
        self._clock, self._ticks = clock, ticks
        self.role: Role = role
        self.endpoint = tracking_url(settings.matomo_base_url) if settings.matomo_base_url else ""
        user = self._user = user_of(settings)
        writes_long = role in LONG_LIVED and not settings.read_only
        self._stores = open_stores(
            settings,
            role=role,
            user=user,
            endpoint=self.endpoint,
            memory=writes_long,
            deliver_shared=deliver and writes_long and bool(self.endpoint),
            clock=clock,
        )
        self.queue = self._stores.queue
        self._interval = interval
        self._ending = Ending(
            self._stores, self.endpoint, writes=not settings.read_only and role not in ("status", "doctor")
        )
        self._delivery = Delivery(
            settings,
            self._stores,
            self.endpoint,
            allowed=writes_long and bool(self.endpoint),
            background=self._background,
            clock=clock,
        )
        self.cache = self._stores.cache
        self.entries = self._stores.entries
        self._asking = Asking(settings, self.cache, clock)
        self.reporting = self._asking.client
        """Asks Matomo for reports; None where no Matomo is configured."""
        self._intake = Intake(settings, self.queue, self.endpoint, accepted=self._delivery.wake, clock=clock)
        self._probe = MatomoProbe(settings, self.reporting, self._stores.observer, self._stores.link, clock)
        self._attached = Attached(settings, role, clock)
        self._look: Look | None = None
        self._own_minutes: deque[Minute] = deque(maxlen=KEPT)
        self._key_count = KeyCount(settings, self._stores)
        self._upkeep: Upkeep | None = None
        self._identity = identity_of(settings, user)
        self._finding = Finding(self.queue, lambda: self._looking.need_queue(), clock)
        self._sites = SiteNames(self.reporting if settings.matomo_token else None, clock)
        self._cache_look = CacheLook(
            self.entries, self.cache, lambda: self._looking.need_redis(), self._secrets, self._sites, clock
        )
        self._tasks: list[asyncio.Task[None]] = []

    # -- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connect and start what the role needs. Raises as `connect`."""
        await self.connect()
        await self.work()

    async def connect(self) -> None:
        """Connect: from now on there is something to see.

        Raises `StoreUnavailable` for a worker, a client or `track` that an operator must help first (wrong password,
        no permission), and for `track` and an operator's command whenever Redis is away. A dashboard and `status`
        start all the same and say so.
        """
        await connect(self._stores, self.role)
        self._look = Look(
            self.settings,
            self._stores,
            self._probe,
            endpoint=self.endpoint,
            delivers=lambda: self.delivers,
            identity=self._identity,
            counts_nothing_itself=self.role in ("status", "doctor"),
            own_minutes=self._own_minutes if self.role == "dashboard" else None,
            clock=self._clock,
            ticks=self._ticks,
        )

    async def work(self) -> None:
        """Begin what goes on in the background, and to send, if this process may."""
        if self.endpoint:
            # On a thread, because it takes so long that keys would wait for it.
            await asyncio.to_thread(import_module, "httpx")
        if self.role in LONG_LIVED:
            note_changes(self._stores)
            self._background(self._stores.link.watch, "link")
            if self._stores.locator is not None:
                self._background(self._stores.locator.watch, "sentinels")
            self._upkeep = Upkeep(
                self._stores,
                endpoint=self.endpoint if self._delivery.allowed else "",
                writes=not self.settings.read_only,
                observes=lambda: self.role == "dashboard" and not self.delivers,
                ticks=self._ticks,
            )
            self._background(self._upkeep.run, "housekeeping")
            self._background(self._probe.watch, "matomo")
            writes = not self.settings.read_only
            recorder = Recorder(
                self._stores, self._probe, self._looking.figures, self._own_minutes, writes=writes, clock=self._clock
            )
            self._background(recorder.run, "history")
            if self._attached.watched:
                self._background(self._attached.watch, "services")
            if not self.settings.read_only:
                self._background(self.queue.keep_moving, "recovery")
        await self._delivery.start()

    def _background(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        self._tasks.append(asyncio.create_task(supervised(work, name), name=name))

    async def stop(self) -> None:
        """Give back what was not sent, wait a little for what was, share what is counted, and close everything.

        Safe to call twice, and after a `start` that failed. What lived in this process only, and could neither be sent
        nor moved over, is written to a file: see `handed_over` and `lost`.
        """
        ends = time.monotonic() + GRACE.get(self.role, 0.0)
        try:
            if self._delivery.running:
                await self._ending.send(ends)
                await self._delivery.stop(max(0.0, ends - time.monotonic()))
            await self._key_count.stop()
            await self._finding.stop()
            await self._cache_look.stop()
            await self._sites.stop()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._tasks.clear()
            await self._ending.leave()
        finally:
            # Also for whoever cancels because it took too long.
            self._ending.save()
        await self._attached.close()
        await self._asking.close()
        await self._stores.close()

    def save(self) -> None:
        """Write what lives in this process only to a file, at once: the process is about to end."""
        self._ending.save()

    def leave_behind(self) -> None:
        """See `EnginePort`."""
        self._ending.wanted = False

    @property
    def handed_over(self) -> HandOver | None:
        """After `stop`: what became of the requests that lived in this process only; None where there were none."""
        return self._ending.saved

    @property
    def lost(self) -> int:
        """After `stop`: accepted requests that could be saved nowhere."""
        return self._ending.lost

    async def __aenter__(self) -> Engine:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # -- tracking and reports ------------------------------------------------------------------------------------

    async def offer(self, requests: Sequence[TrackingRequest], ids: Sequence[str] | None = None) -> list[Answer]:
        """Accept requests for the configured Matomo; returns when the store has them, one answer each.

        With the `ids` of an earlier try, what was accepted then is not accepted again.

        Raises `StoreUnavailable` where Redis is away and memory may not take over, `SettingsError` without a
        Matomo, `ReadOnly`, and `RefusedRequest` for a new request that needs a token where none is set.
        """
        return await self._intake.offer(requests, ids)

    @property
    def reports(self) -> Reports:
        """The reports of the configured Matomo, through the cache. Raises `SettingsError` without one."""
        return self._asking.reports

    # -- delivery ------------------------------------------------------------------------------------------------

    @property
    def delivers(self) -> bool:
        """This process sends: from Redis, or what its memory holds while Redis is away."""
        return self._delivery.active

    @property
    def sent(self) -> DispatcherStats | None:
        """What this process has sent since its start; None where it does not send."""
        return self._delivery.sent

    @property
    def matomo_answer(self) -> Reading[float]:
        """Seconds that Matomo's newest answer took, or why there was none."""
        return self._probe.reading

    @property
    def cache_in_memory(self) -> bool:
        """The report cache lives, and counts, in this process only."""
        return self.cache.trouble is not None

    async def _test_token(self) -> str:
        """Let the token be used again, by reports and by delivery; returns what Matomo says against it."""
        if self.reporting is not None:
            self.reporting.forget_refusal()
        await self._probe.ask_again()
        error = self._probe.reading.error or ""
        if not error:
            view = await self.queue_view()
            if view.gate is not None and view.gate.kind is GateKind.TOKEN:
                await self.queue.open_gate(self.endpoint)
            await self._delivery.test_token_again()
        return error

    # -- the screen's port ---------------------------------------------------------------------------------------

    async def take_snapshot(
        self,
        *,
        rows: int = 50,
        closer: bool = False,
        view: ListView | None = None,
        groups: GroupView | None = None,
        audit: AuditView | None = None,
        entries: EntryView | None = None,
    ) -> Snapshot:
        """See `EnginePort`."""
        taken = await self._looking.snapshot(rows, self._interval, closer=closer, audit=audit)
        found = await self._finding.add_to(self._key_count.added_to(taken), view, groups)
        found = await self._cache_look.add_to(found, entries)
        return replace(found, services=self._attached.reading)

    async def entry_part(self, key: str, start: int = 0) -> EntryPart | None:
        """See `EnginePort`."""
        return await self._cache_look.part(key, start)

    async def request_detail(self, request_id: str, *, reveal: bool = False, start: int = 0) -> RequestDetail | None:
        """See `EnginePort`."""
        if reveal and self.settings.read_only:
            raise ReadOnly("This dashboard is read-only: who looks at personal data could not be noted")
        found = await self.queue.closer(request_id)
        if found is None:
            return None
        if reveal:
            what = f"Personal data of request {found.stored.row.id}"
            await self._stores.audit.write(by=self._user, act="reveal", what=what, outcome="shown")
        return detail_of(found, self.endpoint, self._secrets, reveal=reveal, start=start)

    async def plan(self, command: Command) -> Plan:
        """See `EnginePort`."""
        return await self._acts.plan(command)

    async def run(self, plan: Plan, on_progress: Callable[[Progress], None] | None = None) -> Outcome:
        """See `EnginePort`."""
        outcome = await self._acts.run(plan, on_progress)
        self._looking.expire()
        self._cache_look.expire()
        self._delivery.wake()
        return outcome

    async def ttl_preview(self, feature: str, seconds: float | None = None) -> TtlPreview:
        """See `EnginePort`."""
        return await self._stores.previews.preview(feature, seconds)

    async def try_again(self) -> None:
        """Ask Redis whether it serves again, where it did not; a long-lived process does so by itself."""
        if self._stores.link.trouble is not None:
            await self._stores.link.probe()

    def switch_count(self) -> None:
        """See `EnginePort`."""
        self._key_count.switch()

    async def summary(self) -> str:
        """See `EnginePort`."""
        from opalmind_tui.engine.summarising import summed_up

        taken = await self.take_snapshot(rows=50)
        return await summed_up(taken, self.settings, self._stores, self._looking.need_queue, self._clock)

    async def audit(self, limit: int) -> tuple[AuditEntry, ...]:
        """What operators did, the newest first. Raises `StoreUnavailable`."""
        return await self._stores.audit.newest(limit)

    async def times_to_live(self) -> Mapping[str, Ttl]:
        """Every time to live in force, by what it is of. Raises `StoreUnavailable`."""
        await self._stores.config.refresh()
        return self._stores.ttls.all()

    async def queue_view(self) -> QueueView:
        """The queue's counts and rates now. Raises `StoreUnavailable`."""
        return await self._looking.queue_view()

    async def cache_view(self) -> CacheView:
        """The report cache now. Raises `StoreUnavailable`."""
        return await self._looking.cache_view()

    async def health_document(self) -> dict[str, Any]:
        """The health document (DESIGN's shape of the reference, and more)."""
        return await self._looking.document()

    def export(
        self, states: Sequence[State], ids: Sequence[str] = (), wanted: Filter = NO_FILTER
    ) -> AsyncIterator[tuple[str, bytes | None]]:
        """Requests as lines that `queue import` reads; see `engine.exporting`."""
        return exported(self._stores, self._secrets, states, ids, wanted)

    async def services(self) -> ServicesView | None:
        """Ask the attached OpalMind services once, for at most a few seconds; None where there are none."""
        return await self._attached.ask()

    async def diagnose(self) -> Diagnosis:
        """See `EnginePort`."""
        from opalmind_tui.engine.examining import Examining

        look = self._looking
        return await Examining(
            self.settings, self._stores, self._probe, self.reporting, look.facts, self._clock
        ).diagnose()

    @cached_property
    def _acts(self) -> Acts:
        """Loaded by whoever acts: who only asks starts sooner without it."""
        from opalmind_tui.engine.acts import Acts
        from opalmind_tui.engine.acts.refetch import Refetch
        from opalmind_tui.engine.acts.table import kinds

        table = kinds(
            self._stores,
            endpoint=self.endpoint,
            user=self._user,
            memory_used=lambda: self._look.memory_used if self._look is not None else None,
            deliver=self._delivery.switch,
            test_token=self._test_token,
            look=self.queue_view,
            refetch=Refetch(lambda: self.reports, self._asking.refetch),
        )
        return Acts(
            table,
            self._stores.audit,
            read_only=self.settings.read_only,
            user=self._user,
            endpoint=self.endpoint,
            store_time=self._store_time,
        )

    async def _store_time(self) -> float:
        return (await self.queue.counts("")).at

    @property
    def _looking(self) -> Look:
        if self._look is None:
            raise RuntimeError("the engine has not been started")
        return self._look
