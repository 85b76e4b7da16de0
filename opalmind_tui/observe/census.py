"""How many keys each part of the data holds: counted where that is cheap, estimated where it is not (I8)."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from opalmind_tui.observe.by_node import NodeTotal
from opalmind_tui.observe.keyspace import Keyspace, Place, Tally, key_counts
from opalmind_tui.observe.sample import Sample
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.census import KeyCensus
from opalmind_tui.snapshot.model import KeyCounts
from opalmind_tui.storage.cluster_keys import ClusterKeys, KeyPage, key_page
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

EXACT_UP_TO = 20_000
"""Keys of a database up to which they are counted one by one."""
STEP_BYTES = 12_000
"""Bytes of key names that one step may fetch, as near as can be told beforehand. INFO takes 6 kB more of a second."""
STEP_SCANS = 3
"""SCANs of one step at the most."""
STEP_EVERY = 0.9
"""Seconds between two steps that ask for keys; calls in between repeat what is known."""
REST = 5.0
"""Seconds between the end of one count and the start of the next one, if the number of keys has changed."""
SMALL = 1000
"""Keys up to which a count starts anew at once: it is complete within a step or two, and a new database grows fast."""
RECOUNT = 60.0
"""The same if it has not: keys may have come and gone in equal number."""
MOST_SCANS = 60
"""SCANs of `exact`. 20,000 keys take about 20; a table that was much larger once takes more."""
GLANCED = 300
"""Keys of a database up to which `glance` counts all."""
GLANCE_SAMPLE = 100
"""Keys that it takes from a larger one, about."""
GLANCE = """
local size, keys = redis.call('DBSIZE'), {}
local whole, cursor, wanted = size <= tonumber(ARGV[1]), '0', tonumber(ARGV[1])
if not whole then
  local places = 2 ^ math.floor(math.log(size) / math.log(2))
  cursor, wanted = string.format('%.0f', math.floor(tonumber(ARGV[3]) * places)), tonumber(ARGV[2])
