"""What the calls of a queue are given, checked before anything is done: the field at fault is named (`BadArgument`)."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NoReturn

from opalmind_tui.errors import BadArgument
from opalmind_tui.snapshot.listing import OWN_ORDERS, Order, Tab
from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking.ids import ID_LENGTH, endpoint_code, new_id
from opalmind_tui.tracking.request import TrackingRequest

LONGEST_LEASE = 7 * 86_400.0
"""Seconds."""
LATEST = 1e11
"""Epoch seconds: the year 5138."""
_CURSOR = re.compile(r"([^ ]+) ([-+.0-9einf]+) (.+)", re.DOTALL)


def ids_of(endpoint: str, requests: Sequence[TrackingRequest], ids: Sequence[str] | None) -> list[str]:
    """The ids under which requests are accepted: the caller's, one for each and all as `new_id` makes them, or new."""
    text("endpoint", endpoint)
    if ids is None:
        return [new_id(endpoint_code(endpoint), request.visitor) for request in requests]
    if isinstance(ids, str) or len(ids) != len(requests):
        raise BadArgument("ids", f"accepts one id for each of the {len(requests)} requests")
    for request_id in ids:
        check_id(request_id)
    return list(ids)


def check_id(value: object) -> None:
    """An id of a request."""
    if not (isinstance(value, str) and len(value) == ID_LENGTH and value.isascii() and value.isalnum()):
        raise BadArgument("ids", f"accepts ids of {ID_LENGTH} letters and digits, as new_id makes them")


def claim(endpoint: str, token: str, limit: int, lease: float) -> None:
    """What `claim` is given."""
    text("endpoint", endpoint)
    text("token", token)
    count("limit", limit)
    duration("lease", lease)


def text(field: str, value: object) -> None:
    """Some text."""
    if not isinstance(value, str) or not value:
        raise BadArgument(field, "accepts a text that is not empty")


def count(field: str, value: object) -> None:
    """A whole number from 1 on."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BadArgument(field, "accepts a whole number from 1 on")


def duration(field: str, value: object) -> None:
    """Seconds that something may be leased or put off."""
    fine = isinstance(value, int | float) and not isinstance(value, bool)
    if not fine or not 0 <= value <= LONGEST_LEASE:  # type: ignore[operator]
        raise BadArgument(field, f"accepts 0 to {LONGEST_LEASE:,.0f} seconds")


def closing(seconds: object) -> None:
    """How long a gate stays closed; it may be for ever."""
    if seconds != math.inf:
        duration("seconds", seconds)


def page(state: State | None, limit: int, since: float, until: float) -> None:
    """What a page of ids is bounded by."""
    count("limit", limit)
    if state is State.DELIVERED:
        raise BadArgument("state", "accepts a state of a request that is still there, to be acted on")
    for field, value in (("since", since), ("until", until)):
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < LATEST:
            raise BadArgument(field, "accepts a moment in seconds since 1970, or 0")


def window(tab: Tab, order: Order, first: int, rows: int, above: int) -> None:
    """What a window on a list is made of."""
    if order not in OWN_ORDERS[tab]:
        raise BadArgument("order", f"accepts {', '.join(OWN_ORDERS[tab])} for the list {tab}")
    count("rows", rows)
    for field, value in (("first", first), ("above", above)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise BadArgument(field, "accepts a whole number from 0 on")


def walk(limit: int, until: float) -> None:
    """What a step through a list is bounded by."""
    page(None, limit, 0.0, until)


def place_in(after: str) -> int:
    """The number that a cursor into the list of the delivered is."""
    if not after:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) < 10):
        cursor_refused()
    return int(after)


def cursor_of(after: str) -> list[str]:
    """The three parts of a cursor that the queue on Redis gave."""
    if (found := _CURSOR.fullmatch(after)) is None:
        cursor_refused()
    return list(found.groups())


def cursor_refused() -> NoReturn:
    """A cursor that no page gave."""
    raise BadArgument("after", "accepts a cursor that a page of this queue gave, or an empty text")
