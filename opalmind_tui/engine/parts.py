"""One part of the snapshot: read at its own pace, kept when a later try fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from msgspec.structs import replace

from opalmind_tui.errors import OpalmindError
from opalmind_tui.snapshot.model import Reading

T = TypeVar("T")


class Part(Generic[T]):
    """A figure with its pace.

    Args:
        read: gets the value; raises an `OpalmindError` that says why it cannot.
        every: seconds between two reads; 0 reads each time.
    """

    def __init__(self, read: Callable[[], Awaitable[T]], every: float = 0.0) -> None:
        self._read = read
        self._every = every
        self._due = 0.0
        self.reading: Reading[T] = Reading(every=every)

    async def get(self, now: float) -> Reading[T]:
        """The reading, fresh if it is time. `now` is epoch seconds."""
        if now >= self._due or now < self.reading.at:
            self._due = now + self._every
            try:
                self.reading = Reading(await self._read(), now, every=self._every)
            except OpalmindError as error:
                self.reading = replace(self.reading, error=str(error))
        return self.reading

    def expire(self) -> None:
        """Read anew at the next look: something was changed on purpose."""
        self._due = 0.0