end
for _ = 1, 8 do
  local page = redis.call('SCAN', cursor, 'COUNT', wanted)
  cursor = page[1]
  for _, key in ipairs(page[2]) do keys[#keys + 1] = key end
  if whole and cursor == '0' then return {size, 1, keys} end
  if not whole and #keys >= wanted then return {size, 0, keys} end
end
if #keys == 0 then keys[1] = redis.call('RANDOMKEY') or nil end
return {size, 0, keys}
"""
"""ARGV: keys up to which all are counted, keys of a sample, where it begins (0 to 1).

Keys lie by their hash, so that those of any stretch of the table are a random sample. One SCAN of them costs a tenth of
as many RANDOMKEYs, which miss the processor's cache one by one.
"""
_PAGE = 1000
_FIRST_PAGE = 100
_SMALLEST_PAGE = 10
_USUAL_NAME = 60
"""Bytes of a key's name, as a guess."""


class Census:
    """Counts the keys of one database under the prefixes of one configuration.

    Up to `EXACT_UP_TO` keys a round of small SCANs counts them; until the first round is complete, and when keys have
    come or gone since the last one, the result is scaled to DBSIZE and says that it is not exact. Above, a random
    sample is scaled. Memory and times to live always come from such a sample.

    Args:
        clock: seconds from any start.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._keyspace = Keyspace(settings)
        self._clock = clock
        self._last_step = float("-inf")
        self._cursor = 0
        self._page = _FIRST_PAGE
        self._running: Tally | None = None
        self._done: Counter[Place] = Counter()
        self._done_at = float("-inf")
        self._done_size = -1
        self._done_nodes: dict[str, Counter[Place]] = {}
        self._node = ""
        self._sizes: Mapping[str, int] = {}
        self._size = 0
        self._sample = Sample(settings, self._keyspace, clock)
        self._latest = KeyCounts()

    async def step(self, client: Redis, size: int | None = None) -> KeyCounts:
        """One cheap step: at most `STEP_SCANS` SCANs of a small database, and what the sample needs.

        Args:
            client: answers in bytes.
            size: keys of the database, where that is known by now; else DBSIZE is asked.

        Raises:
            StoreUnavailable: the server did not answer, or does not permit DBSIZE, SCAN or, for a large database,
                scripts with RANDOMKEY.
        """
        try:
            self._size = int(await client.dbsize()) if size is None else size
            self._note_sizes(client)
            due = self._due()
            if due:
                await self._sample.step(client, self._size, needed=self._size > EXACT_UP_TO)
            if self._size > EXACT_UP_TO:
                self._running, self._done_at, self._done_size = None, float("-inf"), -1
                self._latest = key_counts(self._sample.places, self._size, exact=False)
            else:
                self._latest = await self._counted(client, self._size, due=due)
        except TROUBLES as error:
            raise trouble(error) from error
        return self._latest

    async def exact(self, client: Redis) -> KeyCounts:
        """Count now, for a command that asks once: about 20 SCANs for `EXACT_UP_TO` keys, else a fresh sample.

        Args and errors as in `step`.
        """
        try:
            self._size = size = int(await client.dbsize())
            self._note_sizes(client)
            if size > EXACT_UP_TO:
                await self._sample.take(client, size)
                return key_counts(self._sample.places, size, exact=False)
            tally, page = Tally(self._keyspace), KeyPage("", 0, [])
            for _ in range(MOST_SCANS):
                page = await key_page(client, page.cursor, _PAGE, page.node)
                tally.add(page.names, page.node)
                if not page.cursor:
                    self._done_nodes = tally.nodes
                    return key_counts(tally.places, tally.counted, exact=True)
            return key_counts(tally.places, max(size, tally.counted), exact=False)
        except TROUBLES as error:
            raise trouble(error) from error

    async def glance(self, client: Redis) -> KeyCounts:
        """One command, for who asks once and wants little: every key of a tiny database, else a sample of about 100.
        On a Cluster it is `exact`.

        Args and errors as in `step`.
        """
        if isinstance(client, ClusterKeys):
            return await self.exact(client)
        try:
            found: Any = await client.eval(GLANCE, 0, GLANCED, GLANCE_SAMPLE, repr(random.random()))
        except TROUBLES as error:
            raise trouble(error) from error
        size, whole, keys = found
        tally = Tally(self._keyspace)
        if whole:
            tally.add(keys)
            return key_counts(tally.places, tally.counted, exact=True)
        return key_counts(Counter(map(self._keyspace.place, keys)), size, exact=False)

    async def once(self, client: Redis) -> KeyCensus:
        """A whole census now, for a command that asks once. Args and errors as in `step`."""
        self._latest = await self.exact(client)
        try:
            if self._size <= EXACT_UP_TO:
                await self._sample.take(client, self._size)
        except TROUBLES as error:
            raise trouble(error) from error
        return self.view()

    def view(self, used: int | None = None, used_by: Mapping[str, int] | None = None) -> KeyCensus:
        """What is known of all keys by now.

        Args:
            used: bytes of memory that the server uses in all, if it tells.
            used_by: the same for each node of a Cluster, by its address.
        """
        totals = {
            node: NodeTotal(size, self._counted_on(node, size), (used_by or {}).get(node))
            for node, size in self._sizes.items()
        }
        return self._sample.survey(self._latest, used, totals)

    def _counted_on(self, node: str, size: int) -> KeyCounts | None:
        """A node's keys; None where they were not counted, or have come and gone meanwhile."""
        places = self._done_nodes.get(node, Counter())
        return key_counts(places, size, exact=True) if self._latest.exact and places.total() == size else None

    def _note_sizes(self, client: Redis) -> None:
        if isinstance(client, ClusterKeys):
            self._sizes = client.sizes

    async def _counted(self, client: Redis, size: int, *, due: bool) -> KeyCounts:
        if due:
            if self._running is None and self._stale(size):
                self._running, self._cursor, self._page = Tally(self._keyspace), 0, _first_page(size)
                self._node = ""
            if self._running is not None:
                await self._scan_on(client, self._running, size)
        if size == self._done_size:
            return key_counts(self._done, self._done.total(), exact=True)
        if self._done_size >= 0:
            return key_counts(self._done, size, exact=False)
        return key_counts(self._running.places if self._running else Counter(), size, exact=False)

    def _stale(self, size: int) -> bool:
        rest = RECOUNT if size == self._done_size else 0.0 if size <= SMALL else REST
        return self._clock() - self._done_at >= rest

    async def _scan_on(self, client: Redis, tally: Tally, size: int) -> None:
        fetched = 0
        for _ in range(STEP_SCANS):
            page = await key_page(client, self._cursor, self._page, self._node)
            if page.anew:
                self._running = None
                return
            self._cursor, self._node, names = page.cursor, page.node, page.names
            tally.add(names, page.node)
            if not self._cursor:
                self._done, self._done_nodes, self._running = tally.places, tally.nodes, None
                self._done_at, self._done_size = self._clock(), size
                return
            got = sum(map(len, names))
            fetched += got
            # As many as fit the budget of a step if the names go on as long as these.
            self._page = int(STEP_BYTES * len(names) / got) if got else _PAGE
            self._page = max(_SMALLEST_PAGE, min(self._page, _PAGE))
            if fetched + got > STEP_BYTES:
                return

    def _due(self) -> bool:
        """Whether keys may be asked for again."""
        now = self._clock()
        if now - self._last_step < STEP_EVERY:
            return False
        self._last_step = now
        return True


def _first_page(size: int) -> int:
    """COUNT of a round's first SCAN: a small database comes whole."""
    return _PAGE if size <= STEP_BYTES // _USUAL_NAME else _FIRST_PAGE
