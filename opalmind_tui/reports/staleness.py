"""Old reports are marked: who wants to know whether a report was fresh asks beside it.

with watching() as stale:
    rows = await reports.get_events()
if stale: ...   # one mark for each old report among those asked for
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from msgspec import Struct

STALE_FOR = 3600.0
"""Seconds past its expiry that a report is still given while Matomo is away."""
STALE_WITHOUT_REDIS = 60.0
"""The same while only Redis is away: Matomo is asked meanwhile."""


class Stale(Struct, frozen=True):
    """An old report was given: seconds past its time, and what was away (``Matomo`` or ``Redis``)."""

    feature: str
    age: float
    away: str


_watched: ContextVar[list[Stale] | None] = ContextVar("stale reports", default=None)


@contextmanager
def watching() -> Iterator[list[Stale]]:
    """The marks of this task, and of tasks that it starts within the block."""
    marks: list[Stale] = []
    token = _watched.set(marks)
    try:
        yield marks
    finally:
        _watched.reset(token)


def mark(stale: Stale) -> None:
    """Tell whoever watches."""
    marks = _watched.get()
    if marks is not None:
        marks.append(stale)
