"""Counts every key of a database, on request: small SCANs at the server's own pace, in constant memory."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from redis.exceptions import ResponseError

from opalmind_tui.observe.by_node import NodeTotal, by_node
from opalmind_tui.observe.keyspace import UNKNOWN_FEATURE, Keyspace, Place, key_counts, own_keys
from opalmind_tui.observe.looks import CHUNK, Look, Looker
from opalmind_tui.observe.survey import Survey
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.census import CountProgress, KeyCensus
from opalmind_tui.storage.cluster_keys import KeyPage, key_page, nodes_of
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

PAGE = 500
"""COUNT of one SCAN: some 0.2 ms of the server's time."""
MEASURED = 1_000
"""Keys whose memory and time to live are looked at, about."""
BUSY = 3.0
"""Times as long as the quickest of late that an answer may take before the server counts as busy."""
SLACK = 0.005
"""Seconds that are no delay worth giving way to."""
MOST_PLACES = 200
"""Different places that are told apart: strangers may write any number of features."""
REST = 1.0
"""Seconds of one rest at the most."""
_FORGET = 1.002
"""What is taken for the quickest answer grows by this with each answer, so that one lucky moment does not rule."""


class _Page(Struct, frozen=True):
    """An answer of SCAN. `took`: seconds."""

    keys: KeyPage
    took: float


