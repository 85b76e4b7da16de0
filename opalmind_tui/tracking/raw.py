"""A hit in Matomo's own parameters, checked against what a real Matomo does with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address

import orjson

from opalmind_tui.errors import RefusedRequest
from opalmind_tui.tracking import values
from opalmind_tui.tracking.fields import build, key_of, site_of
from opalmind_tui.tracking.queue import cut
from opalmind_tui.tracking.request import TrackingRequest

_DIGITS = re.compile(r"[0-9]{1,10}")
_SECONDS = re.compile(r"[0-9]{1,11}(\.[0-9]{1,9})?")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
IMPLIED = {"rec": "1", "apiv": "1", "send_image": "0"}
"""What every request is sent with, or as good as; another value would store nothing, or hide Matomo's answer."""
FORBIDDEN = {
    "token_auth": "never travels in a request: the sender adds the token of MATOMO_TOKEN where it is needed",
    "cdo": "counts from the arrival, which may be hours away: give the time itself in cdt",
}
EVENT = ("e_c", "e_a", "e_n", "e_v")


def raw(
    params: Mapping[str, object],
    *,
    idempotency_key: object = None,
    default_site_id: int | None = None,
    now: float | None = None,
) -> TrackingRequest:
    """A hit in Matomo's own parameters, in the order given. Numbers are written as text, null means not given.

    Args:
        params: as in Matomo's Tracking HTTP API. `idsite` may be left out where there is a default site. `cdt` may be
            unix seconds, ``YYYY-MM-DD hh:mm:ss`` or ISO 8601, in UTC where nothing else is said.
        idempotency_key: as for `fields.event`.
        now: epoch seconds (default: this machine's clock).

    Raises `RefusedRequest` with the parameter's name.
    """
    found = {name: text for name, value in params.items() if (text := _text(name, value)) is not None}
    if not found:
        raise RefusedRequest("params", "holds no parameter, so there is nothing to store")
    if "idsite" not in found:
        found = {"idsite": site_of(None, default_site_id), **found}
    _check_event(found)
    given = dict(found)
    for name, check in CHECKS.items():
        if name in found:
            found[name] = check(name, found[name])
    if found.get("_id") and not found.get("uid") and not found.get("cid"):
        # Matomo merges visitors with different _id behind one sender; cid keeps them apart.
        found["cid"] = found["_id"]
    return build("raw", found, given=given, key=key_of(idempotency_key), now=now)


def _text(name: object, value: object) -> str | None:
    """The parameter's text; None where it is not given or implied."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise RefusedRequest(cut(str(name), 60), "is no name of a Matomo parameter (letters, digits and _)")
    if name in FORBIDDEN:
        raise RefusedRequest(name, FORBIDDEN[name])
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise RefusedRequest(name, "must be text or a number")
    text = values.text(name, value) if isinstance(value, str) else values.number(name, value)
    if name not in IMPLIED:
        return text
    if text != IMPLIED[name]:
        raise RefusedRequest(name, f"can only be {IMPLIED[name]}")
    return None


def _check_event(params: Mapping[str, str]) -> None:
    if any(name in params for name in EVENT):
        for name in EVENT[:2]:
            if not params.get(name, "").strip():
                raise RefusedRequest(
                    name, "is missing or blank: Matomo stores such an event as a page view, or not at all"
                )


def _whole(name: str, text: str) -> str:
    return values.whole(name, int(text) if _DIGITS.fullmatch(text) else text)


def _goal(name: str, text: str) -> str:
    return text if text == "0" else _whole(name, text)


def _number(name: str, text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise RefusedRequest(name, "must be a number")
    values.number(name, float(text))
    return text


def _time(name: str, text: str) -> str:
    """Epoch milliseconds of a time in one of the forms that Matomo reads."""
    if _SECONDS.fullmatch(text):
        return values.number_text(float(text) * 1000)
    try:
        when = datetime.fromisoformat(text)
        return values.number_text((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise RefusedRequest(name, "must be unix seconds, YYYY-MM-DD hh:mm:ss or ISO 8601") from None


def _address(name: str, text: str) -> str:
    try:
        if text and ip_address(text.replace("%", "?")):
            return text
    except ValueError:
        raise RefusedRequest(name, "must be an IP address: Matomo would store another one without a word") from None
    return text


def _json(name: str, text: str) -> str:
    try:
        readable = not text or isinstance(orjson.loads(text), dict | list)
    except orjson.JSONDecodeError:
        readable = False
    if not readable:
        raise RefusedRequest(name, "must be a JSON object or list: Matomo leaves out any other without a word")
    return text


CHECKS: dict[str, Callable[[str, str], str]] = {
    "idsite": _whole,
    "idgoal": _goal,
    "cid": values.visitor_id,
    "_id": values.visitor_id,
    "cdt": _time,
    "cip": _address,
    "cvar": _json,
    "_cvar": _json,
    "ec_items": _json,
    "e_v": _number,
    "revenue": _number,
}
"""Parameters whose wrong values Matomo refuses, or replaces without a word. Goal 0 is an order."""
