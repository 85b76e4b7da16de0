"""Takes the snapshot: each part at its own pace, rates and history from what changed, then verdict and sentence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from opalmind_tui.engine.audit_look import AuditLook
from opalmind_tui.engine.hand_over import home_folder
from opalmind_tui.engine.history import PAST_EVERY, Figures, Past, figures_of
from opalmind_tui.engine.matomo_probe import MatomoProbe
from opalmind_tui.engine.parts import Part
from opalmind_tui.engine.queue_look import QueueLook, newest_failures
from opalmind_tui.engine.rates import RecentFigures
from opalmind_tui.engine.reach import Reach
from opalmind_tui.engine.server_look import ServerLook
from opalmind_tui.engine.store_status import as_told, store_status
from opalmind_tui.engine.stores import Stores
from opalmind_tui.health import Facts, cause_line, health_document, health_view
from opalmind_tui.health.failing import LatelyFailed
from opalmind_tui.observe.nodes import without
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.audit import AuditPage, AuditView
from opalmind_tui.snapshot.history import History, Minute
from opalmind_tui.snapshot.model import (
    CacheView,
    Identity,
    KeyCounts,
    ProcessView,
    QueueView,
    Reading,
    ServerView,
    Snapshot,
)
from opalmind_tui.snapshot.wanted import Wanted

CACHE_EVERY, PROCESSES_EVERY = 3.0, 5.0
"""Seconds between two reads of a part; together with those of `server_look` they keep to the budget of
`snapshot.redis_report`."""


class Look:
    """Reads everything that a frame or the health document needs.

    Args:
        endpoint: the Matomo whose requests are in view; empty where none is configured.
        delivers: whether this process takes requests from Redis now.
        identity: whose screen it is.
        counts_nothing_itself: this process only asks: where Redis is away it knows nothing of the cache (ruling 3).
        own_minutes: what this process notes by itself, for a screen that shows the day; None for all others.
        clock: epoch seconds.
        ticks: seconds from any start.
    """

    def __init__(
        self,
        settings: Settings,
        stores: Stores,
        probe: MatomoProbe,
        reach: Reach,
        *,
        endpoint: str,
        delivers: Callable[[], bool],
        identity: Identity,
        counts_nothing_itself: bool = False,
        own_minutes: Iterable[Minute] | None = None,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._stores, self._probe, self._reach = settings, stores, probe, reach
        self._clock = clock
        self.identity = identity
        self._counts_nothing_itself = counts_nothing_itself
        self._history, self._failed = RecentFigures(), LatelyFailed()
        self._day = Past(stores, () if own_minutes is None else own_minutes, clock)
        self._remembers = own_minutes is not None
        self._hand_over = str(home_folder())
        self._processes = Part(self._read_processes, PROCESSES_EVERY)
        self._queue_look = QueueLook(
            stores,
            endpoint,
            delivers=delivers,
            processes=lambda: self._processes.get(self._clock()),
            need_queue=reach.need_queue,
        )
        self._queue = Part(self.queue_view)
        self._cache = Part(self._read_cache, CACHE_EVERY)
        self._server_look = ServerLook(settings, stores, reach, clock=clock, ticks=ticks)
        self._past = Part(self._read_past, PAST_EVERY)
        self._endpoint, self._trail = endpoint, AuditLook(self._read_trail)
        stores.link.on_change(self._link_changed)

    async def snapshot(self, wanted: Wanted, interval: float) -> Snapshot:
        """One frame, without what `Finding` and `CacheLook` add to it."""
        now = self._clock()
        self._server_look.near = wanted.closer
        server = await self._server_look.server(now)
        keys = await self._server_look.keys(now)
        queue = await self._queue.get(now)
        requests = await self._queue_look.rows(now, wanted.rows, queue)
        cache = await self._cache.get(now)
        facts = replace(
            self._facts(now, queue, cache, server, keys),
            failures=newest_failures(requests, now),
            lately=self._failed.note(queue.value, now),
        )
        sentence, verdict = cause_line(facts)
        if self._counts_nothing_itself:
            facts = replace(facts, store=as_told(facts.store, self._stores))
        self._history.add(now, figures_of(now, queue, cache, server))
        if self._remembers:
            await self._past.get(now)
        return Snapshot(
            taken_at=now,
            interval=interval,
            identity=self.identity,
            store=facts.store,
            queue=queue,
            requests=requests,
            audit=None if wanted.audit is None else await self._trail.get(now, wanted.audit),
            undo=self._day.undoable(self._endpoint) if self._remembers else None,
            cache=cache,
            server=without(self._stores.link.lost_nodes, server),
            keys=keys,
            health=Reading(health_view(facts), now),
            processes=self._processes.reading,
            redis=await self._server_look.report(now) if wanted.closer else Reading(),
            history=self._history.series(),
            past=replace(self._past.reading, value=self._day.view),
            cause=sentence,
            cause_verdict=verdict,
        )

    async def figures(self) -> Figures:
        """Queue, cache and server, each at its own pace."""
        now = self._clock()
        return await self._queue.get(now), await self._cache.get(now), await self._server_look.server(now)

    async def document(self) -> dict[str, object]:
        """The health document, with keys counted exactly where the database is small."""
        return health_document(await self.facts())

    async def facts(self) -> Facts:
        """What the health document is made of, read now."""
        now = self._clock()
        await self._probe.ask()
        server = await self._server_look.server(now)
        keys = await self._server_look.keys_counted(now)
        queue = await self._queue.get(now)
        cache = await self._cache.get(now)
        facts = self._facts(self._clock(), queue, cache, server, keys)
        return replace(facts, store=as_told(facts.store, self._stores))

    async def cache_view(self) -> CacheView:
        """The report cache now, two commands for any number of entries (on a Cluster its keys are counted).

        Raises `StoreUnavailable`.
        """
        await self._server_look.glance()
        return await self._stores.cache.view()

    async def queue_view(self) -> QueueView:
        """The queue now. Raises `StoreUnavailable`."""
        return await self._queue_look.view()

    @property
    def memory_used(self) -> float | None:
        """As `ServerLook.memory_used`."""
        return self._server_look.memory_used

    def expire(self) -> None:
        """Something was changed on purpose: the next look reads everything anew."""
        for part in (self._queue, self._cache, self._past):
            part.expire()
        self._server_look.expire()
        self._trail.expire()
        self._queue_look.expire()

    def _link_changed(self) -> None:
        """What was met before says nothing of now."""
        self._server_look.forgive()
        self._processes.expire()
        self.expire()

    def _facts(
        self,
        now: float,
        queue: Reading[QueueView],
        cache: Reading[CacheView],
        server: Reading[ServerView],
        keys: Reading[KeyCounts],
    ) -> Facts:
        return Facts(
            now,
            self._settings,
            store_status(self._settings, self._stores, server, self._hand_over),
            queue,
            cache,
            server,
            keys,
            self._probe.reading,
        )

    # -- parts ---------------------------------------------------------------------------------------------------

    async def _read_processes(self) -> tuple[ProcessView, ...]:
        self._reach.need_redis()
        return await self._reach.asked(self._stores.presence.processes())

    async def _read_cache(self) -> CacheView:
        link, cache = self._stores.link, self._stores.cache
        if link.trouble is not None and not link.reachable and cache.trouble is None:
            # The cache would find out by itself, at the price of its own time-out.
            cache.met(link.trouble)
        view = await cache.view()
        if cache.trouble is not None and self._counts_nothing_itself:
            raise cache.trouble
        return view

    async def _read_trail(self, view: AuditView) -> AuditPage:
        self._reach.need_redis()
        return await self._reach.asked(self._stores.audit.page(view))

    async def _read_past(self) -> History:
        self._day.look_here()
        self._reach.need_redis()
        return await self._reach.asked(self._day.read())
