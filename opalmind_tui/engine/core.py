"""The parts of an engine, composed, started and stopped in one place."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Self

from opalmind_tui.engine.asking import Asking
from opalmind_tui.engine.attached import Attached
from opalmind_tui.engine.cache_look import CacheLook
from opalmind_tui.engine.connecting import connect, note_changes
from opalmind_tui.engine.delivery import Delivery
from opalmind_tui.engine.ending import Ending
from opalmind_tui.engine.finding import Finding
from opalmind_tui.engine.hand_over import LINES, HandOver
from opalmind_tui.engine.history import Recorder
from opalmind_tui.engine.identity import identity_of, user_of
from opalmind_tui.engine.intake import Intake
from opalmind_tui.engine.key_count import KeyCount
from opalmind_tui.engine.looking import Look
from opalmind_tui.engine.matomo_probe import MatomoProbe
from opalmind_tui.engine.reach import Reach
from opalmind_tui.engine.roles import GRACE, LONG_LIVED, Role
from opalmind_tui.engine.site_names import SiteNames
from opalmind_tui.engine.stores import open_stores
from opalmind_tui.engine.supervision import supervised
from opalmind_tui.engine.upkeep import Upkeep
from opalmind_tui.matomo.endpoints import tracking_url
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.history import KEPT, Minute
from opalmind_tui.snapshot.model import Reading

if TYPE_CHECKING:
    from opalmind_tui.tracking.send_stats import DispatcherStats

REPORTS = "opalmind_tui.reports.values"
"""What a report of each kind looks like: for who reads one from the cache."""

# A program that configures no logging must not get lines of ours in the middle of its screen.
logging.getLogger("opalmind_tui").addHandler(logging.NullHandler())


class EngineCore:
    """Queue, delivery, reports and observation of one process, while they live.

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
        self._reach = Reach(self._stores)
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
        self._finding = Finding(self.queue, self._reach.need_queue, clock, self._stores.meter)
        self._sites = SiteNames(self.reporting if settings.matomo_token and role == "dashboard" else None, clock)
        self._cache_look = CacheLook(self.entries, self.cache, self._reach.need_redis, self._secrets, clock)
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
            self._reach,
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
        if self.role in LONG_LIVED or self.endpoint:
            # On a thread, because it takes so long that keys would wait for it.
            await asyncio.to_thread(self._load)
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

    def _load(self) -> None:
        """What may be wanted at a moment that can bear no loading, the end first."""
        if self.role in LONG_LIVED:
            import_module(LINES)
            self._stores.shared.make_scripts()
            import_module(REPORTS)
        if self.endpoint:
            import_module("httpx")

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

    async def __aenter__(self) -> Self:
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

    @property
    def _looking(self) -> Look:
        if self._look is None:
            raise RuntimeError("the engine has not been started")
        return self._look
