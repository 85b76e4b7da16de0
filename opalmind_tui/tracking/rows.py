"""A queued request as a list shows it, the same from memory and from Redis."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import orjson

from opalmind_tui.snapshot.listing import Order, Tab
from opalmind_tui.snapshot.model import RequestRow, State
from opalmind_tui.tracking.queue import Closer, Stored, Window, cut
from opalmind_tui.tracking.request import parts_of

_PREVIEW = 100
_DELIVERED_LABEL = 80
_PLAIN_PAGEVIEW = re.compile(
    rb'\{"kind":"pageview","key":"([ !#-\[\]-~]{0,100})",'
    rb'"params":\{"idsite":"([0-9]{1,12})","url":"([ !#-\[\]-~]{1,80})'
)
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


@dataclass(frozen=True, slots=True)
class Facts:
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


def label_of(kind: str, params: Mapping[str, str]) -> str:
    """What a request is about: event category and action, goal, else its url."""
    if kind == "event" or (kind == "raw" and "e_c" in params):
        return f"{params.get('e_c', '')} / {params.get('e_a', '')}"
    if kind == "goal" or (kind == "raw" and "idgoal" in params):
        return f"goal {params.get('idgoal', '')}"
    return params.get("url") or params.get("action_name", "")


def shown_when_delivered(body: bytes, accepted: float, attempts: int) -> bytes:
    """What the list of the delivered keeps of a request beside its id and the moment; small."""
    plain = _PLAIN_PAGEVIEW.match(body)
    if plain is not None and body[plain.end() : plain.end() + 1] == b'"':
        # Most are of this shape, and to decode all of it takes several times as long.
        return b'["pageview","%b","%b","%b",%.3f,%d,%d]' % (plain[3], plain[2], plain[1], accepted, attempts, len(body))
    parts = parts_of(body)
    kind, key, params = parts if parts is not None else ("raw", "", {})
    label = cut(label_of(kind, params), _DELIVERED_LABEL)
    return orjson.dumps(
        [kind, label, params.get("idsite", ""), cut(key, _PREVIEW), round(accepted, 3), attempts, len(body)]
    )


def delivered_row(request_id: str, delivered: float, shown: bytes) -> RequestRow:
    """The row of a delivered request. Raises `ValueError` for what is none."""
    kind, label, site, key, accepted, attempts, size = orjson.loads(shown)
    return RequestRow(
        id=request_id, state=State.DELIVERED, kind=str(kind), label=str(label), site=str(site), key=str(key),
        accepted=float(accepted), attempts=int(attempts), size=int(size), left_at=delivered,
    )  # fmt: skip


async def delivered_closer(queue: Windows, request_id: str) -> Closer | None:
    """What is known of a request that was delivered lately."""
    found = await queue.window(Tab.DELIVERED, Order.NEWEST, rows=1, anchor=request_id)
    row = next((row for row in found.rows if row.id == request_id), None)
    return None if row is None else Closer(Stored(row, {}))
