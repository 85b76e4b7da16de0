"""Request ids: 14 characters that also say where a request belongs.

``EESrrrrrrrrrrr``: endpoint code (2), visitor shard (1), 65 random bits (11), all letters and digits. Scripts find the
due set of an id from its first three characters, so that no second look-up is needed, and an id never starts with a
dash.
"""

from __future__ import annotations

import os
import secrets
from functools import lru_cache
from hashlib import blake2b

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SHARDS = 16
"""Visitor shards of one endpoint. Part of the key layout: every process must agree on it."""
ID_LENGTH = 14
_RANDOM_CHARACTERS = 11
_CHARACTER_OF = bytes(ord(ALPHABET[byte % 62]) for byte in range(256))
"""From a random byte to a character. The first eight come a quarter more often, which costs half a bit of 66."""


@lru_cache(256)
def endpoint_code(endpoint: str, attempt: int = 0) -> str:
    """Two characters for an endpoint; `attempt` gives the next candidate where two endpoints share a code."""
    number = int.from_bytes(blake2b(f"{attempt}:{endpoint}".encode(), digest_size=8).digest())
    return ALPHABET[number % 62] + ALPHABET[number // 62 % 62]


def shard_of(visitor: str) -> str:
    """The shard (one character of the first 16) of a visitor."""
    digest = blake2b(visitor.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return ALPHABET[digest[-1] % SHARDS]


def new_id(code: str, visitor: str) -> str:
    """A new id for a visitor's request to the endpoint with this code."""
    return code + shard_of(visitor) + os.urandom(_RANDOM_CHARACTERS).translate(_CHARACTER_OF).decode()


def new_token() -> str:
    """A fencing token for one claim."""
    return secrets.token_hex(8)
