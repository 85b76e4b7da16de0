"""What came back from a bulk post, as plain data. What it means for the requests is `tracking.classify`'s business."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field


class Failure(StrEnum):
    """Why there is no whole answer."""

    NONE = ""
    REFUSED = "connect-refused"
    CONNECT_TIMEOUT = "connect-timeout"
    DNS = "dns"
    TLS = "tls"
    UNREACHABLE = "unreachable"
    LOST_BEFORE_SENT = "reset-before-sent"
    LOST_AFTER_SENT = "reset-after-sent"
    READ_TIMEOUT = "read-timeout"
    GARBLED = "garbled"
    """What came back is not HTTP."""
    UNENCODABLE = "unencodable"
    """Our own doing: a value that JSON cannot hold. Nothing was sent."""


class BulkAnswer(Struct, frozen=True):
    """One answer, or its absence. Secrets are masked in every text.

    Args:
        status: HTTP status, if one was received.
        body: the answer's text, bounded.
        headers: names in lower case.
        failure: why there is no whole answer.
        detail: the failure in words.
        sent: true when the whole request had left: Matomo may have it.
        elapsed: seconds from start to end.
        at: epoch seconds when it ended.
    """

    status: int | None = None
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    failure: Failure = Failure.NONE
    detail: str = ""
    sent: bool = True
    elapsed: float = 0.0
    at: float = 0.0
