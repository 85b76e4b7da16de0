"""Numbers as JavaScript reads them from Matomo's answers, which hold them as numbers, texts, null or false."""

from __future__ import annotations

import math
import re
from typing import Any

_SPACE = " \t\n\v\f\r\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_TRIM = re.compile(f"^[{_SPACE}]+|[{_SPACE}]+$")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_OTHER_BASE = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_LEADING = re.compile(r"[+-]?(?:Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")

Number = int | float


def trim(text: str) -> str:
    """Without the white space that JavaScript's `trim` takes off."""
    return _TRIM.sub("", text)


def number_of(value: Any) -> Number | None:
    """What `Number(value)` gives; None where that is no number. May be infinite."""
    if value is None or value is False:
        return 0
    if value is True:
        return 1
    if isinstance(value, int | float):
        return None if math.isnan(value) else value
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, list):
        return _of_list(value)
    return None


def _of_text(text: str) -> Number | None:
    text = trim(text)
    if not text:
        return 0
    if _DECIMAL.fullmatch(text):
        return plain(float(text))
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if text in ("Infinity", "+Infinity", "-Infinity"):
        return float(text)
    return None


def _of_list(items: list[Any]) -> Number | None:
    """A list counts as the text of its only member."""
    if not items:
        return 0
    if len(items) > 1 or isinstance(items[0], bool):
        return None
    return number_of(items[0])


def plain(number: float) -> Number:
    """A whole number without a fraction as an int."""
    return int(number) if number.is_integer() and abs(number) < 1e21 else number


def finite(value: Any) -> Number | None:
    """A finite number, or a text that holds one (thousands separated by commas); None for anything else."""
    if isinstance(value, str):
        text = trim(value)
        value = _of_text(text.replace(",", "")) if text else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def percent(value: Any) -> Number | None:
    """As `finite`, with or without a percent sign at the end."""
    if isinstance(value, str):
        value = trim(value).removesuffix("%")
    return finite(value)


def leading(text: str) -> float | None:
    """The finite number that a text begins with, as `parseFloat` finds it."""
    found = _LEADING.match(trim(text))
    value = float(found.group()) if found else math.nan
    return value if math.isfinite(value) else None


def total(values: list[Number | None]) -> Number | None:
    """The sum of what is there; None where nothing is."""
    present = [value for value in values if value is not None]
    return sum(present) if present else None
