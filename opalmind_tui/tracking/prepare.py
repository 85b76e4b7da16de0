"""From a claimed request to the hit that Matomo gets: what is added when it is sent, and whether it needs the token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

import orjson
from msgspec import Struct

from opalmind_tui.errors import RefusedRequest
from opalmind_tui.tracking.gist import gist_of
from opalmind_tui.tracking.queue import Claimed, Fate, Settlement
from opalmind_tui.tracking.request import TrackingRequest, parts_of

TOKEN_AGE = 86_400.0 - 900.0
"""Seconds. Matomo wants a token for a time over 24 hours ago, by its own clock; ours may differ by minutes."""
TOKEN_PARAMS = ("cip", "country", "region", "city", "lat", "long")
"""Without a valid token Matomo refuses a hit with the first of these, and silently ignores the others."""
_NEEDS_TOKEN = frozenset(TOKEN_PARAMS)
OURS = ("token_auth", "send_image")
"""Never from a stored request: the token is the sender's, and without a picture a bulk's answer would be empty."""
RECORD_BODY = 2_000
"""Characters of Matomo's answer in an idempotency record."""


class Hit(Struct, frozen=True, gc=False):
    """A request that is ready to go.

    Args:
        claimed: what the queue gave.
        key: its idempotency key, empty for none.
        params: what Matomo gets.
        site: Matomo's site id, as text.
        token_reason: why it needs the token; empty when it does not.
        kind: of the request.
    """

    claimed: Claimed
    key: str
    params: Mapping[str, str]
    site: str
    token_reason: str
    kind: str = "raw"


class Delivery(Struct, frozen=True):
    """What Matomo said of a hit, for good: the value of an idempotency record. `at` in epoch seconds."""

    fate: Fate
    status: int
    body: str
    at: float
    error: str = ""


def prepare(claimed: Claimed, now: float) -> Hit | None:
    """The hit of a claimed request, or None when its bytes are no request.

    Args:
        now: epoch seconds.
    """
    parts = parts_of(claimed.body)
    if parts is None:
        return None
    kind, key, params = parts
    # A time of the caller's own; where there is none it is that of acceptance.
    given = params.get("cdt")
    when = claimed.accepted if given is None else moment_of(given)
    _complete(kind, params, claimed.accepted)
    return Hit(claimed, key, params, params.setdefault("idsite", ""), _token_reason(params, when, now), kind)


def settlements_of(hits: Sequence[Hit], delivery: Delivery, *, by_token: bool = False) -> list[Settlement]:
    """How hits are settled for which Matomo has answered the same for good; `by_token`: they needed the token."""
    fate, status, error = delivery.fate, delivery.status, delivery.error
    if fate is not Fate.DELIVERED:
        return [Settlement(hit.claimed.id, fate, 0.0, status, error) for hit in hits]
    rests: dict[int, bytes] = {}
    settlements: list[Settlement] = []
    for hit in hits:
        claimed, key, record = hit.claimed, hit.key, None
        if key:
            if claimed.attempts not in rests:
                rests[claimed.attempts] = _rest_of_record(delivery, claimed.attempts + 1)
            record = b'{"key":' + orjson.dumps(key) + rests[claimed.attempts]
        gist = gist_of(hit.kind, key, hit.params)
        settlements.append(Settlement(claimed.id, fate, 0.0, status, error, token=by_token, record=record, gist=gist))
    return settlements


def _rest_of_record(delivery: Delivery, attempts: int) -> bytes:
    """What comes after the key in an idempotency record of the reference's shape; the queue adds the fingerprint."""
    value = {"ok": True, "status": delivery.status, "body": delivery.body[:RECORD_BODY]}
    rest = {"value": value, "attempts": attempts, "completedAt": int(delivery.at * 1000)}
    return b"," + orjson.dumps(rest)[1:]


def is_order(params: Mapping[str, str]) -> bool:
    """Whether Matomo takes it once only: an order with its number."""
    return params.get("idgoal") == "0" and bool(params.get("ec_id"))


def _complete(kind: str, params: dict[str, str], accepted: float) -> None:
    for name in OURS:
        params.pop(name, None)
    params["rec"] = params["apiv"] = "1"
    if kind == "event" or "e_c" in params:
        # Without it Matomo stores an event that it cannot read as a page view.
        params.setdefault("ca", "1")
    if "cdt" not in params:
        params["cdt"] = _text_of(int(accepted))


@lru_cache(1024)
def _text_of(second: int) -> str:
    """A second as Matomo reads it. Many hits are accepted in one."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _token_reason(params: Mapping[str, str], when: float | None, now: float) -> str:
    if when is not None and now - when > TOKEN_AGE:
        return "over 24 h old"
    if _NEEDS_TOKEN.isdisjoint(params):
        return ""
    return next((f"it sets {name}" for name in TOKEN_PARAMS if params.get(name)), "")


def refuse_what_only_a_token_lets_in(request: TrackingRequest, now: float) -> None:
    """For a process without a token: raise `RefusedRequest` for a request whose own time is over 24 hours past, or that
    sets what only a token may set.

    It would be held from the first moment on. What was accepted in time and waited is another matter: that is kept.

    Args:
        now: epoch seconds.
    """
    given = request.params.get("cdt")
    when = moment_of(given) if given is not None else None
    if when is not None and now - when > TOKEN_AGE:
        name = "cdt" if request.kind == "raw" else "ts"
        raise RefusedRequest(
            name, "over 24 hours ago: Matomo takes that with a token only, and MATOMO_TOKEN is not set"
        )
    for name in TOKEN_PARAMS:
        if request.params.get(name):
            raise RefusedRequest(name, "is taken by Matomo with a token only, and MATOMO_TOKEN is not set")


def moment_of(text: str) -> float | None:
    """Epoch seconds of a `cdt`: unix seconds, ``YYYY-MM-DD hh:mm:ss`` or ISO 8601; UTC where it does not say.

    None where it cannot be read: Matomo then takes the time of arrival, for which no token is needed.
    """
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
