"""What is known of a Matomo that is away: so that old reports are given at once, and few ask in vain."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

import orjson

from opalmind_tui.errors import MatomoError

AWAY = frozenset({"network", "timeout", "server", "rate-limit"})
"""Kinds of `MatomoError` in which an old report is better than none; a refusal is not among them."""
FAILED_FOR = 1.0
"""Seconds for which nobody asks again for a report that Matomo could not give."""
LONGEST = 15.0
"""Seconds between two tries by those who have old reports, doubling up to this."""
_MOST = 1000
_MARK = b"!"


class Outage:
    """Failures of Matomo as this process met them.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wait = FAILED_FOR
        self._next_try = 0.0
        self._failed: OrderedDict[str, tuple[float, MatomoError]] = OrderedDict()
        self.known = False
        """The last fetch failed because Matomo is away."""

    def met(self, key: str, error: MatomoError) -> None:
        """A fetch failed."""
        now = self._clock()
        self._failed[key] = (now + FAILED_FOR, error)
        self._failed.move_to_end(key)
        if len(self._failed) > _MOST:
            self._failed.popitem(last=False)
        self._wait = min(LONGEST, self._wait * 2) if self.known else FAILED_FOR
        self._next_try = now + self._wait
        self.known = True

    def over(self, key: str) -> None:
        """A fetch succeeded."""
        self._failed.pop(key, None)
        self.known = False

    def error_of(self, key: str) -> MatomoError | None:
        """The error of a report that failed a moment ago."""
        until, error = self._failed.get(key, (0.0, None))
        if error is not None and until <= self._clock():
            del self._failed[key]
            return None
        return error

    def may_try(self) -> bool:
        """Is it time for one who has an old report to ask again? One at a time."""
        now = self._clock()
        if self.known and now < self._next_try:
            return False
        self._next_try = now + self._wait
        return True


def to_mark(error: MatomoError) -> str:
    """What other processes are told of a failure: kind and status, none of Matomo's text."""
    return (_MARK + orjson.dumps({"kind": error.kind, "status": error.status})).decode()


def from_mark(text: bytes) -> MatomoError | None:
    """The failure that another process told; None where it is none."""
    if not text.startswith(_MARK):
        return None
    try:
        found = orjson.loads(text[1:])
        kind, status = found["kind"], found["status"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    if kind not in AWAY:
        return None
    return MatomoError(kind, "Matomo failed another look-up of this report a moment ago", status=status)
