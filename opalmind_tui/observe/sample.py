"""The random sample of a database: taken at once, then renewed a few keys at a time, taken anew after an upheaval."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from opalmind_tui.observe.by_node import NodeTotal, by_node
from opalmind_tui.observe.keyspace import Keyspace, Place, own_keys
from opalmind_tui.observe.looks import Look, Looker
from opalmind_tui.observe.survey import Survey
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.census import KeyCensus
from opalmind_tui.snapshot.model import KeyCounts
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

SAMPLE = 200
"""Keys that are drawn at first, in one round trip."""
MOST = 400
"""Keys that a sample grows to; then the newest replaces the oldest."""
REFRESH, REFRESH_EVERY = 20, 10.0
"""Keys, and seconds, of one step of renewal."""
UPHEAVAL = 0.2
"""Change of the number of keys, as a share, after which the old sample says nothing any more."""
ANEW_AFTER = 10.0
"""Seconds that a sample is kept at the least."""
WHOLE = 100
"""Keys up to which all are looked at."""
NOT_PERMITTED = "not permitted: scripts (EVAL), RANDOMKEY, PTTL or TYPE"
WHOLE_EVERY = 60.0
KNOWN_EVERY = 60.0
"""Seconds between two looks at the queue's own keys."""


class Sample:
    """Looks at random keys of one database, and at the few large ones of the queue.

    Args:
        clock: seconds from any start.
    """

    def __init__(self, settings: Settings, keyspace: Keyspace, clock: Callable[[], float]) -> None:
        self._looker = Looker(keyspace, (settings.idempotency_prefix, settings.cache_prefix))
        self._own = own_keys(settings)
        self._clock = clock
        self._drawn: deque[Look] = deque(maxlen=MOST)
        self._known: list[Look] = []
        self._known_at = self._taken_at = self._renewed_at = float("-inf")
        self._size = 0
        self._whole = False
        self._trouble = ""

    @property
    def places(self) -> Counter[Place]:
        """Where the drawn keys belong."""
        return Counter(look.place for look in self._drawn)

    async def step(self, client: Redis, size: int, *, needed: bool) -> None:
        """Look at some more keys, if it is time. `needed`: without the right to, there is no figure at all.

        Errors are those of redis-py.
        """
        try:
            await self._step(client, size)
        except TROUBLES as error:
            found = trouble(error)
            if needed or found.kind not in ("permission", "reply"):
                raise
            self._trouble = NOT_PERMITTED if found.kind == "permission" else str(found)

    async def _step(self, client: Redis, size: int) -> None:
        now = self._clock()
        if self._overturned(size, now):
            await self.take(client, size)
        elif self._whole or not size:
            return
        elif now - self._known_at >= KNOWN_EVERY:
            self._known, self._known_at = await self._looker.at(client, self._own), now
        elif now - self._renewed_at >= REFRESH_EVERY:
            self._renewed_at = now
            self._drawn.extend(await self._looker.random(client, REFRESH))

    def _overturned(self, size: int, now: float) -> bool:
        """Whether everything is to be looked at anew."""
        age = now - self._taken_at
        if self._whole:
            return age >= (WHOLE_EVERY if size == self._size else ANEW_AFTER)
        return age >= ANEW_AFTER and abs(size - self._size) > UPHEAVAL * self._size

    async def take(self, client: Redis, size: int) -> None:
        """Take the sample anew: the whole database where it is small. Errors are those of redis-py."""
        self._size, self._taken_at = size, self._clock()
        self._renewed_at = self._known_at = self._taken_at
        self._trouble = ""
        if size <= WHOLE:
            cursor, names = await client.scan(0, count=10 * WHOLE)
            self._whole = not cursor
            if self._whole:
                looks = await self._looker.at(client, list(set(cast("list[bytes]", names))))
                self._drawn, self._known = deque(looks, maxlen=MOST), []
                return
        self._whole = False
        self._drawn = deque(await self._looker.random(client, SAMPLE), maxlen=MOST)
        self._known = await self._looker.at(client, self._own)

    def survey(self, counts: KeyCounts, used: int | None, nodes: Mapping[str, NodeTotal]) -> KeyCensus:
        """The census by now; `used` as in `Survey.most`, `nodes` of a Cluster."""
        whole = self._whole and counts.total == self._size
        exact = counts if counts.exact and not whole else None
        found = Survey(counts.total, list(self._drawn), self._known, exact, whole, used).census()
        found = replace(found, nodes=by_node(nodes, self._drawn, self._known, whole=whole))
        return replace(found, note=self._trouble) if self._trouble else found
