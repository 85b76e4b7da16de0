"""Goes over the cache's entries in the background, in bounded steps that give way, for as long as somebody looks."""

from __future__ import annotations

import asyncio
import math
import time
from bisect import bisect_right
from collections.abc import Callable, Collection

from msgspec.structs import replace

from opalmind_tui.engine.finding.walking import AGAIN_AFTER, PATIENCE
from opalmind_tui.engine.finding.windows import first_of
from opalmind_tui.errors import OpalmindError
from opalmind_tui.reports.entries import Entries
from opalmind_tui.reports.features import NAMES
from opalmind_tui.reports.keyspace import BATCH, BUDGET
from opalmind_tui.snapshot.entries import (
    KEPT,
    LIVES,
    OTHERS,
    EntryListing,
    EntryOrder,
    EntryRow,
    EntryState,
    EntryView,
    FeatureEntries,
)

_TIMES = 4.0
"""Times as long as a walk took the keys are left alone after it, at the least."""
_EACH = 1.0
"""Seconds of that for each command of the walk: on the average it takes one a second."""
_KNOWN = frozenset(NAMES)


class Sums:
    """What `FeatureEntries` tells, while it is added up."""

    def __init__(self) -> None:
        self.entries = self.bytes = self.stale = self.corrupt = self.endless = 0
        self.lives = [0] * (len(LIVES) + 1)

    def take(self, row: EntryRow, now: float) -> None:
        """One more entry."""
        self.entries += 1
        self.bytes += row.size or 0
        left = row.left(now)
        if row.state is EntryState.STALE:
            self.stale += 1
        elif row.state is EntryState.CORRUPT:
            self.corrupt += 1
        elif left is not None:
            self.lives[bisect_right(LIVES, left)] += 1
        self.endless += row.kept is None

    def frozen(self, feature: str) -> FeatureEntries:
        """As a value."""
        return FeatureEntries(
            feature, self.entries, self.bytes, self.stale, self.corrupt, tuple(self.lives), self.endless
        )


class Pass:
    """One walk over the keys."""

    def __init__(self, total: int, at: float = 0.0) -> None:
        self.total, self.at = total, at
        self.cursor = self.examined = 0
        self.done = False
        self.rows: dict[str, tuple[EntryRow, float]] = {}
        """Entries by key, each with the moment of its end."""
        self.removed: dict[str, float] = {}
        """When Redis removes them, of those that it does not keep for ever."""
        self.sums: dict[str, Sums] = {}
        self._order: tuple[object, list[str]] = (None, [])

    def take(self, row: EntryRow, now: float) -> None:
        """One more entry. Redis may bring one twice."""
        if row.key in self.rows:
            return
        self.sums.setdefault(group_of(row), Sums()).take(row, now)
        if len(self.rows) < KEPT:
            left = row.left(now)
            self.rows[row.key] = row, math.inf if left is None else now + left
            if row.kept is not None:
                self.removed[row.key] = now + row.kept

    def forget(self, wanted: list[str], there: Collection[str], now: float) -> bool:
        """Leave out those that were wanted and are not there. Where all whose time was up are gone, so are others
        like them: returns whether such were left out, for they would empty the list a window at a time."""
        gone = set(wanted).difference(there)
        past = [key for key in wanted if self.removed.get(key, math.inf) <= now]
        more = []
        if past and gone.issuperset(past):
            more = [key for key, end in self.removed.items() if end <= now and key not in gone]
        for key in (*gone, *more):
            self.rows.pop(key, None)
            self.removed.pop(key, None)
        if gone or more:
            # As many may come anew as are gone now.
            self._order = (None, [])
        return bool(more)

    def ordered(self, view: EntryView) -> list[str]:
        """The keys of the list in view."""
        of = (view.feature, view.order, len(self.rows))
        if self._order[0] != of:
            keys = [key for key, (row, _) in self.rows.items() if view.feature in ("", group_of(row))]
            self._order = of, sorted(keys, key=lambda key: (_sorted_by(view.order, *self.rows[key]), key))
        return self._order[1]


def _sorted_by(order: EntryOrder, row: EntryRow, end: float) -> float:
    if order is EntryOrder.LARGEST:
        return -math.inf if row.size is None else -row.size
    return end if order is EntryOrder.ENDING else 0.0


def group_of(row: EntryRow) -> str:
    """The feature that an entry is counted for."""
    return row.feature if row.feature in _KNOWN else OTHERS


