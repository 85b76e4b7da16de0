"""From a caller's value to the text that Matomo reads. Each check raises `RefusedRequest` with the field's name.

The texts are those of the reference: numbers as JavaScript writes them, times as ISO 8601 with milliseconds. A reason
never repeats the value, which may be private.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from opalmind_tui.errors import RefusedRequest
from opalmind_tui.tracking.limits import NESTING_LIMIT, OLDEST, WHOLE_LIMIT

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HEX16 = re.compile(r"[0-9a-fA-F]{16}")
_YEAR_1970 = 366 * 86_400_000


def text(field: str, value: object) -> str:
    """Any text that UTF-8 can hold."""
    if not isinstance(value, str):
        raise RefusedRequest(field, "must be text")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise RefusedRequest(field, "holds a lone surrogate, with which Matomo would lose the whole batch") from None
    return value


def filled_text(field: str, value: object) -> str:
    """Text that is more than blanks."""
    if not text(field, value).strip():
        raise RefusedRequest(field, "must not be empty or blank")
    return str(value)


def whole(field: str, value: object) -> str:
    """A whole number from 1 on, such as a site's or a goal's id."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= WHOLE_LIMIT:
        raise RefusedRequest(field, f"must be a whole number from 1 to {WHOLE_LIMIT}")
    return str(value)


def number(field: str, value: object) -> str:
    """A finite number."""
    return number_text(_finite(field, value))


def visitor_id(field: str, value: object) -> str:
    """16 hexadecimal digits; empty means not given."""
    if text(field, value) and not _HEX16.fullmatch(str(value)):
        raise RefusedRequest(field, "must be 16 hexadecimal digits: Matomo refuses or replaces any other")
    return str(value)


def custom_variables(field: str, value: object) -> str:
    """A JSON object, written as JavaScript writes it."""
    if not isinstance(value, Mapping):
        raise RefusedRequest(field, "must be an object")
    return _json_text(field, value, 0)


def moment(field: str, milliseconds: float, now: float) -> datetime | None:
    """When it happened (epoch milliseconds), or None where that lies after `now` (epoch seconds).

    Without a time of its own a request gets that of its acceptance by the queue: so a time in the future is clamped
    (ruling 7), where Matomo would put the time of arrival, which may be hours later.
    """
    if abs(milliseconds) < _YEAR_1970:
        raise RefusedRequest(field, "lies in 1970, as a number of seconds does that is read as milliseconds")
    if milliseconds < (now - OLDEST) * 1000:
        raise RefusedRequest(field, "is over 20 years old: Matomo would silently store the time of arrival")
    return None if milliseconds > now * 1000 else EPOCH + timedelta(milliseconds=int(milliseconds))


def iso(when: datetime) -> str:
    """ISO 8601 with milliseconds and Z."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def number_text(value: float) -> str:
    """A number as JavaScript's `String()` writes it: ``1e-7``, ``0.30000000000000004``, ``12``."""
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(float(value))).as_tuple()
    shown = "".join(map(str, digits)).rstrip("0")
    point = len(digits) + int(exponent)
    minus = "-" if sign else ""
    if len(shown) <= point <= 21:
        return minus + shown.ljust(point, "0")
    if 0 < point <= 21:
        return f"{minus}{shown[:point]}.{shown[point:]}"
    if -6 < point <= 0:
        return f"{minus}0.{'0' * -point}{shown}"
    fraction = f".{shown[1:]}" if len(shown) > 1 else ""
    return f"{minus}{shown[0]}{fraction}e{point - 1:+d}"


def _finite(field: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedRequest(field, "must be a number")
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise RefusedRequest(field, "must be a finite number")
    return found


def _json_text(field: str, value: object, depth: int) -> str:
    if depth > NESTING_LIMIT:
        raise RefusedRequest(field, f"is nested over {NESTING_LIMIT} levels deep")
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return json.dumps(text(field, value), ensure_ascii=False)
    if isinstance(value, Mapping):
        members = ((_member_name(field, name), _json_text(field, item, depth + 1)) for name, item in value.items())
        return "{" + ",".join(f"{name}:{item}" for name, item in members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_json_text(field, item, depth + 1) for item in value) + "]"
    return number(field, value)


def _member_name(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise RefusedRequest(field, "must have text as names")
    return json.dumps(text(field, value), ensure_ascii=False)
