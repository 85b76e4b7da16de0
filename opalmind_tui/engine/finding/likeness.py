"""What makes failures alike: the error without what differs from one request to the next, status, site and kind."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b

import orjson

from opalmind_tui.snapshot.model import RequestRow

LONGEST = 200
"""Characters of an error that are compared."""
_DIFFERS = re.compile(
    r"""(?P<url>\b[a-z][a-z0-9+.-]{1,10}://[^\s"'<>]+)
        |(?P<quoted>"[^"]*"|'[^'\s][^']*'|«[^»]*»|“[^”]*”)
        |(?P<address>\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b)
        |(?P<id>\b(?=[0-9a-f-]*\d)[0-9a-f]{8}(?:-?[0-9a-f]{4}){0,3}(?:-?[0-9a-f]{4,})?\b|\b(?=\w*\d)(?=\w*[A-Za-z])\w{12,}\b)
        |(?P<number>\d+(?:[.,]\d+)*)""",
    re.IGNORECASE | re.VERBOSE,
)
_SIGNS = {"url": "<url>", "quoted": "<text>", "address": "<address>", "id": "<id>", "number": "#"}


@lru_cache(maxsize=2048)
def normal_error(error: str) -> str:
    """An error in which addresses, ids, quoted texts and numbers are only signs. Raw text, as long as `LONGEST`."""
    found = _DIFFERS.sub(lambda match: _SIGNS[match.lastgroup or "number"], error[: 2 * LONGEST])
    return " ".join(found.split())[:LONGEST]


def group_key(row: RequestRow) -> str:
    """Names the group of a failure; the same in every process."""
    alike = orjson.dumps([_safe(normal_error(row.error)), row.status, _safe(row.site), row.kind])
    return blake2b(alike, digest_size=5).hexdigest()


def _safe(text: str) -> str:
    """Without lone surrogates, which JSON cannot hold."""
    return text.encode("utf-8", "replace").decode()
