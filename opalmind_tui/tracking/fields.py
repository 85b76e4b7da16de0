"""From the fields of a tracking call, in the reference's spelling, to a request that Matomo can store.

What Matomo could never store, or would silently store as something else, is refused here with the field's name: in a
batch it would be lost without a word, or take others with it. Three things differ from the reference on purpose:

- `visitorId` travels as `cid`, because Matomo merges visitors with different `_id` behind one address and agent;
- events carry `ca=1`, without which Matomo stores an event that it cannot read as a page view;
- a field that the call does not know is refused, because a typing mistake must not lose data in silence.

`None` (JSON null) means that a field is not given.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from msgspec import Struct

from opalmind_tui.errors import RefusedRequest
from opalmind_tui.tracking import values
from opalmind_tui.tracking.limits import KEY_LIMIT, REQUEST_LIMIT
from opalmind_tui.tracking.queue import cut
from opalmind_tui.tracking.request import TrackingRequest, fingerprint_of
from opalmind_tui.tracking.visitor import with_visitor


class Field(Struct, frozen=True):
    """One field of a call.

    Args:
        name: the caller's spelling.
        param: Matomo's parameter; empty for those that are no parameter.
        read: check and conversion to text.
        meaning: one line for help texts.
        required: whether the call is refused without it.
        keep_empty: whether an empty text is sent, too.
    """

    name: str
    param: str
    read: Callable[[str, object], str]
    meaning: str
    required: bool = False
    keep_empty: bool = False


URL = Field("url", "url", values.text, "address of the page")
PAGE_URL = Field("url", "url", values.filled_text, "address of the page", required=True)
SHARED = (
    Field("visitorId", "cid", values.visitor_id, "visitor, 16 hexadecimal digits"),
    Field("uid", "uid", values.text, "user id"),
    Field("ts", "cdt", values.number, "when it happened, milliseconds since 1970"),
    Field("referrer", "urlref", values.text, "address of the page before"),
    Field("userAgent", "ua", values.text, "the visitor's user agent"),
    Field("language", "lang", values.text, "the visitor's Accept-Language"),
    Field("customVars", "cvar", values.custom_variables, "custom variables, an object"),
)
SITE = Field("siteId", "idsite", values.whole, "Matomo's site id (default: MATOMO_DEFAULT_SITE_ID)")
KEY = Field("idempotencyKey", "", values.text, "a second request with this key is not sent; empty: never a duplicate")
OWN = {
    "pageview": (
        Field("actionName", "action_name", values.text, "title (default: the url)", keep_empty=True),
        Field(
            "pvId", "pv_id", values.text, "page view id (default: random); also the idempotency key", keep_empty=True
        ),
    ),
    "event": (
        Field("category", "e_c", values.filled_text, "event category", required=True),
        Field("action", "e_a", values.filled_text, "event action", required=True),
        Field("name", "e_n", values.text, "event name"),
        Field("value", "e_v", values.number, "event value, a number"),
    ),
    "goal": (
        Field("goalId", "idgoal", values.whole, "Matomo's goal id", required=True),
        Field("revenue", "revenue", values.number, "revenue, a number"),
    ),
}
FIELDS = {kind: (SITE, PAGE_URL if kind == "pageview" else URL, *SHARED, *own, KEY) for kind, own in OWN.items()}
"""The fields of each kind of call, in the order in which Matomo gets them."""
NAMES = {kind: [field.name for field in fields] for kind, fields in FIELDS.items()}


def pageview(
    fields: Mapping[str, object], *, default_site_id: int | None = None, now: float | None = None
) -> TrackingRequest:
    """A page view.

    Args:
        fields: `url` and, where known, the other fields of `FIELDS["pageview"]`.
        default_site_id: the site where `siteId` is not given.
        now: epoch seconds (default: this machine's clock).

    Raises `RefusedRequest`. Without an `idempotencyKey` the page view id is the key, as in the reference.
    """
    params = _read("pageview", fields, default_site_id)
    chosen = params.pop("pv_id", None)
    params.setdefault("action_name", params["url"])
    page_view_id = secrets.token_hex(8) if chosen is None else chosen
    given = dict(params) if chosen is None else {**params, "pv_id": chosen}
    key = key_of(fields.get(KEY.name), default=page_view_id, default_name="pvId")
    return build("pageview", {**params, "pv_id": page_view_id}, given=given, key=key, now=now)


def event(
    fields: Mapping[str, object], *, default_site_id: int | None = None, now: float | None = None
) -> TrackingRequest:
    """An event; arguments and errors as for `pageview`. Without an `idempotencyKey` it is never a duplicate."""
    params = {**_read("event", fields, default_site_id), "ca": "1"}
    return build("event", params, given=params, key=key_of(fields.get(KEY.name)), now=now)


def goal(
    fields: Mapping[str, object], *, default_site_id: int | None = None, now: float | None = None
) -> TrackingRequest:
    """A conversion of a goal; arguments and errors as for `pageview`. Without an `idempotencyKey` never a duplicate."""
    params = _read("goal", fields, default_site_id)
    return build("goal", params, given=params, key=key_of(fields.get(KEY.name)), now=now)


def key_of(value: object, *, default: str | None = None, default_name: str = "") -> str:
    """The caller's key, else the default, else a random one that no other request has."""
    if value is None and default is None:
        return secrets.token_hex(16)
    name, key = (KEY.name, values.text(KEY.name, value)) if value is not None else (default_name, default or "")
    if len(key) > KEY_LIMIT:
        raise RefusedRequest(name, f"is {len(key)} characters long; a key has at most {KEY_LIMIT}")
    return key


def build(
    kind: str, params: dict[str, str], *, given: Mapping[str, str], key: str, now: float | None
) -> TrackingRequest:
    """The request: its time settled, its visitor decided, its size checked.

    Args:
        params: Matomo's parameters; `cdt`, if present, as epoch milliseconds.
        given: what the caller said, for the fingerprint.
    """
    clock = time.time() if now is None else now
    fingerprint = fingerprint_of(kind, given)
    when = None
    if "cdt" in params:
        when = values.moment("ts" if kind in FIELDS else "cdt", float(params["cdt"]), clock)
        params = {**params, "cdt": values.iso(when)} if when else {k: v for k, v in params.items() if k != "cdt"}
    params, visitor = with_visitor(params, when or datetime.fromtimestamp(clock, UTC))
    request = TrackingRequest(kind=kind, params=params, key=key, fingerprint=fingerprint, visitor=visitor)
    if (size := len(request.encode())) > REQUEST_LIMIT:
        raise RefusedRequest(f"the {kind}", f"is {size:,} bytes large; a request has at most {REQUEST_LIMIT:,}")
    return request


def site_of(value: object, default_site_id: int | None) -> str:
    """The site's id as text: the caller's, else the default."""
    chosen = default_site_id if value is None else value
    if chosen is None:
        raise RefusedRequest(SITE.name, "is not given, and MATOMO_DEFAULT_SITE_ID is not set")
    return SITE.read(SITE.name, chosen)


def _read(kind: str, fields: Mapping[str, object], default_site_id: int | None) -> dict[str, str]:
    known = FIELDS[kind]
    _refuse_unknown(kind, fields, NAMES[kind])
    params = {SITE.param: site_of(fields.get(SITE.name), default_site_id)}
    for field in known:
        value = fields.get(field.name)
        if value is None:
            if field.required:
                raise RefusedRequest(field.name, f"is missing; a {kind} cannot do without")
            continue
        if field is SITE or field is KEY:
            continue
        found = field.read(field.name, value)
        if found or field.keep_empty:
            params[field.param] = found
    return params


def _refuse_unknown(kind: str, fields: Mapping[str, object], known: list[str]) -> None:
    for name in fields:
        if name not in known:
            # Only for what is refused: it is slow to load.
            from difflib import get_close_matches

            near = get_close_matches(str(name), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            raise RefusedRequest(cut(str(name), 60), f"is no field of a {kind}; {hint}")
