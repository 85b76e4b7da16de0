"""The form of a recording: gzip, in it JSON lines. The first tells what the file is, each other one holds one thing.

- ``{"opalmind": "recording", "version": [major, minor], "product": ..., "at": ...}``
- ``{"at": ..., "full": {...}}``: a snapshot, whole. ``{"at": ..., "next": {...}}``: how it differs from the one before.
- ``{"audit": [...]}``: what operators did, the newest first.

Lines of other names are those of a newer minor version, and passed over. A new gzip member begins with a whole
snapshot, so that each can be read by itself, and one that was cut off can be read up to its last line.
"""

from __future__ import annotations

import json
import math
import zlib
from typing import Any, TypeGuard

from msgspec import Struct

from opalmind_tui.errors import OpalmindError

VERSION = (1, 0)
NAME = "recording"
LONGEST_LINE = 4 * 2**20
"""Bytes."""
GZIP = 31
"""zlib's `wbits` for gzip."""
MOST_ENTRIES = 1_000
"""Of the audit trail, the newest."""


class BadRecording(OpalmindError):
    """A file that is no recording, cannot be read, or is of a newer version. The text says which."""


class Head(Struct, frozen=True):
    """What a recording tells of itself. `product`: the version that wrote it, raw; `at`: when it began."""

    version: tuple[int, int]
    product: str
    at: float


def line(content: dict[str, Any]) -> bytes:
    """One line."""
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


def packed(raw: bytes) -> bytes:
    """A gzip member."""
    packer = zlib.compressobj(wbits=GZIP)
    return packer.compress(raw) + packer.flush()


def head_line(product: str, at: float) -> bytes:
    """The first line."""
    return line({"opalmind": NAME, "version": VERSION, "product": product, "at": at})


def parsed(raw: bytes) -> dict[str, Any]:
    """A line's content. Raises `BadRecording`."""
    try:
        found = json.loads(raw, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise BadRecording("It is damaged: a line of it is no JSON") from None
    if not isinstance(found, dict):
        raise BadRecording("It is damaged: a line of it is no object")
    return found


def head_of(raw: bytes) -> Head:
    """What the first line tells. Raises `BadRecording`, also for a newer major version."""
    try:
        found = parsed(raw)
    except BadRecording:
        found = {}
    version, product = found.get("version"), found.get("product")
    if found.get("opalmind") != NAME or not isinstance(product, str) or not _is_version(version):
        raise BadRecording("It is no recording of this program")
    if version[0] != VERSION[0]:
        raise BadRecording(
            f"It is of version {version[0]} of the form, and this program reads version {VERSION[0]}: "
            "use the one that wrote it"
        )
    return Head((version[0], version[1]), product, moment_of(found))


def moment_of(content: dict[str, Any]) -> float:
    """A line's moment. Raises `BadRecording`."""
    at = content.get("at")
    if isinstance(at, bool) or not isinstance(at, int | float) or not math.isfinite(at) or abs(at) > 1e12:
        raise BadRecording("It is damaged: a line of it has no time")
    return float(at)


def _is_version(found: Any) -> TypeGuard[list[int]]:
    return (
        isinstance(found, list) and len(found) == 2 and all(type(part) is int and 0 <= part < 10_000 for part in found)
    )


def _no_number(name: str) -> float:
    raise ValueError(name)
