"""The engine: everything below the screen, composed, started and stopped in one place."""

from __future__ import annotations

import asyncio
import getpass
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from opalmind_tui.engine.acts import Acts
from opalmind_tui.engine.acts.cache import PurgeCache, SetTtl
from opalmind_tui.engine.acts.control import ControlDelivery
from opalmind_tui.engine.acts.here import Deliver, TestToken
from opalmind_tui.engine.acts.kind import Kind
from opalmind_tui.engine.acts.requests import Purge, Restore, Retry
from opalmind_tui.engine.ending import Ending
from opalmind_tui.engine.hand_over import HandOver
from opalmind_tui.engine.looking import Look
from opalmind_tui.engine.matomo_probe import MatomoProbe, verdict_key
from opalmind_tui.engine.stores import open_stores
from opalmind_tui.engine.supervision import supervised
from opalmind_tui.errors import ReadOnly, SettingsError, StoreUnavailable
from opalmind_tui.matomo.endpoints import tracking_url
from opalmind_tui.matomo.masking import mask
from opalmind_tui.reports.preview.access_log import FLUSH_EVERY as LOOKUPS_EVERY
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.commands import Act, Command, Outcome, Plan, Progress
from opalmind_tui.snapshot.model import CacheView, GateKind, Identity, Mode, QueueView, Snapshot, TtlPreview
from opalmind_tui.storage.audit import AuditEntry
from opalmind_tui.storage.presence import ANNOUNCE_EVERY
from opalmind_tui.tracking.queue import Answer
from opalmind_tui.tracking.request import TrackingRequest

if TYPE_CHECKING:
    from opalmind_tui.matomo.reporting_client import ReportingClient
    from opalmind_tui.reports.service import Reports
    from opalmind_tui.reports.ttl import Ttl
    from opalmind_tui.tracking.dispatcher import Dispatcher
    from opalmind_tui.tracking.lease_keeper import Extend

log = logging.getLogger(__name__)
# A program that configures no logging must not get lines of ours in the middle of its screen.
logging.getLogger("opalmind_tui").addHandler(logging.NullHandler())

Role = Literal["dashboard", "worker", "track", "status", "operator", "client"]
LONG_LIVED: frozenset[Role] = frozenset({"dashboard", "worker", "client"})
"""Roles that may accept into memory, and that send what memory accepted (ruling 1)."""
CONFIG_EVERY = 2.0
"""Seconds until a changed setting reaches every process."""
GRACE: dict[Role, float] = {"dashboard": 0.5, "worker": 30.0, "client": 10.0}
"""Seconds that posts under way get when the engine stops (I11)."""


