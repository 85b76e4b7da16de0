"""Takes the snapshot: each part at its own pace, rates and history from what changed, then verdict and sentence."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import fields, replace
from typing import TypeVar

from opalmind_tui.engine.hand_over import home_folder
from opalmind_tui.engine.history import PAST_EVERY, Figures, Past, figures_of
from opalmind_tui.engine.matomo_probe import MatomoProbe
from opalmind_tui.engine.parts import Part
from opalmind_tui.engine.rates import Rates, RecentFigures
from opalmind_tui.engine.stores import Stores
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.health import Facts, cause_line, health_document, health_view
from opalmind_tui.observe.census import Census
from opalmind_tui.observe.durability import durability
from opalmind_tui.observe.server import ServerSample, read_server
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.census import KeyCensus
from opalmind_tui.snapshot.history import History, Minute
from opalmind_tui.snapshot.model import (
    CacheView,
    Identity,
    KeyCounts,
    Mode,
    ProcessView,
    QueueFigures,
    QueueView,
    Reading,
    RequestRow,
    ServerView,
    Snapshot,
    State,
    StoreStatus,
)
from opalmind_tui.storage.connection import address
from opalmind_tui.tracking.queue import QueueCounts

T = TypeVar("T")
SERVER_EVERY, KEYS_EVERY, CACHE_EVERY, PROCESSES_EVERY = 2.0, 2.0, 2.0, 5.0
"""Seconds between two reads of a part; together they keep a look at about five commands a second."""
STEADY = 0.05
"""Requests a second below which the backlog counts as steady."""


class Look:
    """Reads everything that a frame or the health document needs.

    Args:
        endpoint: the Matomo whose requests are in view; empty where none is configured.
        delivers: whether this process takes requests from Redis now.
        identity: whose screen it is.
        counts_nothing_itself: this process only asks: where Redis is away it knows nothing of the cache (ruling 3).
        own_minutes: what this process notes by itself, for a screen that shows the day; None for all others.
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
    ) -> None:
        self._settings, self._stores, self._probe = settings, stores, probe
        self._endpoint, self._delivers, self._clock = endpoint, delivers, clock
        self.identity = identity
        self._counts_nothing_itself = counts_nothing_itself
        self._rates, self._rates_of = Rates(), Mode.REDIS
        self._history = RecentFigures()
        self._day = Past(stores, () if own_minutes is None else own_minutes, clock)
        self._remembers = own_minutes is not None
        self._census = Census(settings)
        self._sample: ServerSample | None = None
        self._rows_wanted = 0
        self._hand_over = str(home_folder())
        self._processes = Part(self._read_processes, PROCESSES_EVERY)
        self._queue = Part(self.queue_view)
        self._rows = Part(self._read_rows)
        self._cache = Part(self._read_cache, CACHE_EVERY)
        self._server = Part(self._read_server, SERVER_EVERY)
        self._keys = Part(self._read_keys, KEYS_EVERY)
        self._past = Part(self._read_past, PAST_EVERY)

    async def snapshot(self, rows: int, interval: float) -> Snapshot:
        """One frame. `rows`: requests that the list can show."""
        now = self._clock()
        self._rows_wanted = rows
        server = await self._server.get(now)
        keys = await self._keys.get(now)
        queue = await self._queue.get(now)
        requests = await self._rows.get(now)
        cache = await self._cache.get(now)
        facts = self._facts(now, queue, cache, server, keys)
        sentence, verdict = cause_line(facts)
        self._history.add(now, figures_of(now, queue, cache, server))
        if self._remembers:
            await self._past.get(now)
        return Snapshot(
            taken_at=now,
            interval=interval,
            identity=self.identity,
            store=facts.store,
            queue=queue,
            requests=_behind_gate(requests, queue.value),
            cache=cache,
            server=server,
            keys=keys,
            health=Reading(health_view(facts), now),
            processes=self._processes.reading,
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
        trouble = self._stores.link.trouble
        if trouble is not None and self._counts_nothing_itself:
            cache = Reading(error=str(trouble))
        facts = self._facts(self._clock(), queue, cache, server, keys)
        if trouble is not None and trouble.falls_back:
            # Also where this process keeps nothing itself: long-lived ones run on their memory now.
            facts = replace(facts, store=replace(facts.store, mode=Mode.MEMORY))
        return facts

    async def cache_view(self) -> CacheView:
        """The report cache now, three commands for any number of entries. Raises `StoreUnavailable`."""
        self.need_redis()
        self._tell_cache(await self._asked(self._census.glance(self._stores.observer)))
        return await self._stores.cache.view()

    @property
    def memory_used(self) -> float | None:
        """Share of Redis's memory limit in use; None without a limit, or where it is not known now."""
        server = self._server.reading
        if server.value is None or server.error is not None or not server.value.max_memory:
            return None
        return server.value.used_memory / server.value.max_memory

    @property
    def clients(self) -> int:
        """Connections that the server had when it was last asked."""
        return self._server.reading.value.clients if self._server.reading.value is not None else 0

    def census(self) -> KeyCensus:
        """What the sample tells of all keys by now."""
        server = self._server.reading.value
        return self._census.view(server.used_memory if server is not None else None)

    def expire(self) -> None:
        """Something was changed on purpose: the next look reads everything anew."""
        for part in (self._queue, self._rows, self._cache, self._server, self._keys, self._past):
            part.expire()

    def _facts(
        self,
        now: float,
        queue: Reading[QueueView],
        cache: Reading[CacheView],
        server: Reading[ServerView],
        keys: Reading[KeyCounts],
    ) -> Facts:
        return Facts(now, self._settings, self._store(server), queue, cache, server, keys, self._probe.reading)

    def _store(self, server: Reading[ServerView]) -> StoreStatus:
        queue, link = self._stores.queue, self._stores.link
        view = server.value if server.error is None else None
        return StoreStatus(
            mode=queue.mode,
            since=queue.since if queue.mode is Mode.MEMORY else link.since,
            reason=link.trouble.sentence if link.trouble else "",
            remedy=link.trouble.remedy if link.trouble else "",
            only_here=queue.only_here,
            hand_over=self._hand_over,
            durability=durability(queue.mode, view),
            address=str(address(self._settings)),
            recovering=queue.mode is Mode.MEMORY and link.writable,
        )

    # -- parts ---------------------------------------------------------------------------------------------------

    async def _read_server(self) -> ServerView:
        self.need_redis()
        view, self._sample = await self._asked(read_server(self._stores.observer, self._sample, self._clock()))
        return view

    async def _read_keys(self) -> KeyCounts:
        self.need_redis()
        return self._tell_cache(await self._asked(self._census.step(self._stores.observer)))

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
        return await cache.view()

    async def _read_past(self) -> History:
        self._day.look_here()
        self.need_redis()
        return await self._asked(self._day.read())

    async def _read_rows(self) -> tuple[RequestRow, ...]:
        self.need_queue()
        return await self._stores.queue.rows(limit=self._rows_wanted)

    async def queue_view(self) -> QueueView:
        """The queue now. Raises `StoreUnavailable`."""
        self.need_queue()
        counts = await self._stores.queue.counts(self._endpoint)
        found = await self._processes.get(self._clock())
        workers = sum(one.delivers and one.endpoint == self._endpoint for one in found.value or () if not found.error)
        delivers = self._delivers()
        return self._queue_view(counts, delivers, workers)

    def _queue_view(self, counts: QueueCounts, delivers: bool, workers: int) -> QueueView:
        backlog = counts.pending + counts.scheduled + counts.inflight
        if self._rates_of is not self._stores.queue.mode:
            # Another store counts from here on: differences between the two mean nothing.
            self._rates, self._rates_of = Rates(), self._stores.queue.mode
        self._rates.add(
            counts.at,
            {
                "accepted": counts.accepted,
                "delivered": counts.delivered,
                "retried": counts.retried,
                "backlog": backlog,
            },
        )
        slope = self._rates.slope("backlog")
        view = QueueView(
            **{figure.name: getattr(counts, figure.name) for figure in fields(QueueFigures)},
            ledger_difference=counts.ledger_difference,
            endpoint=self._endpoint,
            accepted_rate=self._rates.counter("accepted"),
            delivered_rate=self._rates.counter("delivered"),
            retried_rate=self._rates.counter("retried"),
            slope=slope if abs(slope) >= STEADY else 0.0,
            clears_in=backlog / -slope if backlog and slope <= -STEADY else None,
            delivering_here=delivers,
            workers=workers,
        )
        return view if self._stores.queue.mode is Mode.MEMORY else self._stores.ledger.judged(view)


def _behind_gate(requests: Reading[tuple[RequestRow, ...]], view: QueueView | None) -> Reading[tuple[RequestRow, ...]]:
    """Due requests of a closed endpoint are tried when it opens, not now."""
    if requests.value is None or view is None or view.closed is None or view.other_endpoints:
        return requests
    opens = view.closed.until

    def moved(row: RequestRow) -> RequestRow:
        if row.next_try is None or row.state is State.INFLIGHT or row.next_try >= opens:
            return row
        return replace(row, next_try=opens if math.isfinite(opens) else None)

    return replace(requests, value=tuple(moved(row) for row in requests.value))
