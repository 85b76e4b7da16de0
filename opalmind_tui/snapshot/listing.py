"""Lists of requests: what a screen asks for, and what it gets. The filter's language is in `filters`."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from opalmind_tui.snapshot.filters import NO_FILTER, Filter
from opalmind_tui.snapshot.queue import QueueFigures, RequestRow, State


class Tab(StrEnum):
    """The lists of the queue: its states, and what cuts across them."""

    FAILED = "failed"
    """All in the queue that failed at least once, dead or waiting for another try."""
    PENDING = "pending"
    SCHEDULED = "scheduled"
    INFLIGHT = "inflight"
    DEAD = "dead"
    UNKNOWN = "unknown"
    """All in the queue that were posted once and got no answer."""
    DELIVERED = "delivered"
    """The newest `DELIVERED_KEPT`."""
    REJECTED = "rejected"
    TRASH = "trash"


class Order(StrEnum):
    """How a list is sorted."""

    NEWEST = "newest"
    """What came last into this list first: the newest failure, purge, delivery."""
    NEXT_TRY = "next-try"
    """What is tried next first."""
    OLDEST_ACCEPTED = "oldest-accepted"
    NEWEST_ACCEPTED = "newest-accepted"


DELIVERED_KEPT = 10_000
OWN_ORDERS: dict[Tab, tuple[Order, ...]] = {
    Tab.PENDING: (Order.NEXT_TRY,),
    Tab.SCHEDULED: (Order.NEXT_TRY,),
    Tab.INFLIGHT: (Order.OLDEST_ACCEPTED, Order.NEWEST_ACCEPTED),
    **dict.fromkeys((Tab.FAILED, Tab.DEAD, Tab.UNKNOWN, Tab.DELIVERED, Tab.REJECTED, Tab.TRASH), (Order.NEWEST,)),
}
"""The orders in which the store keeps each list, the usual one first: they cost nothing. In any other one the
whole list is gone through first, as for a filter."""
ORDERS: dict[Tab, tuple[Order, ...]] = {
    tab: tuple(dict.fromkeys((*own, *([Order.NEXT_TRY] if tab is Tab.FAILED else []), Order.NEWEST,
                              Order.OLDEST_ACCEPTED, Order.NEWEST_ACCEPTED)))
    for tab, own in OWN_ORDERS.items()
}  # fmt: skip
"""All orders of each list."""


class ListView(Struct, frozen=True):
    """Which part of which list a screen wants to see.

    Args:
        filter: only what fits; empty for all.
        order: one of `ORDERS` of this tab; None for the usual one.
        anchor: id of the request at which the window is held, while it is in the list; empty for none.
        above: how many rows before the anchor's the window begins.
        first: number of the window's first row (from 0) where there is no anchor, or it has left the list.
        rows: how many rows.
    """

    tab: Tab = Tab.DEAD
    filter: Filter = NO_FILTER
    order: Order | None = None
    anchor: str = ""
    above: int = 0
    first: int = 0
    rows: int = 50

    @property
    def sorted_by(self) -> Order:
        """The order in force."""
        return self.order or OWN_ORDERS[self.tab][0]

    @property
    def searched(self) -> bool:
        """The whole list must be gone through for it."""
        return bool(self.filter) or self.sorted_by not in OWN_ORDERS[self.tab]


class Listing(Struct, frozen=True):
    """A window on a list.

    Args:
        rows: of the window; fewer than asked for at the end of the list.
        first: number of the first of them in the list.
        matched: how many rows the list has; of a search: so far.
        total: how many requests the tab has without the filter.
        examined: of a search: how many of them were looked at.
        done: of a search: all were looked at. It begins anew by itself after a while, for the list lives.
        kept: how many of the matched can be scrolled to: of a search only the first `SEARCH_KEPT` in its order.
    """

    view: ListView
    rows: tuple[RequestRow, ...] = ()
    first: int = 0
    total: int = 0
    matched: int = 0
    examined: int = 0
    done: bool = True
    kept: int = 0

    def place_of(self, request_id: str) -> int | None:
        """The number in the list of a request in the window."""
        return next((self.first + at for at, row in enumerate(self.rows) if row.id == request_id), None)


SEARCH_KEPT = 10_000


class Group(Struct, frozen=True):
    """Failures of the queue that are alike.

    Args:
        key: names it in a filter (``group:key``).
        error: the error without what differs from one request to the next; raw text from outside.
        first, last: when its oldest and newest failure happened, epoch seconds.
        example: id of the newest.
        dead: how many of `count` are dead; the others wait for another try.
    """

    key: str
    error: str
    status: int | None
    site: str
    kind: str
    count: int
    first: float
    last: float
    example: str
    dead: int = 0


class GroupView(Struct, frozen=True):
    """Which groups a screen wants to see: of the failures that fit the filter."""

    filter: Filter = NO_FILTER
    rows: int = 200


class Groups(Struct, frozen=True):
    """Groups of failures, the largest first; of what was looked at so far.

    Args:
        groups: at most as many as asked for.
        others: failures that are in none of them: so many groups are kept, no more.
        total: failures in the queue.
        matched: of those looked at, how many fit the filter.
    """

    view: GroupView
    groups: tuple[Group, ...] = ()
    others: int = 0
    total: int = 0
    examined: int = 0
    matched: int = 0
    done: bool = True


class Attempt(Struct, frozen=True):
    """One failed try.

    Args:
        at: epoch seconds.
        answer: what Matomo answered, or why there was no answer; raw, secrets masked, cut.
        worker: the process that tried; empty where it is not known.
        delay: seconds until the next try; None where there was none.
    """

    at: float
    status: int | None = None
    answer: str = ""
    worker: str = ""
    delay: float | None = None


class Parameter(Struct, frozen=True):
    """One parameter of a request, decoded.

    Args:
        name: as Matomo spells it.
        meaning: in words; empty where Matomo has no such parameter.
        value: raw text; masked where `masked`.
        personal: it may tell who the visitor is.
        masked: the value is hidden, until it is revealed; of a secret always.
    """

    name: str
    meaning: str
    value: str
    personal: bool = False
    masked: bool = False


class RequestDetail(Struct, frozen=True):
    """All that is known of one request.

    Args:
        params: in the order in which they are sent; empty where the bytes are no request.
        attempts: the failed tries that are remembered, oldest first.
        record: the idempotency record under its key, raw; empty where there is none.
        record_ends: seconds that the record will stay; None where there is none.
        body: the beginning of the stored bytes as text (masked as the parameters are), `body_size` of all.
        revealed: personal data is shown.
        endpoint: where it is sent to, without secrets; empty where it is not known.
    """

    row: RequestRow
    params: tuple[Parameter, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    record: str = ""
    record_ends: float | None = None
    body: str = ""
    body_size: int = 0
    revealed: bool = False
    endpoint: str = ""


_COUNTS = {
    Tab.FAILED: "failed", Tab.PENDING: "pending", Tab.SCHEDULED: "scheduled", Tab.INFLIGHT: "inflight",
    Tab.DEAD: "dead", Tab.UNKNOWN: "unknown_waiting", Tab.DELIVERED: "delivered_kept", Tab.REJECTED: "rejected_kept",
    Tab.TRASH: "trash",
}  # fmt: skip


def count_of(tab: Tab, figures: QueueFigures) -> int:
    """How many requests a tab has."""
    return int(getattr(figures, _COUNTS[tab]))


TAB_OF: dict[State, Tab] = {state: Tab(state.value) for state in State}
"""The tab of each state."""