class Engine:
    """Queue, delivery, reports and observation of one process. Satisfies `EnginePort`.

    Args:
        settings: what the process was told; `settings.read_only` keeps it from writing anything at all (ruling 8).
        role: what the process is; settles whether memory may take over and how long stopping may take.
        deliver: whether it takes requests from a shared Redis (ruling 2). What its own memory accepted it always sends.
        interval: seconds between two looks; only passed on to the screen.
        clock: epoch seconds.

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
    ) -> None:
        self.settings = settings
        self._secrets = settings.secrets()
        self._clock = clock
        self.role: Role = role
        self.endpoint = tracking_url(settings.matomo_base_url) if settings.matomo_base_url else ""
        user = settings.operator or _system_user()
        self._sends = role in LONG_LIVED and not settings.read_only and bool(self.endpoint)
        self._stores = open_stores(
            settings,
            role=role,
            user=user,
            endpoint=self.endpoint,
            memory=role in LONG_LIVED and not settings.read_only,
            deliver_shared=deliver and self._sends,
            clock=clock,
        )
        self.queue = self._stores.queue
        self._interval = interval
        self._ending = Ending(self._stores, self.endpoint, writes=not settings.read_only and role != "status")
        self._dispatcher: Dispatcher | None = None
        self.cache = self._stores.cache
        self.entries = self._stores.entries
        self.reporting = self._reporting_client()
        """Asks Matomo for reports; None where no Matomo is configured."""
        self._reports: Reports | None = None
        self._probe = MatomoProbe(settings, self.reporting, self._stores.observer, self._stores.link, clock)
        self._look: Look | None = None
        self._identity = Identity(
            environment=settings.environment,
            read_only=settings.read_only,
            matomo=_shown(settings.matomo_base_url),
            user=user,
        )
        self._acts = Acts(self._kinds(user), self._stores.audit, read_only=settings.read_only, user=user)
        self._tasks: list[asyncio.Task[None]] = []

    def _kinds(self, user: str) -> dict[Act, Kind]:
        purge = Purge(self.queue, lambda: self._look.memory_used if self._look is not None else None)
        control = ControlDelivery(self.queue, self.endpoint, user)
        return {
            Act.PAUSE: control,
            Act.RESUME: control,
            Act.LIMIT: control,
            Act.RETRY: Retry(self.queue),
            Act.PURGE: purge,
            Act.RESTORE: Restore(self.queue, purge),
            Act.PURGE_CACHE: PurgeCache(self._stores.cache),
            Act.SET_TTL: SetTtl(self._stores.ttl_control, user),
            Act.DELIVER: Deliver(self._deliver),
            Act.TEST_TOKEN: TestToken(self._test_token),
        }

    # -- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connect and start what the role needs.

        Raises `StoreUnavailable` for a worker, a client or `track` that an operator must help first (wrong password,
        no permission), and for `track` and an operator's command whenever Redis is away. A dashboard and `status`
        start all the same and say so.
        """
        await self._connect()
        self._look = Look(
            self.settings,
            self._stores,
            self._probe,
            endpoint=self.endpoint,
            delivers=lambda: self.delivers,
            identity=self._identity,
            counts_nothing_itself=self.role == "status",
            clock=self._clock,
        )
        if self.role in LONG_LIVED:
            self._stores.link.on_change(self._log_link)
            self._background(self._stores.link.watch, "link")
            self._background(self._keep_up, "housekeeping")
            self._background(self._probe.watch, "matomo")
            if not self.settings.read_only:
                self._background(self.queue.keep_moving, "recovery")
        if self._sends:
            await self._start_sending()

    async def _connect(self) -> None:
        link = self._stores.link
        await link.probe()
        if link.trouble is not None:
            in_need = self.role in ("worker", "client") and not link.trouble.falls_back
            must_have = self.role in ("track", "operator") or in_need
            if must_have:
                raise link.trouble
            log.warning("%s. %s", link.trouble.sentence, link.trouble.remedy)
            if link.trouble.falls_back:
                self.queue.enter_memory_mode()
            return
        try:
            await self._stores.config.refresh()
        except StoreUnavailable as error:
            link.report(error)

    async def _start_sending(self) -> None:
        from opalmind_tui.matomo.tracking_client import TrackingClient
        from opalmind_tui.storage.connection import async_client
        from opalmind_tui.tracking.dispatcher import MAX_BULK, Dispatcher
        from opalmind_tui.tracking.redis_queue.listener import Listener
        from opalmind_tui.tracking.shared_token import SharedToken

        base, token = self.settings.matomo_base_url, self.settings.matomo_token
        self._dispatcher = Dispatcher(
            self.queue,
            self.endpoint,
            token,
            poster=lambda: TrackingClient(base, token),
            extend=self._extender(),
            shared_token=SharedToken(self._stores.commands, verdict_key(self.settings), self._clock),
            max_bulk=1 if self.settings.exact else MAX_BULK,
            resend_unknown=self.settings.resend_unknown,
        )
        await self._dispatcher.start()
        listener = Listener(async_client(self.settings, pool=1), self.settings.queue_prefix, self.endpoint)
        listener.on_wake = self._dispatcher.wake
        self._stores.shared.wakes = lambda: listener.listening
        self._background(listener.run, "listener")

    def _extender(self) -> Extend:
        """Renews leases from the lease keeper's thread, each where its claim came from."""
        from opalmind_tui.tracking.extenders import loop_extender, redis_extender

        here = loop_extender(self._stores.memory, asyncio.get_running_loop())
        there = redis_extender(self.settings)

        def extend(tokens: Sequence[str], lease: float) -> list[str]:
            own = [token for token in tokens if self.queue.holds_here(token)]
            shared = [token for token in tokens if token not in own]
            lost = list(here(own, lease)) if own else []
            return lost + (list(there(shared, lease)) if shared else [])

        return extend

    def _reporting_client(self) -> ReportingClient | None:
        if not self.settings.matomo_base_url:
            return None
        from opalmind_tui.matomo.reporting_client import ReportingClient

        return ReportingClient(self.settings.matomo_base_url, self.settings.matomo_token, clock=self._clock)

    def _background(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        self._tasks.append(asyncio.create_task(supervised(work, name), name=name))

    async def stop(self) -> None:
        """Give back what was not sent, wait a little for what was, share what is counted, and close everything.

        Safe to call twice, and after a `start` that failed. What lived in this process only, and could neither be sent
        nor moved over, is written to a file: see `handed_over` and `lost`.
        """
        ends = time.monotonic() + GRACE.get(self.role, 0.0)
        try:
            if self._dispatcher is not None:
                await self._ending.send(ends)
                await self._dispatcher.stop(max(0.0, ends - time.monotonic()))
                self._dispatcher = None
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._tasks.clear()
            await self._ending.leave()
        finally:
            # Also for whoever cancels because it took too long.
            self._ending.save()
        if self.reporting is not None:
            await self.reporting.close()
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

    # -- housekeeping --------------------------------------------------------------------------------------------

    async def _keep_up(self) -> None:
        """What every long-lived process does beside its work: take up configuration, announce itself, note acts."""
        announced = shared = 0.0
        while True:
            if self._stores.link.writable:
                try:
                    await self._stores.config.refresh()
                    if self._sends:
                        # Known when Redis is away: what memory sends then keeps to it.
                        await self.queue.control(self.endpoint)
                    if not self.settings.read_only:
                        await self._stores.audit.flush()
                        if time.monotonic() - announced >= ANNOUNCE_EVERY:
                            claims, requests = self.queue.held
                            await self._stores.presence.announce(
                                delivers=self._delivers_shared, claims=claims, requests=requests
                            )
                            announced = time.monotonic()
                        if time.monotonic() - shared >= LOOKUPS_EVERY:
                            await self._stores.accesses.flush()
                            shared = time.monotonic()
                except StoreUnavailable as error:
                    self._stores.link.report(error)
            await asyncio.sleep(CONFIG_EVERY * 0.8)

    def _log_link(self) -> None:
        found = self._stores.link.trouble
        if found is None:
            log.info("Redis serves again; %d requests of this process move over", self.queue.only_here)
        else:
            log.warning("%s. %s", found.sentence, found.remedy)

    # -- tracking and reports ------------------------------------------------------------------------------------

    async def offer(self, requests: Sequence[TrackingRequest], ids: Sequence[str] | None = None) -> list[Answer]:
        """Accept requests for the configured Matomo; returns when the store has them, one answer each.

        With the `ids` of an earlier try, what was accepted then is not accepted again.

        Raises `StoreUnavailable` where Redis is away and memory may not take over, `SettingsError` without a
        Matomo, `ReadOnly`.
        """
        if self.settings.read_only:
            raise ReadOnly("This process is read-only: it accepts nothing")
        if not self.endpoint:
            raise SettingsError("MATOMO_BASE_URL", "nothing", "the address of the Matomo to deliver to")
        safe = [self._without_secrets(request) for request in requests]
        answers = await self.queue.enqueue(self.endpoint, safe, ids)
        if self._dispatcher is not None:
            self._dispatcher.wake()
        return answers

    def _without_secrets(self, request: TrackingRequest) -> TrackingRequest:
        """A page of Matomo itself may have our token in its address: it gets into no store (I10)."""
        secrets = self._secrets
        if not secrets or not any(secret in value for value in request.params.values() for secret in secrets):
            return request
        return replace(request, params={name: mask(value, secrets) for name, value in request.params.items()})

    @property
    def reports(self) -> Reports:
        """The reports of the configured Matomo, through the cache. Raises `SettingsError` without one."""
        if self.reporting is None:
            raise SettingsError("MATOMO_BASE_URL", "nothing", "the address of the Matomo to ask")
        if self._reports is None:
            from opalmind_tui.reports.service import Reports

            self._reports = Reports(self.reporting, self.cache, self.settings.matomo_default_site_id)
        return self._reports

    # -- delivery ------------------------------------------------------------------------------------------------

    @property
    def delivers(self) -> bool:
        """This process sends: from Redis, or what its memory holds while Redis is away."""
        return self._sends and (self._delivers_shared or self.queue.mode is Mode.MEMORY)

    @property
    def _delivers_shared(self) -> bool:
        return self.queue.deliver_shared

    def _deliver(self, on: bool) -> None:
        if not self._sends:
            raise SettingsError("MATOMO_BASE_URL", "nothing", "the address of the Matomo to deliver to")
        self.queue.deliver_shared = on
        if self._dispatcher is not None:
            self._dispatcher.wake()

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
            if self._dispatcher is not None:
                await self._dispatcher.test_token_again()
        return error

    # -- the screen's port ---------------------------------------------------------------------------------------

    async def take_snapshot(self, *, rows: int = 50) -> Snapshot:
        """See `EnginePort`."""
        return await self._looking.snapshot(rows, self._interval)

    async def plan(self, command: Command) -> Plan:
        """See `EnginePort`."""
        return await self._acts.plan(command)

    async def run(self, plan: Plan, on_progress: Callable[[Progress], None] | None = None) -> Outcome:
        """See `EnginePort`."""
        outcome = await self._acts.run(plan, on_progress)
        self._looking.expire()
        if self._dispatcher is not None:
            self._dispatcher.wake()
        return outcome

    async def ttl_preview(self, feature: str, seconds: float | None = None) -> TtlPreview:
        """See `EnginePort`."""
        return await self._stores.previews.preview(feature, seconds)

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

    @property
    def _looking(self) -> Look:
        if self._look is None:
            raise RuntimeError("the engine has not been started")
        return self._look


def _shown(base_url: str) -> str:
    """Matomo's address without user and password."""
    if not base_url:
        return ""
    parts = urlsplit(base_url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


def _system_user() -> str:
    """Who runs this process, for the audit; a number where the system knows no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
