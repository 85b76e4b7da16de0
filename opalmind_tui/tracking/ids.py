"""Request ids: 14 characters that also say where a request belongs.

``EESrrrrrrrrrrr``: endpoint code (2), visitor shard (1), 65 random bits (11), all of base 62. Scripts find the due set
of an id from its first three characters, so that no second look-up is needed, and an id never starts with a dash.
"""

from __future__ import annotations

import secrets
from functools import lru_cache
from hashlib import blake2b

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SHARDS = 16
"""Visitor shards of one endpoint. Part of the key layout: every process must agree on it."""
_RANDOM_BITS = 65


@lru_cache(256)
def endpoint_code(endpoint: str, attempt: int = 0) -> str:
    """Two characters for an endpoint; `attempt` gives the next candidate where two endpoints share a code."""
    number = int.from_bytes(blake2b(f"{attempt}:{endpoint}".encode(), digest_size=8).digest())
    return ALPHABET[number % 62] + ALPHABET[number // 62 % 62]


def shard_of(visitor: str) -> str:
    """The shard (one character of the first 16) of a visitor."""
    digest = blake2b(visitor.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return ALPHABET[int.from_bytes(digest) % SHARDS]


def new_id(code: str, visitor: str) -> str:
    """A new id for a visitor's request to the endpoint with this code."""
    number = secrets.randbits(_RANDOM_BITS)
    characters = []
    for _ in range(11):
        number, digit = divmod(number, 62)
        characters.append(ALPHABET[digit])
    return code + shard_of(visitor) + "".join(characters)


def new_token() -> str:
    """A fencing token for one claim."""
    return secrets.token_hex(8)