class EntryWalk:
    """One list of entries: the window moves, the walk goes on.

    Args:
        clock: epoch seconds.

    Where only the sums are asked for it stops after `BUDGET` keys: what Redis brings first is as good as drawn by lot.
    """

    def __init__(self, entries: Entries, clock: Callable[[], float]) -> None:
        self._entries, self._clock = entries, clock
        self._task: asyncio.Task[None] | None = None
        self._error: OpalmindError | None = None
        self._under_way: Pass | None = None
        self._shown: Pass | None = None
        self._again_at = 0.0
        self._whole = self._changed = False
        self._again = 0
        self._read: tuple[list[str], dict[str, EntryRow]] = ([], {})
        self._read_at = 0.0

    async def listing(self, view: EntryView) -> EntryListing:
        """The window as of now. Raises `StoreUnavailable`."""
        self._whole = view.rows > 0
        if view.again != self._again:
            self._again = view.again
            self.expire()
        shown = await self._look()
        found, wanted, rows = await self._window(shown, view)
        if shown.forget(wanted, rows, self._clock()):
            found, wanted, rows = await self._window(shown, view)
            shown.forget(wanted, rows, self._clock())
        kept = found.kept - len(wanted) + len(rows)
        return replace(found, rows=tuple(rows[key] for key in wanted if key in rows), kept=kept)

    async def _window(self, shown: Pass, view: EntryView) -> tuple[EntryListing, list[str], dict[str, EntryRow]]:
        """The listing without its rows, the keys of these, and those of them that are there."""
        keys = shown.ordered(view) if view.rows else []
        first = first_of(view, keys)
        wanted = keys[first : first + view.rows]
        # As of now: the walk goes on while the rows are read.
        found = EntryListing(
            view, (), first, len(keys), tuple(sums.frozen(name) for name, sums in sorted(shown.sums.items())),
            min(shown.examined, shown.total), shown.total, shown.done, at=shown.at,
        )  # fmt: skip
        return found, wanted, await self._rows(wanted)

    async def _rows(self, wanted: list[str]) -> dict[str, EntryRow]:
        """These entries as they are; of a Cluster, where each node is asked, as they were a few seconds ago."""
        now, rest = self._clock(), self._entries.nodes - 1
        if self._read[0] != wanted or not self._read_at <= now < self._read_at + rest:
            self._read = wanted, {row.key: row for row in await self._entries.rows_of(wanted)}
            self._read_at = now
        return self._read[1]

    async def stop(self) -> None:
        """Nobody looks any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def expire(self) -> None:
        """Something was changed on purpose, or somebody asks: walk anew at the next look, or after the walk that is
        under way."""
        self._again_at = self._read_at = 0.0
        self._changed = True

    async def _look(self) -> Pass:
        if self._task is None and (self._has_more(self._under_way) or time.monotonic() >= self._again_at):
            self._error = None
            self._task = asyncio.create_task(self._go_on(), name="entries")
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=PATIENCE)
            if self._task.done():
                task, self._task = self._task, None
                task.result()
        if self._error is not None:
            raise self._error
        return self._shown or Pass(0)

    def _has_more(self, under_way: Pass | None) -> bool:
        return under_way is not None and not under_way.done and (self._whole or under_way.examined < BUDGET)

    async def _go_on(self) -> None:
        """The rest of this walk, or a new one; an error keeps its place."""
        began, asked = time.monotonic(), self._entries.asked
        try:
            if not self._has_more(self._under_way):
                self._changed = False
                self._under_way = Pass(await self._entries.size(), self._clock())
            under_way = self._under_way
            assert under_way is not None
            self._shown = self._shown or under_way
            while self._has_more(under_way):
                started = time.monotonic()
                await self._step(under_way)
                # The server and the screen are left alone about as long.
                await asyncio.sleep(time.monotonic() - started)
        except OpalmindError as error:
            self._error = error
            return
        self._shown = under_way
        took, asked = time.monotonic() - began, self._entries.asked - asked
        rest = 0.0 if self._changed else max(AGAIN_AFTER, _TIMES * took, _EACH * asked)
        self._again_at = time.monotonic() + rest

    async def _step(self, under_way: Pass) -> None:
        under_way.cursor, rows = await self._entries.step(under_way.cursor)
        now = self._clock()
        for row in rows:
            under_way.take(row, now)
        # A step goes through about so many keys, whether they are ours or not.
        under_way.examined = max(under_way.examined + BATCH, len(under_way.rows))
        under_way.done = not under_way.cursor
        if under_way.done:
            under_way.examined = under_way.total
