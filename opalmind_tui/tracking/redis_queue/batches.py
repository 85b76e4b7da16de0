"""How calls of any length are cut into bounded scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

MOST_ITEMS = 125
"""Requests in one script: keeps it well under 5 ms."""
MOST_ADOPTED = 50
"""Of those that memory accepted, each of which needs several look-ups and writes of its own."""
MOST_REAPED = 50
"""Of those whose lease ran out: each is looked up, read and written by itself."""
MOST_BYTES = 512 * 1024
"""Bytes of bodies in one script; a single larger body travels alone."""


def batches(items: Sequence[T], most: int = MOST_ITEMS) -> Iterator[Sequence[T]]:
    """The items in order, at most `most` at a time."""
    for start in range(0, len(items), most):
        yield items[start : start + most]


def batches_by_weight(weights: Sequence[int], most: int) -> Iterator[range]:
    """Positions in order, cut so that the weights of a part are at most `most` together; a heavier one goes alone."""
    start, total = 0, 0
    for at, weight in enumerate(weights):
        if at > start and total + weight > most:
            yield range(start, at)
            start, total = at, 0
        total += weight
    if start < len(weights):
        yield range(start, len(weights))


def batches_by_size(bodies: Sequence[bytes], most: int = MOST_ITEMS) -> Iterator[range]:
    """Positions in order, cut by number and by size of the bodies."""
    start, size = 0, 0
    for at, body in enumerate(bodies):
        if at > start and (at - start == most or size + len(body) > MOST_BYTES):
            yield range(start, at)
            start, size = at, 0
        size += len(body)
    if start < len(bodies):
        yield range(start, len(bodies))
