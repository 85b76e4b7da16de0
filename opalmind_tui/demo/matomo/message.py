"""Requests and responses as plain values, and how a response goes over the wire."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import parse_qsl

from msgspec import Struct, field

HTML = "text/html; charset=UTF-8"
JSON = "application/json"
REPORT = "application/json; charset=utf-8"
"""Media type of the reporting API."""
MOST_FIELDS = 1000
"""PHP's max_input_vars."""

REASONS: Mapping[int, str] = {
    200: "OK", 204: "No Response", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout", 413: "Content Too Large",
    429: "Too Many Requests", 431: "Request Header Fields Too Large", 500: "Internal Server Error",
    502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
}  # fmt: skip
"""Reason phrases; PHP calls 204 "No Response"."""


class Wire(StrEnum):
    """What the client gets of a response."""

    WHOLE = "whole"
    CLOSED = "closed"
    """The connection ends in good order, without a byte of an answer."""
    RESET = "reset"
    """The connection is torn down."""
    CUT = "cut"
    """The head and half of the body, then the end."""
    STALLED = "stalled"
    """Nothing, for as long as the client waits (and the stand-in's own limit)."""


class Request(Struct, frozen=True):
    """One HTTP request, its body read to the end."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """Names in lower case; of a repeated header the last value."""
    body: bytes
    address: str

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form-encoded body, as PHP reads them (over 8 MB, or of another type: none)."""
        kind = self.headers.get("content-type", "")
        if len(self.body) > 8 * 1024 * 1024 or not kind.startswith("application/x-www-form-urlencoded"):
            return {}
        return {} if "content-encoding" in self.headers else fields_of(self.body)

    @property
    def url_fields(self) -> dict[str, str]:
        """The fields of the query string."""
        return fields_of(self.query.encode("latin-1"))


class Response(Struct, frozen=True):
    """One HTTP response."""

    status: int
    body: bytes = b""
    kind: str = HTML
    headers: tuple[tuple[str, str], ...] = ()
    wire: Wire = field(default=Wire.WHOLE)


def text_of(value: bytes) -> str:
    """Text as Matomo takes it: UTF-8, and bytes that are not are taken as Latin-1."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def fields_of(form: bytes) -> dict[str, str]:
    """Form-encoded fields, at most 1000; a repeated one has its last value, arrays (``url[]=``) have none."""
    first = b"&".join(form.split(b"&", MOST_FIELDS)[:MOST_FIELDS])
    pairs = parse_qsl(first.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    plain = ((name, value) for name, value in pairs if "[" not in name)
    return {text_of(name.encode("latin-1")): text_of(value.encode("latin-1")) for name, value in plain}
