"""The queue and its list as a frame shows them: counts at each look, the list when the counts say that it changed."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from opalmind_tui.engine.parts import Part
from opalmind_tui.engine.rates import Rates
from opalmind_tui.engine.stores import Stores
from opalmind_tui.snapshot.model import (
    Mode,
    ProcessView,
    QueueFigures,
    QueueView,
    Reading,
    RequestRow,
    State,
)
from opalmind_tui.tracking.queue import QueueCounts

STEADY = 0.05
"""Requests a second below which the backlog counts as steady."""
ROWS_ANEW = 10.0
"""Seconds after which the list is read although the counts stand."""
LATELY = 3600.0
"""Seconds in which a failure tells something about now."""
ROWS_BYTES = 6_000
"""Bytes a second that the list may take on average: a long one rests longer."""


class QueueLook:
    """Looks at the queue of one process.

    Args:
        endpoint: the Matomo whose requests are in view; empty where none is configured.
        delivers: whether this process takes requests from Redis now.
        processes: who is there.
        need_queue: raises where the queue is in a Redis that is known to be away.
    """

    def __init__(
        self,
        stores: Stores,
        endpoint: str,
        *,
        delivers: Callable[[], bool],
        processes: Callable[[], Awaitable[Reading[tuple[ProcessView, ...]]]],
        need_queue: Callable[[], None],
    ) -> None:
        self._stores, self._endpoint, self._delivers = stores, endpoint, delivers
        self._processes, self._need_queue = processes, need_queue
        self._rates, self._rates_of = Rates(), Mode.REDIS
        self._rows = Part(self._read_rows)
        self._wanted = 0
        self._counted: object = None
        self._listed: object = None
        self._rest_until = self._anew_at = 0.0

    async def view(self) -> QueueView:
        """The queue now. Raises `StoreUnavailable`."""
        self._need_queue()
        counts = await self._stores.queue.counts(self._endpoint)
        self._counted = (self._stores.queue.mode, replace(counts, at=0.0))
        found = await self._processes()
        workers = sum(one.delivers and one.endpoint == self._endpoint for one in found.value or () if not found.error)
        return self._view(counts, self._delivers(), workers)

    async def rows(self, now: float, wanted: int, queue: Reading[QueueView]) -> Reading[tuple[RequestRow, ...]]:
        """The list after `queue` was read: at most `wanted` requests; none wanted leaves it as it was."""
        known = self._rows.reading
        standing = known.value is not None and known.error is None and queue.error is None
        if standing and (not wanted or self._may_stand(now, wanted)):
            same = self._listed == (wanted, self._counted)
            self._rows.reading = known if not wanted or not same else replace(known, at=now)
        else:
            self._wanted, self._listed = wanted, (wanted, self._counted)
            before = self._stores.meter.received
            await self._rows.get(now)
            taken = self._stores.meter.received - before
            self._rest_until, self._anew_at = now + taken / ROWS_BYTES, now + ROWS_ANEW
        return _behind_gate(self._rows.reading, queue.value)

    def expire(self) -> None:
        """Something was changed on purpose: the next list is read anew."""
        self._listed = None
        self._rest_until = 0.0

    def _may_stand(self, now: float, wanted: int) -> bool:
        """Nothing changed, or what took many bytes was read a moment ago. Who moves on in it is not made to wait."""
        if self._listed is None or wanted > self._wanted:
            return False
        if self._listed == (wanted, self._counted):
            return self._anew_at - ROWS_ANEW <= now < self._anew_at
        return self._rest_until - ROWS_ANEW <= now < self._rest_until

    async def _read_rows(self) -> tuple[RequestRow, ...]:
        self._need_queue()
        return await self._stores.queue.rows(limit=self._wanted)

    def _view(self, counts: QueueCounts, delivers: bool, workers: int) -> QueueView:
        backlog = counts.pending + counts.scheduled + counts.inflight
        if self._rates_of is not self._stores.queue.mode:
            # Another store counts from here on: differences between the two mean nothing.
            self._rates, self._rates_of = Rates(), self._stores.queue.mode
        self._rates.add(
            counts.at,
            {
                "accepted": counts.accepted,
                "delivered": counts.delivered,
                "retried": counts.retried,
                "backlog": backlog,
            },
        )
        slope = self._rates.slope("backlog")
        view = QueueView(
            **{name: getattr(counts, name) for name in QueueFigures.__struct_fields__},
            ledger_difference=counts.ledger_difference,
            endpoint=self._endpoint,
            accepted_rate=self._rates.counter("accepted"),
            delivered_rate=self._rates.counter("delivered"),
            retried_rate=self._rates.counter("retried"),
            slope=slope if abs(slope) >= STEADY else 0.0,
            clears_in=backlog / -slope if backlog and slope <= -STEADY else None,
            delivering_here=delivers,
            workers=workers,
        )
        return view if self._stores.queue.mode is Mode.MEMORY else self._stores.ledger.judged(view)


def newest_failures(requests: Reading[tuple[RequestRow, ...]], now: float) -> tuple[RequestRow, ...]:
    """Of the list, those that failed within the last hour."""
    return tuple(row for row in requests.value or () if row.failed_at is not None and now - row.failed_at < LATELY)


def _behind_gate(requests: Reading[tuple[RequestRow, ...]], view: QueueView | None) -> Reading[tuple[RequestRow, ...]]:
    """Due requests of a closed endpoint are tried when it opens, not now."""
    if requests.value is None or view is None or view.closed is None or view.other_endpoints:
        return requests
    opens = view.closed.until

    def moved(row: RequestRow) -> RequestRow:
        if row.next_try is None or row.state is State.INFLIGHT or row.next_try >= opens:
            return row
        return replace(row, next_try=opens if math.isfinite(opens) else None)

    return replace(requests, value=tuple(moved(row) for row in requests.value))
