"""Whether Redis serves now: marked down by whoever meets a failure, found up again by a probe."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.storage.cluster import ClusterClient
from opalmind_tui.storage.cluster_keys import NOTHING_LOST
from opalmind_tui.storage.trouble import TROUBLES, trouble, trouble_of_kind
from opalmind_tui.storage.trouble_table import FOREIGN_KEY

if TYPE_CHECKING:
    from redis.asyncio import Redis

PROBE_EVERY = 0.8
"""Seconds between two probes of a server that is away. With a look each second: on screen within two."""
PROBE = "return redis.call('SET', KEYS[1], '1', 'EX', 60)"
"""A script, as the queue's work is done by scripts: a user who may write and not run them cannot be served."""
FULL = "oom"
"""The one trouble in which reading, claiming and acknowledging go on."""


class RedisLink:
    """The state of the connection to one server.

    Args:
        client: what the probe uses.
        probe_key: a key of ours that the probe may write, so that a full or read-only server is noticed too; empty
            for a read-only process, which writes nothing at all (ruling 8).
        clock: epoch seconds.
    """

    def __init__(self, client: Redis, *, probe_key: str = "", clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._probe_key = probe_key
        self._clock = clock
        self._changed = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []
        self.trouble: StoreUnavailable | None = None
        """Why new requests cannot be stored there now; None while they can."""
        self.since = clock()
        self._lost = NOTHING_LOST

    @property
    def lost_nodes(self) -> tuple[str, ...]:
        """Primaries of a Cluster that do not answer, by their addresses."""
        return self._lost.nodes

    @property
    def writable(self) -> bool:
        """New data can be stored."""
        return self.trouble is None

    @property
    def reachable(self) -> bool:
        """Commands that free memory, and reads, work."""
        return self.trouble is None or self.trouble.kind == FULL

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever the link goes down or up."""
        self._listeners.append(listener)

    def report(self, error: StoreUnavailable) -> None:
        """Somebody met this trouble. A full server stays reachable; a mere error reply is no outage."""
        if error.kind in ("reply", FOREIGN_KEY):
            return
        if self.trouble is None or self.trouble.kind != error.kind:
            self._set(self._named(error))

    async def probe(self) -> bool:
        """Ask the server whether it serves; sets the state. Returns `writable`."""
        try:
            if self._probe_key:
                await self._client.eval(PROBE, 1, self._probe_key)
            if isinstance(self._client, ClusterClient):
                await self._client.serves()
            elif not self._probe_key:
                await self._client.ping()
        except TROUBLES as error:
            found = trouble(error)
            self.report(found)
            await self._name_shards(found)
            return False
        self._set(None)
        return True

    async def _name_shards(self, found: StoreUnavailable) -> None:
        """Say which part of a Cluster is gone."""
        if not isinstance(self._client, ClusterClient) or not found.falls_back:
            return
        self._lost = await self._client.lost()
        if self.trouble is not None:
            self._set(self._named(trouble_of_kind(self.trouble.kind)))

    def _named(self, error: StoreUnavailable) -> StoreUnavailable:
        return error.about(self._lost.words) if self._lost.words and error.falls_back else error

    async def watch(self) -> None:
        """Probe while the server is away. Runs until it is cancelled."""
        while True:
            if self.writable:
                self._changed.clear()
                await self._until_changed()
            if self.trouble is not None and not self._lost.words:
                await self._name_shards(self.trouble)
            await asyncio.sleep(PROBE_EVERY * random.uniform(0.9, 1.1))
            await self.probe()

    async def _until_changed(self) -> None:
        """Until somebody meets trouble. Of a Cluster a shard that nobody asks just now may be gone as well."""
        if not isinstance(self._client, ClusterClient):
            await self._changed.wait()
            return
        while not self._changed.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PROBE_EVERY):
                    await self._changed.wait()
            if self.writable and await self._client.hung_up():
                await self.probe()

    def _set(self, error: StoreUnavailable | None) -> None:
        was = self.trouble
        self.trouble = error
        if error is None:
            self._lost = NOTHING_LOST
        if (was is None) != (error is None):
            self.since = self._clock()
        if (was.kind if was else None) != (error.kind if error else None):
            self._changed.set()
            for listener in self._listeners:
                listener()