class FullCount:
    """One count. `run` can be cancelled at any moment and called again: it goes on where it was.

    A key that stays is counted; one that comes or goes meanwhile may be or not. While the server resizes its table a
    key may be counted twice.

    Args:
        clock: seconds from any start.
        seed: of the choice of keys that are looked at.
    """

    def __init__(
        self, settings: Settings, *, clock: Callable[[], float] = time.monotonic, seed: int | None = None
    ) -> None:
        self._keyspace = Keyspace(settings)
        self._looker = Looker(self._keyspace, (settings.idempotency_prefix, settings.cache_prefix))
        self._own = own_keys(settings)
        self._clock, self._random = clock, random.Random(seed)
        self._served: dict[str, str] = {}
        """Who answers: the run id of each node. A server that was started anew orders its keys in another way."""
        self._trips: deque[float] = deque(maxlen=5)
        self._quickest = float("inf")
        self._rest = 0.0
        """Seconds that a server gets for its other work, if it answers more slowly than it can, and not just once."""
        self._running = False
        self._error = ""
        self._census: KeyCensus | None = None
        self._begin()

    def _begin(self) -> None:
        """From the first key on."""
        self._cursor = 0
        self._node = ""
        self._nodes: dict[str, Counter[Place]] = {}
        """Keys of each place, by the node of a Cluster that has them."""
        self._chosen: list[bytes] = []
        self._names: set[int] = set()
        """Of all that were chosen, as hashes: a look has no more than the beginning of a long name."""
        self._looks: list[Look] = []
        self._known: list[Look] = []
        self._total = 0
        self._next = -1
        self._complete = False
        self._spent = 0.0

    @property
    def progress(self) -> CountProgress:
        """How far it is."""
        done = sum(places.total() for places in self._nodes.values())
        total = max(done, self._total)
        left = self._spent * (total - done) / done if done and self._spent and self._census is None else None
        return CountProgress(done, total, self._running, left, self._census, self._error)

    async def run(self, client: Redis) -> KeyCensus:
        """Count on to the end. Returns the census, its memory and times from `MEASURED` keys.

        Args:
            client: answers in bytes; best one that nobody waits for.

        Raises:
            StoreUnavailable: the server did not answer, or does not permit DBSIZE or SCAN.
        """
        self._running, self._error = True, ""
        try:
            await self._while_it_lives(client)
            self._census = self._result()
            return self._census
        except TROUBLES as error:
            found = trouble(error)
            self._error = str(found)
            raise found from error
        finally:
            self._running = False

    async def _while_it_lives(self, client: Redis) -> None:
        """Count on; from the first key where a server was started anew since, or is meanwhile."""
        while True:
            served = await _served_by(client)
            if any(served.get(node, run) != run for node, run in self._served.items()):
                self._begin()
            elif self._complete:
                return
            self._served = served
            await self._scan(client)

    async def _scan(self, client: Redis) -> None:
        if not self._total:
            self._total = int(await client.dbsize())
            self._known = await self._looker.at(client, self._own)
        step = max(1, self._total // MEASURED)
        if self._next < 0:
            self._next = self._random.randrange(step)
        await self._look(client)
        asked: asyncio.Task[_Page] | None = None
        try:
            while not self._complete:
                began = self._clock()
                if asked is None:
                    await asyncio.sleep(self._rest)
                    asked = asyncio.create_task(self._page(client, self._cursor, self._node))
                page = await asked
                asked = None
                self._note(page.took)
                self._spent, began = self._spent + self._clock() - began, self._clock()
                keys = page.keys
                if keys.cursor and not self._rest:
                    # The server looks for the next page while this one is counted.
                    asked = asyncio.create_task(self._page(client, keys.cursor, keys.node))
                    await asyncio.sleep(0)
                # Nothing is awaited between these: a cancelled count has seen a page or it has not.
                if keys.anew:
                    self._forget(self._node)
                self._cursor, self._node, self._complete = keys.cursor, keys.node, not keys.cursor
                self._take(keys, step)
                await self._look(client)
                self._spent += self._clock() - began
        finally:
            if asked is not None:
                asked.cancel()
                await asyncio.gather(asked, return_exceptions=True)

    async def _page(self, client: Redis, cursor: int, node: str) -> _Page:
        began = self._clock()
        keys = await key_page(client, cursor, PAGE, node)
        return _Page(keys, self._clock() - began)

    def _take(self, keys: KeyPage, step: int) -> None:
        theirs = self._nodes.setdefault(keys.node, Counter())
        for place, number in self._keyspace.places(keys.names).items():
            known = place in theirs or len(theirs) < MOST_PLACES
            theirs[place if known else ("cache", UNKNOWN_FEATURE)] += number
        self._choose(keys.names, step)

    def _forget(self, node: str) -> None:
        """Another has its slots: what was counted there comes again."""
        self._nodes.pop(node, None)
        self._chosen.clear()
        self._looks = [look for look in self._looks if look.node != node]

    def _choose(self, names: list[bytes], step: int) -> None:
        """Every so many-th key: SCAN goes by a keyed hash of the name, so these are as random as any."""
        chosen = names[self._next :: step]
        self._chosen += chosen
        self._names.update(map(hash, chosen))
        self._next = (self._next - len(names)) % step

    async def _look(self, client: Redis) -> None:
        while len(self._chosen) >= CHUNK or (self._complete and self._chosen):
            looks = await self._looker.at(client, self._chosen[:CHUNK])
            del self._chosen[:CHUNK]
            self._looks += looks

    def _note(self, took: float) -> None:
        self._trips.append(took)
        trip = median(self._trips)
        self._quickest = min(trip, self._quickest * _FORGET)
        self._rest = min(REST, trip) if trip - BUSY * self._quickest > SLACK else 0.0

    def _result(self) -> KeyCensus:
        places = sum(self._nodes.values(), Counter())
        number = places.total()
        looks = self._looks
        # A small database was looked at key by key: nothing is an estimate then.
        whole = self._whole(looks, number)
        counts = None if whole else key_counts(places, number, exact=True)
        census = Survey(number, looks, [] if whole else self._known, counts, whole).census()
        totals = {
            node: NodeTotal(theirs.total(), key_counts(theirs, theirs.total(), exact=True))
            for node, theirs in self._nodes.items()
            if node
        }
        return replace(census, nodes=by_node(totals, looks, [] if whole else self._known, whole=whole))

    def _whole(self, looks: list[Look], number: int) -> bool:
        """Whether there is a look at each key that was counted, and no other."""
        return len(looks) == number == len(self._names)


async def _served_by(client: Redis) -> dict[str, str]:
    """The run id of the server, or of each primary by its address; empty where INFO is not permitted."""
    nodes = await nodes_of(client)
    try:
        told = await asyncio.gather(*(one.info("server") for one in nodes.values()))
    except ResponseError:
        return {}
    return {node: str(info.get("run_id", "")) for node, info in zip(nodes, told, strict=True)}
