"""A sample of look-ups: all those of some of the keys.

Which keys is settled by their hash (Waldspurger and others, "Efficient MRC Construction with SHARDS", FAST 2015): a
key is in the sample in every process or in none, so that what happens to it is seen whole, and the share of keys says
by how much to multiply.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from msgspec import Struct

HASHES = 1 << 32
"""Hashes are whole numbers below this."""


class Access(Struct, frozen=True):
    """Look-ups of a report, so close together that they count as made at the same time.

    Args:
        at: epoch seconds, of the first.
        key: hash of the report's key, see `hash_of`.
        size: bytes of the report as it is stored; 0 where nobody knows.
        times: how many.
    """

    at: float
    key: int
    size: int = 0
    times: int = 1


class Sample(Struct, frozen=True):
    """Look-ups of one feature, or of all.

    Args:
        accesses: by time; those of keys whose hash is below ``rate * HASHES``.
        rate: share of the keys that is in the sample, over 0 to 1.
        begins, ends: what the sample covers, epoch seconds.
        total: all look-ups in that time, sampled or not, where somebody counted them.
        missed: those of them that missed, with the time to live that was in force.
    """

    accesses: Sequence[Access]
    rate: float
    begins: float
    ends: float
    total: int | None = None
    missed: int | None = None


def hash_of(key: str) -> int:
    """The hash of a report's key; the same in every process."""
    return int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=4).digest(), "big")


def is_sampled(key: int, rate: float) -> bool:
    """Whether a key with this hash is in a sample of this rate."""
    return key < rate * HASHES
