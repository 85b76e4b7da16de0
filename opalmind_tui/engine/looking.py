"""Takes the snapshot: each part at its own pace, rates and history from what changed, then verdict and sentence."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from msgspec.structs import replace

from opalmind_tui.engine.audit_look import AuditLook
from opalmind_tui.engine.hand_over import home_folder
from opalmind_tui.engine.history import PAST_EVERY, Figures, Past, figures_of
from opalmind_tui.engine.matomo_probe import MatomoProbe
from opalmind_tui.engine.parts import Part
from opalmind_tui.engine.queue_look import QueueLook, newest_failures
from opalmind_tui.engine.rates import RecentFigures
from opalmind_tui.engine.store_status import as_told, store_status
from opalmind_tui.engine.stores import Stores
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.health import Facts, cause_line, health_document, health_view
from opalmind_tui.health.failing import LatelyFailed
from opalmind_tui.observe.census import Census
from opalmind_tui.observe.closer import CloserLook
from opalmind_tui.observe.info import keys_of
from opalmind_tui.observe.nodes import Servers, without
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.audit import AuditPage, AuditView
from opalmind_tui.snapshot.census import KeyCensus
from opalmind_tui.snapshot.history import History, Minute
from opalmind_tui.snapshot.model import (
    CacheView,
    Identity,
    KeyCounts,
    Mode,
    ProcessView,
    QueueView,
    Reading,
    ServerView,
    Snapshot,
)
from opalmind_tui.snapshot.redis_report import RedisReport
from opalmind_tui.snapshot.wanted import Wanted
from opalmind_tui.storage.connection import address
from opalmind_tui.storage.trouble_table import KINDS

T = TypeVar("T")
SERVER_EVERY, KEYS_EVERY, CACHE_EVERY, PROCESSES_EVERY, CLOSER_EVERY = 2.0, 2.0, 3.0, 5.0, 5.0
"""Seconds between two reads of a part; together they keep to the budget of `snapshot.redis_report`."""
KEYS_OF_MANY_EVERY = 3.0
"""The same for the keys of a Cluster, where the figures of two nodes are read each time."""


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
        *,
        endpoint: str,
        delivers: Callable[[], bool],
        identity: Identity,
        counts_nothing_itself: bool = False,
        own_minutes: Iterable[Minute] | None = None,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._stores, self._probe = settings, stores, probe
        self._clock = clock
        self.identity = identity
        self._counts_nothing_itself = counts_nothing_itself
        self._history, self._failed = RecentFigures(), LatelyFailed()
        self._day = Past(stores, () if own_minutes is None else own_minutes, clock)
        self._remembers = own_minutes is not None
        self._census = Census(settings, clock=ticks)
        self._servers = Servers()
        self._info_denied = False
        self._database = address(settings).database
        self._hand_over = str(home_folder())
        self._processes = Part(self._read_processes, PROCESSES_EVERY)
        self._queue_look = QueueLook(
            stores,
            endpoint,
            delivers=delivers,
            processes=lambda: self._processes.get(self._clock()),
            need_queue=self.need_queue,
        )
        self._queue = Part(self.queue_view)
        self._cache = Part(self._read_cache, CACHE_EVERY)
        self._server = Part(self._read_server, SERVER_EVERY)
        self._keys = Part(self._read_keys, KEYS_OF_MANY_EVERY if settings.redis_cluster else KEYS_EVERY)
        self._past = Part(self._read_past, PAST_EVERY)
        self._endpoint, self._trail = endpoint, AuditLook(self._read_trail)
        self._closer, self._near = CloserLook(stores.meter, ticks), False
        self._redis = Part(self._read_redis, CLOSER_EVERY)
        stores.link.on_change(self._link_changed)

    async def snapshot(self, wanted: Wanted, interval: float) -> Snapshot:
        """One frame, without what `Finding` and `CacheLook` add to it."""
        now = self._clock()
        self._near = wanted.closer
        server = await self._server.get(now)
        keys = await self._keys.get(now)
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
            redis=await self._redis_report(now) if wanted.closer else Reading(),
            history=self._history.series(),
            past=replace(self._past.reading, value=self._day.view),
            cause=sentence,
            cause_verdict=verdict,
        )

    async def figures(self) -> Figures:
        """Queue, cache and server, each at its own pace."""
        now = self._clock()
        return await self._queue.get(now), await self._cache.get(now), await self._server.get(now)

    async def document(self) -> dict[str, object]:
        """The health document, with keys counted exactly where the database is small."""
        return health_document(await self.facts())

    async def facts(self) -> Facts:
        """What the health document is made of, read now."""
        now = self._clock()
        await self._probe.ask()
        server = await self._server.get(now)
        keys = await Part(self._count_keys).get(now)
        queue = await self._queue.get(now)
        cache = await self._cache.get(now)
        facts = self._facts(self._clock(), queue, cache, server, keys)
        return replace(facts, store=as_told(facts.store, self._stores))

    async def cache_view(self) -> CacheView:
        """The report cache now, three commands for any number of entries. Raises `StoreUnavailable`."""
        self.need_redis()
        self._tell_cache(await self._asked(self._census.glance(self._stores.observer)))
        return await self._stores.cache.view()

    @property
    def memory_used(self) -> float | None:
        """Share of the memory limit in use (`ServerView.memory_share`); None where it is not known now, too."""
        server = self._server.reading
        return None if server.value is None or server.error is not None else server.value.memory_share

    @property
    def clients(self) -> int:
        """Connections that the server had when it was last asked."""
        return self._server.reading.value.clients if self._server.reading.value is not None else 0

    def census(self) -> KeyCensus:
        """What the sample tells of all keys by now."""
        server = self._server.reading.value
        if server is None:
            return self._census.view()
        used_by = {node.address: node.view.used_memory for node in server.nodes if node.view is not None}
        whole = len(used_by) == len(server.nodes)
        return self._census.view(server.used_memory if whole else None, used_by)

    def expire(self) -> None:
        """Something was changed on purpose: the next look reads everything anew."""
        for part in (self._queue, self._cache, self._server, self._keys, self._past):
            part.expire()
        self._trail.expire()
        self._queue_look.expire()

    def _link_changed(self) -> None:
        """What was met before says nothing of now."""
        self._servers.forgive()
        self._processes.expire()
        self._redis.expire()
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

    async def _read_server(self) -> ServerView:
        self._need_answers()
        question = self._servers.read(
            self._stores.observer, self._clock(), trips=self._stores.meter.trips, commands=self._near
        )
        try:
            view = await self._asked(question)
        except StoreUnavailable as error:
            self._info_denied = error.kind == "permission"
            raise
        self._info_denied = False
        if self._servers.sample is not None:
            self._closer.note(self._servers.sample.info)
        return view

    async def _read_keys(self) -> KeyCounts:
        self._need_answers()
        sample, server = self._servers.sample, self._server.reading
        told = sample.info if sample is not None and server.error is None else {}
        size = keys_of(told, self._database)
        if self._settings.redis_cluster:
            # INFO is of one node.
            size = server.value.total_keys if told and server.value is not None and server.value.is_whole else None
        return self._tell_cache(await self._asked(self._census.step(self._stores.observer, size)))

    async def _read_redis(self) -> None:
        """What INFO does not tell, for the look from near."""
        self._need_answers()
        await self._asked(self._closer.ask(self._stores.observer, clients=self.clients))

    async def _redis_report(self, now: float) -> Reading[RedisReport]:
        asked = await self._redis.get(now)
        sample = self._servers.sample
        info = {} if sample is None or self._info_denied else sample.info
        report = self._closer.report(info, now, denied=self._info_denied)
        return Reading(replace(report, census=self.census()), now, asked.error)

    async def _count_keys(self) -> KeyCounts:
        self.need_redis()
        return self._tell_cache(await self._asked(self._census.exact(self._stores.observer)))

    def _tell_cache(self, keys: KeyCounts) -> KeyCounts:
        self._stores.cache.observe_entries(dict(keys.features), keys.cache, exact=keys.exact)
        return keys

    def need_redis(self) -> None:
        """A server that is known to be away is not asked: each try would cost its time-out. The link probes it."""
        link = self._stores.link
        if link.trouble is not None and not link.reachable:
            raise link.trouble

    def _need_answers(self) -> None:
        """As `need_redis`; a server that only refuses writes tells of itself, and just then that is wanted."""
        trouble = self._stores.link.trouble
        if trouble is None or not KINDS[trouble.kind].reads:
            self.need_redis()

    def need_queue(self) -> None:
        """As `need_redis`, unless the queue is in memory now."""
        if self._stores.queue.mode is Mode.REDIS:
            self.need_redis()

    async def _asked(self, answer: Awaitable[T]) -> T:
        """Wait for an answer; whoever meets trouble tells the link, unless it is only that looking is not permitted."""
        try:
            return await answer
        except StoreUnavailable as error:
            if error.kind != "permission":
                self._stores.link.report(error)
            raise

    async def _read_processes(self) -> tuple[ProcessView, ...]:
        self.need_redis()
        return await self._asked(self._stores.presence.processes())

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
        self.need_redis()
        return await self._asked(self._stores.audit.page(view))

    async def _read_past(self) -> History:
        self._day.look_here()
        self.need_redis()
        return await self._asked(self._day.read())

    async def queue_view(self) -> QueueView:
        """The queue now. Raises `StoreUnavailable`."""
        return await self._queue_look.view()
