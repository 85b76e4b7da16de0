"""The history of the day: notes the figures of each minute, and reads what all processes noted."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from msgspec.structs import replace

from opalmind_tui.engine.matomo_probe import MatomoProbe
from opalmind_tui.engine.stores import Stores
from opalmind_tui.engine.undoing.last import last_undoable
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.snapshot.audit import AuditEntry, Undoable
from opalmind_tui.snapshot.history import KEPT, MINUTE, Figure, History, Mark, Minute
from opalmind_tui.snapshot.model import CacheView, Mode, QueueView, Reading, ServerView
from opalmind_tui.storage.history import beginning

LOOK_EVERY = 2.0
"""Seconds between two looks at whether a minute has begun."""
MARKS = 200
"""Acts that are remembered at the most."""
_HARMLESS = ("permission", "wrong-type", "reply")
"""Troubles of the history alone: the server serves all the same."""
Figures = tuple[Reading[QueueView], Reading[CacheView], Reading[ServerView]]
PAST_EVERY = 15.0
"""Seconds between two looks at what others noted."""


class Recorder:
    """Notes each minute, in Redis or, while that is away, in this process.

    Args:
        figures: the newest readings.
        own: gets what is noted while this process has only its memory.
        writes: whether this process may write at all (ruling 8); its own memory it may use.
    """

    def __init__(
        self,
        stores: Stores,
        probe: MatomoProbe,
        figures: Callable[[], Awaitable[Figures]],
        own: deque[Minute],
        *,
        writes: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._stores, self._probe, self._figures = stores, probe, figures
        self._writes, self._clock = writes, clock
        self._done = 0
        self.own = own
        self.trouble = ""
        """Why the history could not be written last."""

    async def run(self) -> None:
        """Go on until it is cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(LOOK_EVERY)

    async def once(self) -> None:
        """Note the present minute, unless this process has seen to it."""
        number = int(self._clock() // MINUTE)
        if number == self._done:
            return
        alone = self._stores.queue.mode is Mode.MEMORY
        if not alone and not (self._writes and self._stores.link.writable):
            return
        minute = minute_of(self._clock(), await self._figures(), self._probe.reading, alone=alone)
        if alone:
            self.own.append(minute)
        elif not await self._share(minute):
            return
        self._done = number

    async def _share(self, minute: Minute) -> bool:
        try:
            await self._stores.history.write(minute)
        except StoreUnavailable as error:
            self.trouble = str(error)
            if error.kind in _HARMLESS:
                return True
            self._stores.link.report(error)
            return False
        self.trouble = ""
        return True


def minute_of(at: float, figures: Figures, matomo: Reading[float], *, alone: bool = False) -> Minute:
    """The figures of now. What could not be read is not known."""
    queue, cache, server = figures
    minute = Minute(at, alone=alone)
    if matomo.at:
        minute = replace(minute, answers=matomo.error is None, matomo=matomo.value if matomo.error is None else None)
    if queue.value is not None and queue.error is None:
        view = queue.value
        oldest = view.oldest_accepted
        minute = replace(
            minute,
            waiting=view.backlog, dead=view.dead, ledger=view.ledger_alarm,
            oldest=0.0 if oldest is None else max(0.0, at - oldest),
            accepted=view.accepted, delivered=view.delivered, retried=view.retried, rejected=view.rejected,
        )  # fmt: skip
    if cache.value is not None and cache.error is None:
        minute = replace(minute, hits=cache.value.hits, misses=cache.value.misses)
    if server.value is not None and server.error is None:
        minute = replace(minute, memory=server.value.used_memory, evicted=server.value.evicted_keys)
    return minute


class Past:
    """Reads the day at first, then only what is new. Keeps what it has read."""

    def __init__(self, stores: Stores, own: Iterable[Minute], clock: Callable[[], float] = time.time) -> None:
        self._stores, self._own, self._clock = stores, own, clock
        self._after = self._marked = ""
        self._shared: deque[Minute] = deque(maxlen=KEPT)
        self._acts: deque[AuditEntry] = deque(maxlen=MARKS)
        self._strange = 0
        self.view = History()
        """What is known without asking."""

    async def read(self) -> History:
        """The day up to now: two commands. Raises `StoreUnavailable`; what could be read is in `view` all the same."""
        start = beginning(self._clock())
        try:
            minutes, self._after, strange = await self._stores.history.read(self._after or start)
            self._shared.extend(minutes)
            self._strange += strange
            entries, self._marked = await self._stores.audit.since(self._marked or start, MARKS)
            self._acts.extend(entries)
        finally:
            self.look_here()
        return self.view

    def look_here(self) -> None:
        """Put together what was read and what this process noted by itself, without asking."""
        now = self._clock()
        first = now - KEPT * MINUTE
        noted = {minute.number: minute for minute in (*self._own, *self._shared)}
        minutes = tuple(minute for _, minute in sorted(noted.items()) if minute.at >= first)
        # What others wrote into the stream may name any moment, or none.
        acts = (entry for entry in self._acts if first <= entry.at <= now + KEPT * MINUTE)
        marks = tuple(Mark(entry.at, entry.by, entry.act, entry.what) for entry in acts)
        view = History(minutes, marks, self._strange)
        if view != self.view:
            # The same object where nothing is new: who has drawn it need not look at a day's minutes again.
            self.view = view

    def undoable(self, endpoint: str) -> Undoable | None:
        """The last act that can be undone, from what was read; `endpoint` is the Matomo in view."""
        found = last_undoable((*self._stores.audit.waiting, *reversed(self._acts)), self._clock(), endpoint)
        return None if found is None else Undoable(found[0].at, found[0].who, found[0].what)


def figures_of(
    now: float, queue: Reading[QueueView], cache: Reading[CacheView], server: Reading[ServerView]
) -> dict[Figure, float | None]:
    """The figures of one look, for the process's own picture of the last minutes."""
    figures: dict[Figure, float | None] = {}
    if queue.value is not None and queue.at == now:
        view = queue.value
        figures |= {
            Figure.BACKLOG: view.backlog,
            Figure.ACCEPTED: view.accepted_rate,
            Figure.DELIVERED: view.delivered_rate,
            Figure.RETRIED: view.retried_rate,
            Figure.DEAD: view.dead,
        }
    if cache.value is not None and cache.error is None:
        figures[Figure.HIT_RATE] = cache.value.hit_rate
    if server.value is not None and server.error is None:
        found = server.value
        figures |= {
            Figure.MEMORY: found.used_memory,
            Figure.OPS: found.ops_rate,
            Figure.ROUND_TRIP: found.round_trip,
        }
    return figures
