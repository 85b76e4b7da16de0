"""What the body of a bulk's answer says. No status tells it alone: a 200 can mean that nothing was stored."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import orjson
from msgspec import Struct


class Says(StrEnum):
    """The kind of body."""

    TALLY = "tally"
    """Matomo's count of what it took."""
    ERROR = "error"
    """Matomo's JSON for a failure: the whole bulk was rolled back."""
    SQL_ERROR = "sql-error"
    """Plain text for a broken database connection: nothing was stored."""
    NOT_INSTALLED = "not-installed"
    PAGE = "page"
    """A page for people: something else than Matomo's tracking API answers there."""
    NOTHING = "nothing"
    OTHER = "other"


class Reply(Struct, frozen=True):
    """The body, read.

    Args:
        says: what kind it is.
        tracked, invalid: Matomo's counts (TALLY).
        indices: which were invalid, in ascending order; None where Matomo did not say. It says so only to a super
            user's token, and then an empty list proves that the hits were looked at.
    """

    says: Says
    tracked: int = 0
    invalid: int = 0
    indices: tuple[int, ...] | None = None


def read_reply(body: str) -> Reply:
    """Read a body; never raises."""
    text = body.strip()
    if not text:
        return Reply(Says.NOTHING)
    data = _json_object(text)
    if data is not None:
        return _from_json(data)
    if text.startswith("Error:") or "SQLSTATE" in text:
        return Reply(Says.SQL_ERROR)
    if "not installed" in text:
        return Reply(Says.NOT_INSTALLED)
    return Reply(Says.PAGE if "<" in text else Says.OTHER)


def _from_json(data: dict[str, Any]) -> Reply:
    if data.get("status") == "error":
        return Reply(Says.ERROR)
    tracked, invalid = data.get("tracked"), data.get("invalid")
    if data.get("status") != "success" or not (_is_count(tracked) and _is_count(invalid)):
        return Reply(Says.OTHER)
    return Reply(Says.TALLY, int(tracked or 0), int(invalid or 0), _indices(data.get("invalid_indices")))


def _json_object(text: str) -> dict[str, Any] | None:
    """The JSON object that the text is, or that it ends with: PHP's warnings stand before it where they are shown."""
    start = 0 if text.startswith("{") else text.rfind('{"status"')
    if start < 0:
        return None
    try:
        data = orjson.loads(text[start:])
    except orjson.JSONDecodeError:
        return None
    return data if isinstance(data, dict) else None


def _indices(value: Any) -> tuple[int, ...] | None:
    if not isinstance(value, list) or not all(_is_count(item) for item in value):
        return None
    return tuple(sorted(set(value)))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
