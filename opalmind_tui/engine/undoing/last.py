"""Which act can be undone: the last one in the trail that has a way back, of anybody, within 15 minutes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from opalmind_tui.engine.undoing.inverse import decoded
from opalmind_tui.errors import OpalmindError, StoreUnavailable
from opalmind_tui.snapshot.audit import UNDO_WITHIN, AuditEntry
from opalmind_tui.snapshot.commands import Command

LOOKED_AT = 200
"""Entries that are gone through for an act that can be undone."""
_AHEAD = 60.0
"""Seconds that an entry may lie in the future: clocks differ."""


class NothingToUndo(OpalmindError):
    """No act of the last 15 minutes can be undone."""


class Trail(Protocol):
    """Where acts are noted."""

    @property
    def waiting(self) -> tuple[AuditEntry, ...]:
        """What could not be written yet, the newest first."""
        ...

    async def newest(self, limit: int) -> tuple[AuditEntry, ...]:
        """The newest entries, the newest first."""
        ...


def last_undoable(entries: Iterable[AuditEntry], now: float, endpoint: str) -> tuple[AuditEntry, Command] | None:
    """The newest act that has a way back and was not undone yet, with that way.

    Args:
        entries: the newest first.
        now: epoch seconds.
        endpoint: the Matomo in view.
    """
    undone: set[str] = set()
    for entry in entries:
        moment = entry.noted or entry.at
        if not now - UNDO_WITHIN <= moment <= now + _AHEAD:
            continue
        if entry.undoes:
            undone.add(entry.undoes)
        elif entry.inverse and entry.ref and entry.ref not in undone:
            inverse = decoded(entry.inverse, endpoint)
            if inverse is not None:
                return entry, inverse
    return None


async def find_undoable(trail: Trail, now: float, endpoint: str) -> tuple[AuditEntry, Command]:
    """The same, read from the trail. Raises `NothingToUndo`, and `StoreUnavailable` where nothing waits here."""
    waiting = trail.waiting
    try:
        written = await trail.newest(LOOKED_AT)
    except StoreUnavailable:
        if not waiting:
            raise
        written = ()
    found = last_undoable((*waiting, *written), now, endpoint)
    if found is None:
        raise NothingToUndo("Nothing of the last 15 minutes can be undone")
    return found
