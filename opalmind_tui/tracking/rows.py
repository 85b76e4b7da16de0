"""A queued request as a list shows it, the same from memory and from Redis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from opalmind_tui.snapshot.listing import Order, Tab
from opalmind_tui.snapshot.model import RequestRow, State
from opalmind_tui.tracking.gist import Gist, label_of
from opalmind_tui.tracking.queue import Closer, Stored, Window, cut
from opalmind_tui.tracking.request import parts_of

_PREVIEW = 100
_DELIVERED_LABEL = 80
ATTEMPTS_KEPT = 10
"""Failed tries of a request that are remembered: the newest."""
RECORD_SHOWN = 4_000
"""Bytes of an idempotency record that a detail shows."""
ANSWER_KEPT = 100
"""Characters of the answer to each that are remembered."""


class Windows(Protocol):
    """What has windows on its lists."""

    async def window(
        self, tab: Tab, order: Order, *, first: int = 0, rows: int = 50, anchor: str = "", above: int = 0
    ) -> Window:
        """See `TrackingQueue`."""
        ...


class Facts(Struct, frozen=True):
    """What a queue knows of a request beside its body. Moments in epoch seconds."""

    accepted: float
    attempts: int = 0
    next_try: float | None = None
    status: int | None = None
    error: str = ""
    failed_at: float | None = None
    unknown: int = 0
    recovered: int = 0


def stored_of(request_id: str, state: State, body: bytes, facts: Facts) -> Stored:
    """The row of a stored request, and its parameters. Bytes that are no request are shown as what they are."""
    parts = parts_of(body)
    if parts is None:
        kind, label, site, key = "raw", f"unreadable: {body[:_PREVIEW].decode('utf-8', 'replace')}", "", ""
        params: Mapping[str, str] = {}
    else:
        kind, key, params = parts
        site, label = params.get("idsite", ""), cut(label_of(kind, params))
    row = RequestRow(
        id=request_id, state=state, kind=kind, label=label, site=site, key=key, accepted=facts.accepted,
        attempts=facts.attempts, next_try=facts.next_try, status=facts.status, error=facts.error,
        failed_at=facts.failed_at, unknown=facts.unknown, recovered=facts.recovered, size=len(body),
    )  # fmt: skip
    return Stored(row, params)


def delivered_entry(request_id: str, gist: Gist, accepted: float, attempts: int, size: int) -> list[str | float]:
    """What the list of the delivered keeps of a request; small."""
    label, key = gist.label, gist.key
    if len(label) > _DELIVERED_LABEL or len(key) > _PREVIEW:
        label, key = cut(label, _DELIVERED_LABEL), cut(key, _PREVIEW)
    return [request_id, gist.kind, label, gist.site, key, accepted, attempts, size]


def delivered_row(delivered: float, entry: Sequence[Any]) -> RequestRow:
    """The row of a delivered request. Raises `ValueError` or `TypeError` for what is none."""
    request_id, kind, label, site, key, accepted, attempts, size = entry
    return RequestRow(
        id=str(request_id), state=State.DELIVERED, kind=str(kind), label=str(label), site=str(site), key=str(key),
        accepted=float(accepted), attempts=int(attempts), size=int(size), left_at=delivered,
    )  # fmt: skip


async def delivered_closer(queue: Windows, request_id: str) -> Closer | None:
    """What is known of a request that was delivered lately."""
    found = await queue.window(Tab.DELIVERED, Order.NEWEST, rows=1, anchor=request_id)
    row = next((row for row in found.rows if row.id == request_id), None)
    return None if row is None else Closer(Stored(row, {}))
