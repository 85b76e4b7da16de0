"""JSON byte for byte as `JSON.stringify` writes it, and read as leniently as `JSON.parse` reads it.

Services in Node find our entries only under identical key texts, and compare values as text. orjson alone is not
enough: it prints 1.0, 1e+16 and 1e-5 in its own way and refuses half of a surrogate pair.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from json.encoder import encode_basestring
from typing import Any

import orjson

_EXACT = 2**53
_LARGEST_INDEX = 2**32 - 2
_SURROGATE = re.compile("[\ud800-\udfff]")


def stringify(value: Any) -> str:
    """Compact JSON. Infinite and undefined numbers become null; members come in the order of a JavaScript object.

    Raises `TypeError` for what JSON cannot hold.
    """
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{quote(key)}:{stringify(item)}" for key, item in js_items(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(stringify, value)) + "]"
    raise TypeError(f"JSON cannot hold {type(value).__name__}")


def quote(text: str) -> str:
    """A string with its quotes; non-ASCII stays as it is, half of a surrogate pair is escaped."""
    quoted = encode_basestring(text)
    if _SURROGATE.search(quoted) is None:
        return quoted
    joined = quoted.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return _SURROGATE.sub(lambda half: f"\\u{ord(half.group()):04x}", joined)


def number_text(number: int | float) -> str:
    """A number as JavaScript prints it: shortest digits, plain from 1e-6 up to below 1e21, no trailing ``.0``."""
    if isinstance(number, int) and -_EXACT <= number <= _EXACT:
        return str(number)
    try:
        value = float(number)
    except OverflowError:
        return "null"
    if not math.isfinite(value):
        return "null"
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    return sign + _placed(digits, point)


def _placed(digits: str, point: int) -> str:
    """Digits with the decimal point after the first `point` of them."""
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    shown = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{shown}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def js_items(record: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Members in the order in which JavaScript goes through them: whole-number names first, ascending."""
    indexes = [key for key in record if key.isdigit() and _is_index(key)]
    if not indexes:
        return record.items()
    first = sorted(indexes, key=int)
    rest = record.keys() - set(indexes)
    return [(key, record[key]) for key in (*first, *(key for key in record if key in rest))]


def _is_index(key: str) -> bool:
    return key.isascii() and (key == "0" or key[0] != "0") and len(key) <= 10 and int(key) <= _LARGEST_INDEX


def parse(raw: bytes) -> Any:
    """Read JSON from outside. Raises `ValueError` for anything that `JSON.parse` would refuse, and for deep nesting."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        # Half of a surrogate pair, escaped, is good JSON for JavaScript and the standard library.
        if b"\\u" not in raw:
            raise
    try:
        return json.loads(raw.decode("utf-8"), parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
