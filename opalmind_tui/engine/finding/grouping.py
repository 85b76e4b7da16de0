"""Failures grouped by what makes them alike."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from opalmind_tui.engine.finding.likeness import group_key, normal_error
from opalmind_tui.engine.finding.matching import fits
from opalmind_tui.engine.finding.walking import Walker
from opalmind_tui.snapshot.listing import Group, Groups, GroupView, Tab
from opalmind_tui.snapshot.model import RequestRow, State
from opalmind_tui.tracking.queue import Stored, TrackingQueue

MOST_GROUPS = 1_000
"""Groups that are told apart; what is in none of them is only counted."""


class _Alike(Struct):
    newest: RequestRow
    count: int = 0
    dead: int = 0
    first: float = float("inf")
    last: float = 0.0


class Alike:
    """The groups by their keys."""

    def __init__(self) -> None:
        self._groups: dict[str, _Alike] = {}
        self.others = 0

    def take(self, found: Stored) -> None:
        """One more failure."""
        row, at = found.row, found.row.failed_at or 0.0
        key = group_key(row)
        group = self._groups.get(key)
        if group is None:
            if len(self._groups) == MOST_GROUPS:
                self.others += 1
                return
            group = self._groups[key] = _Alike(row)
        group.count += 1
        group.dead += row.state is State.DEAD
        group.first = min(group.first, at)
        if at > group.last:
            group.last, group.newest = at, row

    def groups(self, most: int) -> tuple[Group, ...]:
        """The largest."""
        largest = sorted(self._groups.items(), key=lambda found: (-found[1].count, -found[1].last, found[0]))
        return tuple(_group(key, alike) for key, alike in largest[:most])


def _group(key: str, alike: _Alike) -> Group:
    row = alike.newest
    return Group(
        key=key, error=normal_error(row.error), status=row.status, site=row.site, kind=row.kind, count=alike.count,
        first=alike.first, last=alike.last, example=row.id, dead=alike.dead,
    )  # fmt: skip


class Grouping:
    """The groups of the failures in the queue that fit a filter."""

    def __init__(self, queue: TrackingQueue, view: GroupView, clock: Callable[[], float]) -> None:
        self.of = view.filter
        self._walker = Walker(queue, Tab.FAILED, fits(view.filter), Alike, clock)

    async def groups(self, view: GroupView) -> Groups:
        """As of now. Raises `StoreUnavailable`."""
        found = await self._walker.look()
        groups = found.collector.groups(view.rows)
        others = found.matched - sum(group.count for group in groups)
        return Groups(view, groups, others, found.total, found.examined, found.matched, found.done)

    async def stop(self) -> None:
        """Nobody looks any more."""
        await self._walker.stop()
