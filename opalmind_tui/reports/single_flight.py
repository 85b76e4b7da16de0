"""One piece of work for all who ask for the same thing at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs work in a task of its own, so that it outlives whoever asked first and was cancelled.

    An error goes to those who wait at that moment and is not remembered.
    """

    def __init__(self) -> None:
        self._flights: dict[str, asyncio.Task[T]] = {}
        self._overtaken: set[asyncio.Task[T]] = set()

    async def run(self, key: str, work: Callable[[], Awaitable[T]]) -> T:
        """The result of `work`, or of the work for this key that is under way."""
        return await asyncio.shield(self.start(key, work))

    def start(self, key: str, work: Callable[[], Awaitable[T]]) -> asyncio.Task[T]:
        """As `run`, but waits for nothing: whoever comes next may join."""
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.get_running_loop().create_task(_awaited(work))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        return flight

    def overtake(self) -> None:
        """Whoever asks from now on does not join what is under way: it may be about something that was purged."""
        self._overtaken.update(self._flights.values())
        self._flights.clear()

    async def close(self) -> None:
        """Cancel what is under way."""
        flights = [*self._flights.values(), *self._overtaken]
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def _landed(self, key: str, flight: asyncio.Task[T]) -> None:
        self._overtaken.discard(flight)
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # Everybody who waited may have gone; asyncio shall not complain about it.


async def _awaited(work: Callable[[], Awaitable[T]]) -> T:
    return await work()
