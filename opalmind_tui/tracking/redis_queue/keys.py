"""Names of the queue's keys, and how a request's idempotency key is looked up."""

from __future__ import annotations

from hashlib import blake2b

from opalmind_tui.storage.slots import QUEUE_TAG
from opalmind_tui.tracking.ids import endpoint_code

CANDIDATES = 4
"""Codes that an endpoint may have, in order: the first that no other endpoint has."""


def tag_of(queue_prefix: str) -> bytes:
    """What every key of a queue begins with: one hash tag, so that a Cluster keeps them together."""
    return (queue_prefix + QUEUE_TAG).encode()


def candidates_of(endpoint: str) -> str:
    """The codes that an endpoint may have, written one after the other."""
    return "".join(endpoint_code(endpoint, attempt) for attempt in range(CANDIDATES))


def bytes_of(key: str) -> bytes:
    """An idempotency key as it stands in Redis."""
    return key.encode("utf-8", "surrogatepass")


def digest_of(key: bytes) -> bytes:
    """Where a queued request's idempotency key (as `bytes_of` gives it) stands in the index; empty for no key."""
    return blake2b(key, digest_size=16).digest() if key else b""
