"""The part of the audit trail that a screen shows: read now and then, and at once where another part is wanted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from opalmind_tui.errors import OpalmindError
from opalmind_tui.snapshot.audit import AuditPage, AuditView
from opalmind_tui.snapshot.model import Reading

EVERY = 3.0
"""Seconds between two reads of the same part."""


class AuditLook:
    """Remembers the newest reading of one part.

    Args:
        read: gets a part; raises an `OpalmindError` that says why it cannot.
    """

    def __init__(self, read: Callable[[AuditView], Awaitable[AuditPage]]) -> None:
        self._read = read
        self._view: AuditView | None = None
        self._due = 0.0
        self._reading: Reading[AuditPage] = Reading()

    async def get(self, now: float, view: AuditView) -> Reading[AuditPage]:
        """The part. `now` is epoch seconds."""
        if view != self._view or now >= self._due or now < self._reading.at:
            self._view, self._due = view, now + EVERY
            try:
                self._reading = Reading(await self._read(view), now)
            except OpalmindError as error:
                self._reading = replace(self._reading, error=str(error))
        return self._reading

    def expire(self) -> None:
        """Something was done: the next look reads anew."""
        self._due = 0.0
