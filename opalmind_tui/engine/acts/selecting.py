"""What an act on requests touches: the named ones, or all of a list that fit a filter. Captured when it is planned."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import overload

from msgspec import Struct

from opalmind_tui.engine.acts.kind import OnProgress, unseen
from opalmind_tui.engine.finding.matching import fits
from opalmind_tui.engine.finding.searching import still_in
from opalmind_tui.engine.finding.walking import STEP
from opalmind_tui.snapshot.commands import Command, Progress
from opalmind_tui.snapshot.listing import OWN_ORDERS, Tab
from opalmind_tui.snapshot.model import RequestRow, State
from opalmind_tui.tracking.ids import ID_LENGTH
from opalmind_tui.tracking.queue import TrackingQueue

GONE = "no longer in the queue"
ASKED = 50
"""Names that are no ids up to which each is looked up as an idempotency key."""


class Ids(Sequence[str]):
    """Ids of requests, 14 bytes each: a million of them are held without much memory."""

    def __init__(self, packed: bytes = b"") -> None:
        self._packed = packed

    def __len__(self) -> int:
        return len(self._packed) // ID_LENGTH

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[str]: ...

    def __getitem__(self, at: int | slice) -> str | Sequence[str]:
        if isinstance(at, slice):
            return [self._one(each) for each in range(*at.indices(len(self)))]
        return self._one(range(len(self))[at])

    def _one(self, at: int) -> str:
        return self._packed[at * ID_LENGTH : (at + 1) * ID_LENGTH].decode("ascii")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(self._packed)

    def __iter__(self) -> Iterator[str]:
        return map(self._one, range(len(self)))


class Selection(Struct, frozen=True):
    """The eligible ones, their bytes, and why others are not eligible, with their counts."""

    ids: Sequence[str]
    bytes: int
    skipped: tuple[tuple[str, int], ...]

    def __len__(self) -> int:
        return len(self.ids)


class _Selecting:
    """Takes rows one by one."""

    def __init__(self, eligible: Collection[State]) -> None:
        self._eligible = eligible
        self._packed = bytearray()
        self.bytes = 0
        self.others: Counter[str] = Counter()

    def take(self, row: RequestRow) -> None:
        if row.state not in self._eligible:
            self.others[f"{row.state} now"] += 1
        elif len(row.id) != ID_LENGTH or not row.id.isascii():
            self.others["under an id that is none of ours"] += 1
        else:
            self._packed += row.id.encode("ascii")
            self.bytes += row.size

    @property
    def number(self) -> int:
        return len(self._packed) // ID_LENGTH

    def selection(self) -> Selection:
        return Selection(Ids(bytes(self._packed)), self.bytes, tuple(self.others.items()))


async def select(
    queue: TrackingQueue, command: Command, eligible: Collection[State], on_progress: OnProgress = unseen
) -> Selection:
    """What a command touches, in bounded steps that give way. Raises `StoreUnavailable`."""
    if command.tab is None:
        return await _named(queue, list(dict.fromkeys(command.ids)), eligible, on_progress)
    return await _fitting(queue, command, command.tab, eligible, on_progress)


async def _named(
    queue: TrackingQueue, ids: Sequence[str], eligible: Collection[State], on_progress: OnProgress
) -> Selection:
    found, missing = _Selecting(eligible), dict.fromkeys(ids)
    for start in range(0, len(ids), STEP):
        rows = await queue.rows_of(ids[start : start + STEP])
        for row in rows:
            found.take(row)
            missing.pop(row.id, None)
        on_progress(Progress(min(start + STEP, len(ids)), len(ids)))
    for at, name in enumerate(missing):
        found.others[await _why_missing(queue, name) if at < ASKED else GONE] += 1
    return found.selection()


async def _why_missing(queue: TrackingQueue, name: str) -> str:
    """Why nothing has this id: whoever named it may have taken the idempotency key for it."""
    theirs = [row.id for row in await queue.find(name) if row.key == name]
    return f"named by an idempotency key, and an id is wanted: {' or '.join(theirs)}" if theirs else GONE


async def _fitting(
    queue: TrackingQueue, command: Command, tab: Tab, eligible: Collection[State], on_progress: OnProgress
) -> Selection:
    test, found, seen, after = fits(command.filter), _Selecting(eligible), set[str](), ""
    now, examined = (await queue.counts("")).at, 0
    total = (await queue.window(tab, OWN_ORDERS[tab][0], rows=1)).total
    while True:
        began = time.monotonic()
        step = await queue.walk(tab, after=after, limit=STEP, until=now)
        for one in step.found:
            if command.limit and found.number >= command.limit:
                return found.selection()
            # What moves while the list is gone through may be come upon twice.
            if one.row.id not in seen and still_in(tab, one.row) and test(one, now):
                seen.add(one.row.id)
                found.take(one.row)
        after, examined = step.cursor, examined + step.examined
        on_progress(Progress(examined, max(total, examined)))
        if not after:
            return found.selection()
        # As long as the step took the server is left to others.
        await asyncio.sleep(time.monotonic() - began)


def which(command: Command) -> str:
    """Words for what was asked for, after a count."""
    if command.tab is None:
        return ""
    fitting = f" that fit {command.filter}" if command.filter else ""
    return f" of the list {command.tab}{fitting}"
