"""Hits that failed alone. Whether they or Matomo are to blame shows when another hit gets through meanwhile."""

from __future__ import annotations

from collections import OrderedDict

REMEMBERED = 10_000


class Suspects:
    """Who failed alone, and whether another hit got through since.

    Args:
        limit: how many are remembered; the oldest go first, which only spares them an attempt.
    """

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._limit = limit
        self._failed: OrderedDict[str, int] = OrderedDict()
        self._successes = 0

    def is_suspect(self, request_id: str) -> bool:
        """True when it failed alone and another hit got through since."""
        return self._failed.get(request_id, self._successes) < self._successes

    def failed_alone(self, request_id: str) -> None:
        """It was alone and was not taken. A suspect stays one."""
        self._failed.setdefault(request_id, self._successes)
        if len(self._failed) > self._limit:
            self._failed.popitem(last=False)

    def got_through(self, request_ids: tuple[str, ...]) -> None:
        """Matomo took these."""
        for request_id in request_ids:
            self._failed.pop(request_id, None)
        self._successes += 1
