"""A tracking request as the queue stores it: Matomo's own parameters, fixed when it was accepted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Literal, get_args

import orjson
from msgspec import DecodeError, Struct
from msgspec.json import Decoder

Kind = Literal["pageview", "event", "goal", "raw"]
KINDS: tuple[str, ...] = get_args(Kind)


class _Body(Struct, gc=False):
    """The stored form, tested while it is read."""

    kind: Kind
    key: str
    params: dict[str, str]


_BODY = Decoder(_Body)


class TrackingRequest(Struct, frozen=True):
    """One hit for Matomo.

    Args:
        kind: ``pageview``, ``event``, ``goal`` or ``raw``.
        params: Matomo's parameters by their own names, values as text, in the order in which they are sent. Never
            `token_auth` (I10), never `send_image`; `rec` and `apiv` are added when sent.
        key: idempotency key; empty switches deduplication off for this request (ruling 6).
        fingerprint: hash of what the caller gave, without what was generated for this call (page view id, time,
            visitor), so that a caller's repeated call is a duplicate and another payload under its key a conflict.
        visitor: what tells visitors apart; hits of one visitor share a shard (I5). Not stored beside the parameters.
    """

    kind: str
    params: Mapping[str, str]
    key: str = ""
    fingerprint: str = ""
    visitor: str = ""

    def encode(self) -> bytes:
        """The stored form: compact JSON, UTF-8."""
        params = self.params if type(self.params) is dict else dict(self.params)
        return orjson.dumps({"kind": self.kind, "key": self.key, "params": params})


def parts_of(body: bytes) -> tuple[str, str, dict[str, str]] | None:
    """Kind, key and parameters of a stored request, or None when the bytes are none (foreign, cut, corrupt): never
    raises."""
    try:
        found = _BODY.decode(body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found.kind, found.key, found.params


def decode_request(body: bytes) -> TrackingRequest | None:
    """Read a stored request back; None as `parts_of`."""
    parts = parts_of(body)
    return None if parts is None else TrackingRequest(parts[0], parts[2], parts[1])


_WITH_PLAIN_KEY = re.compile(rb'\{"kind":"[a-z]+","key":"([^"\\]*)","params":\{')


def stored_key(body: bytes) -> str:
    """The idempotency key of a stored request; empty where it has none or the bytes are no request."""
    # Nearly every body is of this shape, and to decode all of it for its key takes several times as long.
    if (found := _WITH_PLAIN_KEY.match(body)) is not None:
        return found[1].decode("utf-8", "replace")
    request = decode_request(body)
    return "" if request is None else request.key


def fingerprint_of(kind: str, params: Mapping[str, str]) -> str:
    """Hash of a payload, independent of the order of its parameters. 16 hex digits."""
    canonical = orjson.dumps([kind, dict(params)], option=orjson.OPT_SORT_KEYS)
    return blake2b(canonical, digest_size=8).hexdigest()
