"""The part of a queue over two that shows and acts: in the one that is in view."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TypeVar

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.snapshot.listing import Order, Tab
from opalmind_tui.snapshot.model import Control, Gate, GateKind, RateLimit, RequestRow, State
from opalmind_tui.storage.link import RedisLink
from opalmind_tui.tracking.memory_queue import MemoryQueue
from opalmind_tui.tracking.queue import (
    Closer,
    Moved,
    QueueCounts,
    Restored,
    SharedQueue,
    TrackingQueue,
    Walked,
    Window,
)

T = TypeVar("T")


class InView:
    """Shows and acts. Raises `StoreUnavailable`, and reports it to the link.

    Args:
        shared: the queue on Redis.
        private: the queue in this process's memory.
        link: tells whether Redis serves.
    """

    def __init__(self, shared: SharedQueue, private: MemoryQueue, link: RedisLink) -> None:
        self._shared = shared
        self._private = private
        self._link = link

    @property
    def viewed(self) -> TrackingQueue:
        """The queue that a screen shows and an operator acts on."""
        raise NotImplementedError

    async def counts(self, endpoint: str) -> QueueCounts:
        counts = await self._guard(self.viewed.counts(endpoint))
        self._private.follow(endpoint, counts.control)
        return counts

    async def rows(
        self, *, limit: int, state: State | None = None, unknown_only: bool = False
    ) -> tuple[RequestRow, ...]:
        return await self._guard(self.viewed.rows(limit=limit, state=state, unknown_only=unknown_only))

    async def window(
        self, tab: Tab, order: Order, *, first: int = 0, rows: int = 50, anchor: str = "", above: int = 0
    ) -> Window:
        return await self._guard(self.viewed.window(tab, order, first=first, rows=rows, anchor=anchor, above=above))

    async def walk(self, tab: Tab, *, after: str = "", limit: int = 500, until: float = 0.0) -> Walked:
        return await self._guard(self.viewed.walk(tab, after=after, limit=limit, until=until))

    async def rows_of(self, ids: Sequence[str]) -> tuple[RequestRow, ...]:
        return await self._guard(self.viewed.rows_of(ids))

    async def closer(self, request_id: str) -> Closer | None:
        return await self._guard(self.viewed.closer(request_id))

    async def find(self, id_or_key: str) -> tuple[RequestRow, ...]:
        return await self._guard(self.viewed.find(id_or_key))

    async def ids(
        self,
        state: State | None,
        *,
        after: str = "",
        limit: int = 500,
        unknown_only: bool = False,
        since: float = 0.0,
        until: float = 0.0,
    ) -> tuple[tuple[str, ...], str]:
        return await self._guard(
            self.viewed.ids(state, after=after, limit=limit, unknown_only=unknown_only, since=since, until=until)
        )

    async def retry(self, ids: Sequence[str], *, delay: float = 0.0) -> Moved:
        return await self._guard(self.viewed.retry(ids, delay=delay))

    async def kill(self, ids: Sequence[str], why: str) -> Moved:
        return await self._guard(self.viewed.kill(ids, why))

    async def take_back(self, ids: Sequence[str]) -> int:
        return await self._guard(self.viewed.take_back(ids))

    async def purge(self, ids: Sequence[str], *, hard: bool = False) -> Moved:
        return await self._guard(self.viewed.purge(ids, hard=hard))

    async def restore(self, ids: Sequence[str]) -> Restored:
        """As the protocol says. What memory's trash holds comes back there, and moves over with the rest."""
        if self.viewed is self._private:
            return await self._private.restore(ids)
        here = self._private.in_trash(ids)
        private_ones = set(here)
        there = [request_id for request_id in ids if request_id not in private_ones]
        shared = await self._guard(self._shared.restore(there)) if there else Restored()
        private = await self._private.restore(here)
        return Restored(shared.done + private.done, shared.skipped + private.skipped, shared.taken + private.taken)

    async def close_gate(
        self, endpoint: str, kind: GateKind, *, seconds: float, reason: str, failures: int = 0
    ) -> Gate:
        return await self._guard(
            self.viewed.close_gate(endpoint, kind, seconds=seconds, reason=reason, failures=failures)
        )

    async def open_gate(self, endpoint: str) -> None:
        await self._guard(self.viewed.open_gate(endpoint))

    async def pause(self, endpoint: str, *, by: str, reason: str, seconds: float | None = None) -> Gate:
        return await self._guard(self.viewed.pause(endpoint, by=by, reason=reason, seconds=seconds))

    async def resume(self, endpoint: str, *, by: str) -> bool:
        return await self._guard(self.viewed.resume(endpoint, by=by))

    async def limit_rate(self, endpoint: str, per_second: float | None, *, by: str, reason: str) -> RateLimit | None:
        return await self._guard(self.viewed.limit_rate(endpoint, per_second, by=by, reason=reason))

    async def control(self, endpoint: str) -> Control:
        """As the protocol says. A process that does not claim from Redis asks now and then, to know it when Redis is
        away: memory keeps to the control that was known last."""
        control = await self._guard(self.viewed.control(endpoint))
        self._private.follow(endpoint, control)
        return control

    async def _guard(self, call: Awaitable[T]) -> T:
        try:
            return await call
        except StoreUnavailable as error:
            self._met(error)
            raise

    def _met(self, error: StoreUnavailable) -> None:
        self._link.report(error)
