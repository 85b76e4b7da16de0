"""One cached report as it is stored: ``{"feature":F,"value":V,"expiresAt":ms}``."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from opalmind_tui.reports.js_json import parse, stringify

LARGEST = 8 * 1024 * 1024
"""Bytes of an entry that is written or read. A report of ten thousand rows has about three million."""


class Entry(Struct, frozen=True):
    """A report that was read back and tested. `expires_at` in epoch milliseconds."""

    feature: str
    value: Any
    expires_at: float


def encode_entry(feature: str, value: Any, expires_at_ms: int) -> bytes:
    """The stored form. Raises `RecursionError` for a value that is nested too deep."""
    return stringify({"feature": feature, "value": value, "expiresAt": expires_at_ms}).encode()


def decode_entry(raw: bytes, feature: str) -> Entry | None:
    """Read a stored entry; None for anything but a report of this feature: broken, foreign, of another one, too large.

    Never raises.
    """
    if len(raw) > LARGEST:
        return None
    try:
        data = parse(raw)
    except ValueError:
        return None
    if not isinstance(data, dict) or data.get("feature") != feature or "value" not in data:
        return None
    expires_at = data.get("expiresAt")
    if isinstance(expires_at, bool) or not isinstance(expires_at, int | float) or not math.isfinite(expires_at):
        return None
    # The tables of what reports look like: only for who reads one.
    from opalmind_tui.reports.values import FITS

    fits = FITS.get(feature)
    return Entry(feature, data["value"], expires_at) if fits is not None and fits(data["value"]) else None


def whole_characters(raw: bytes) -> tuple[str, int]:
    """The bytes as text, without a character at their end of which only a part is there; and how many bytes that is."""
    cut = len(raw)
    for back in range(1, min(4, cut) + 1):
        byte = raw[cut - back]
        if byte & 0xC0 != 0x80:
            if byte >= 0xC0 and back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) and cut > back:
                cut -= back
            break
    return raw[:cut].decode("utf-8", "surrogateescape"), cut
