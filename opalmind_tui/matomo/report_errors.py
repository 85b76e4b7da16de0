"""What Matomo's report errors mean. No status tells it alone: a 200 can be an error, a 500 can be a lock-out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from opalmind_tui.errors import MatomoError

RETRIED = ("server", "network", "timeout")
"""Kinds for which another attempt may help."""
MESSAGE_LIMIT = 300
_PERMISSION = re.compile(r"can't access this resource|has to be (either )?a super user|requires '?\w+'? access", re.I)
_LOCKED = re.compile(r"too many failed logins", re.I)
_SERVER = re.compile(r"SQLSTATE|database", re.I)


def error_of_status(status: int, text: str, hint: float | None) -> MatomoError:
    """The error of an answer that is no 2xx.

    Args:
        status: HTTP status.
        text: the body, secrets masked.
        hint: seconds that the headers ask to wait, if they do.
    """
    message = _message(text) or f"HTTP {status}"
    return MatomoError(_kind(status, message), f"Matomo: {message}"[:MESSAGE_LIMIT], status=status, retry_after=hint)


def error_in(data: Any, masked: Callable[[str], str], status: int) -> MatomoError | None:
    """The error inside an answer of 2xx, if it is one: ``{"result":"error","message":...}``."""
    if not isinstance(data, dict) or data.get("result") != "error":
        return None
    message = masked(str(data.get("message") or "an error without a message"))
    kind = "server" if _SERVER.search(message) else "client"
    return MatomoError(kind, f"Matomo: {message}"[:MESSAGE_LIMIT], status=status)


def _kind(status: int, message: str) -> str:
    if status == 429 or _LOCKED.search(message):
        return "rate-limit"
    if status == 401:
        # Missing rights answer 401, too; they say so, and asking again does not count as a failed login.
        return "permission" if _PERMISSION.search(message) else "auth"
    if status == 403:
        return "permission"
    return "server" if status >= 500 or status == 408 else "client"


def _message(text: str) -> str:
    """Matomo's own message; of a web page nothing: it would be a wall of markup."""
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError:
        return "" if text.lstrip().startswith("<") else " ".join(text.split())[:MESSAGE_LIMIT]
    return str(data.get("message") or "") if isinstance(data, dict) else ""
