"""A queued request as a list shows it, the same from memory and from Redis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from opalmind_tui.snapshot.model import RequestRow, State
from opalmind_tui.tracking.queue import cut
from opalmind_tui.tracking.request import decode_request

_PREVIEW = 100


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


def row_of(request_id: str, state: State, body: bytes, facts: Facts) -> RequestRow:
    """The row of a stored request. Bytes that are no request are shown as what they are."""
    request = decode_request(body)
    if request is None:
        kind, label, site, key = "raw", f"unreadable: {body[:_PREVIEW].decode('utf-8', 'replace')}", "", ""
    else:
        kind, site, key = request.kind, request.params.get("idsite", ""), request.key
        label = cut(label_of(request.kind, request.params))
    return RequestRow(
        id=request_id, state=state, kind=kind, label=label, site=site, key=key, accepted=facts.accepted,
        attempts=facts.attempts, next_try=facts.next_try, status=facts.status, error=facts.error,
        failed_at=facts.failed_at, unknown=facts.unknown, recovered=facts.recovered, size=len(body),
    )  # fmt: skip


def label_of(kind: str, params: Mapping[str, str]) -> str:
    """What a request is about: event category and action, goal, else its url."""
    if kind == "event" or (kind == "raw" and "e_c" in params):
        return f"{params.get('e_c', '')} / {params.get('e_a', '')}"
    if kind == "goal" or (kind == "raw" and "idgoal" in params):
        return f"goal {params.get('idgoal', '')}"
    return params.get("url") or params.get("action_name", "")
