"""The server and its keys as a frame shows them: figures, estimates, and a look from near while somebody reads it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from opalmind_tui.engine.parts import Part
from opalmind_tui.engine.reach import Reach
from opalmind_tui.engine.stores import Stores
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.observe.census import Census
from opalmind_tui.observe.closer import CloserLook
from opalmind_tui.observe.info import keys_of
from opalmind_tui.observe.nodes import Servers
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.census import KeyCensus
from opalmind_tui.snapshot.model import KeyCounts, Reading, ServerView
from opalmind_tui.snapshot.redis_report import RedisReport
from opalmind_tui.storage.connection import address

SERVER_EVERY, KEYS_EVERY, CLOSER_EVERY = 2.0, 2.0, 5.0
"""Seconds between two reads of a part; together with those of `looking` they keep to the budget of
`snapshot.redis_report`."""
KEYS_OF_MANY_EVERY = 3.0
"""The same for the keys of a Cluster, where the figures of two nodes are read each time."""


class ServerLook:
    """Looks at the server, or at the nodes of a Cluster.

    Args:
        clock: epoch seconds.
        ticks: seconds from any start.
    """

    def __init__(
        self,
        settings: Settings,
        stores: Stores,
        reach: Reach,
        *,
        clock: Callable[[], float],
        ticks: Callable[[], float],
    ) -> None:
        self._settings, self._stores, self._reach, self._clock = settings, stores, reach, clock
        self._database = address(settings).database
        self._census = Census(settings, clock=ticks)
        self._servers, self._closer = Servers(), CloserLook(stores.meter, ticks)
        self._info_denied = False
        self.near = False
        """Whether somebody looks from near: then the figures tell of each command, too."""
        self._server = Part(self._read_server, SERVER_EVERY)
        self._keys = Part(self._read_keys, KEYS_OF_MANY_EVERY if settings.redis_cluster else KEYS_EVERY)
        self._redis = Part(self._read_redis, CLOSER_EVERY)

    async def server(self, now: float) -> Reading[ServerView]:
        """The figures. `now` is epoch seconds, here and below."""
        return await self._server.get(now)

    async def keys(self, now: float) -> Reading[KeyCounts]:
        """How many keys there are, as far as is known by now."""
        return await self._keys.get(now)

    async def keys_counted(self, now: float) -> Reading[KeyCounts]:
        """The same, exact where the database is small."""
        return await Part(self._count_keys).get(now)

    async def glance(self) -> None:
        """Tell the cache how many entries there are, about: one command. Raises `StoreUnavailable`."""
        self._reach.need_redis()
        self._tell_cache(await self._reach.asked(self._census.glance(self._stores.observer)))

    async def report(self, now: float) -> Reading[RedisReport]:
        """The look from near."""
        asked = await self._redis.get(now)
        sample = self._servers.sample
        info = {} if sample is None or self._info_denied else sample.info
        report = self._closer.report(info, now, denied=self._info_denied)
        return Reading(replace(report, census=self._known_of_keys()), now, asked.error)

    @property
    def memory_used(self) -> float | None:
        """Share of the memory limit in use (`ServerView.memory_share`); None where it is not known now, too."""
        server = self._server.reading
        return None if server.value is None or server.error is not None else server.value.memory_share

    def expire(self) -> None:
        """Something was changed on purpose: the next look reads the figures anew."""
        self._server.expire()
        self._keys.expire()

    def forgive(self) -> None:
        """The link changed: what was met before says nothing of now."""
        self._servers.forgive()
        self._redis.expire()

    def _known_of_keys(self) -> KeyCensus:
        server = self._server.reading.value
        if server is None:
            return self._census.view()
        used_by = {node.address: node.view.used_memory for node in server.nodes if node.view is not None}
        whole = len(used_by) == len(server.nodes)
        return self._census.view(server.used_memory if whole else None, used_by)

    async def _read_server(self) -> ServerView:
        self._reach.need_answers()
        question = self._servers.read(
            self._stores.observer, self._clock(), trips=self._stores.meter.trips, commands=self.near
        )
        try:
            view = await self._reach.asked(question)
        except StoreUnavailable as error:
            self._info_denied = error.kind == "permission"
            raise
        self._info_denied = False
        if self._servers.sample is not None:
            self._closer.note(self._servers.sample.info)
        return view

    async def _read_keys(self) -> KeyCounts:
        self._reach.need_answers()
        sample, server = self._servers.sample, self._server.reading
        told = sample.info if sample is not None and server.error is None else {}
        size = keys_of(told, self._database)
        if self._settings.redis_cluster:
            # INFO is of one node.
            size = server.value.total_keys if told and server.value is not None and server.value.is_whole else None
        return self._tell_cache(await self._reach.asked(self._census.step(self._stores.observer, size)))

    async def _read_redis(self) -> None:
        """What INFO does not tell."""
        self._reach.need_answers()
        server = self._server.reading.value
        clients = server.clients if server is not None else 0
        await self._reach.asked(self._closer.ask(self._stores.observer, clients=clients))

    async def _count_keys(self) -> KeyCounts:
        self._reach.need_redis()
        return self._tell_cache(await self._reach.asked(self._census.exact(self._stores.observer)))

    def _tell_cache(self, keys: KeyCounts) -> KeyCounts:
        self._stores.cache.observe_entries(dict(keys.features), keys.cache, exact=keys.exact)
        return keys
