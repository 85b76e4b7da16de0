"""A hand-over line: a request that lived in one process's memory only, as a line that `track --from` reads back.

Nothing that settles what Matomo counts is lost on the way: payload, time of acceptance, visitor, idempotency key. The
line keeps the request's id, so that reading a file twice queues nothing twice, and names its Matomo.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import orjson
from msgspec import Struct
from msgspec.structs import replace

from opalmind_tui.errors import RefusedRequest
from opalmind_tui.tracking import values
from opalmind_tui.tracking.ids import shard_of
from opalmind_tui.tracking.queue import Adopted
from opalmind_tui.tracking.raw import raw
from opalmind_tui.tracking.request import KINDS, TrackingRequest

SAVED = "saved"
"""The kind of such a line."""
MEMBERS = (
    "kind", "id", "endpoint", "acceptedAt", "call", "params", "idempotencyKey", "fingerprint", "unknown", "dead",
    "error",
)  # fmt: skip
OWN_KEY = "saved:"
"""Before the id: the key of a request that had none, so that it, too, is taken once."""
_ID = re.compile("[0-9A-Za-z]{14}")
_FINGERPRINT = re.compile("[0-9a-f]{16}|")


class Saved(Struct, frozen=True):
    """What a line holds: the request, its id, and the Matomo that it was accepted for."""

    request: TrackingRequest
    id: str
    endpoint: str


def saved_line(kept: Adopted) -> bytes:
    """The line, without its end.

    `unknown` says that it was posted and not answered, or that Redis may have it: Matomo may count it twice. `dead`,
    with its error, that it had been given up; it is tried again when it is read back.
    """
    request = kept.request
    line: dict[str, object] = {
        "kind": SAVED,
        "id": kept.id,
        "endpoint": kept.endpoint,
        "acceptedAt": datetime.fromtimestamp(kept.accepted, UTC).isoformat(timespec="milliseconds"),
        "call": request.kind,
        "params": dict(request.params),
        "idempotencyKey": request.key,
        "fingerprint": request.fingerprint,
    }
    if kept.unknown or kept.in_doubt:
        line["unknown"] = True
    if kept.dead:
        line |= {"dead": True, "error": kept.error}
    return orjson.dumps(line)


def read_saved(line: Mapping[str, object], *, now: float | None = None) -> Saved:
    """The request of a parsed line. Checked as any other: whoever may write a file may have changed it.

    Raises `RefusedRequest`.
    """
    if unknown := [name for name in line if name not in MEMBERS]:
        raise RefusedRequest(unknown[0][:60], f"is no member of a saved line; known are {', '.join(MEMBERS)}")
    params = line.get("params")
    if not isinstance(params, dict):
        raise RefusedRequest("params", "must be an object")
    kind = line.get("call")
    if not isinstance(kind, str) or kind not in KINDS:
        raise RefusedRequest("call", f"must be one of {', '.join(KINDS)}")
    request_id = _text(line, "id", _ID, "must be the 14 characters of a request's id")
    fingerprint = _text(line, "fingerprint", _FINGERPRINT, "must be 16 hexadecimal digits, or empty")
    endpoint = line.get("endpoint")
    if not isinstance(endpoint, str) or not endpoint:
        raise RefusedRequest("endpoint", "must name the Matomo that the request was accepted for")
    request = raw(params, idempotency_key=line.get("idempotencyKey") or "", now=now)
    if shard_of(request.visitor) != request_id[2]:
        raise RefusedRequest("id", "does not belong to this visitor")
    # Added after the check of the size: a request of the full size has a time, too.
    accepted = values.moment("acceptedAt", _accepted(line).timestamp() * 1000, time.time() if now is None else now)
    stored = {**({"cdt": values.iso(accepted)} if accepted else {}), **request.params}
    key = request.key or OWN_KEY + request_id
    return Saved(
        replace(request, kind=kind, params=stored, key=key, fingerprint=fingerprint or request.fingerprint),
        request_id,
        endpoint,
    )


def _text(line: Mapping[str, object], name: str, form: re.Pattern[str], reason: str) -> str:
    found = line.get(name)
    if not isinstance(found, str) or not form.fullmatch(found):
        raise RefusedRequest(name, reason)
    return found


def _accepted(line: Mapping[str, object]) -> datetime:
    found = line.get("acceptedAt")
    try:
        when = datetime.fromisoformat(found) if isinstance(found, str) else None
        if when is not None and when.tzinfo is not None:
            return when.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise RefusedRequest("acceptedAt", "must be a time in ISO 8601 with its offset from UTC")
