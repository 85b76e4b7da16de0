"""Rings the terminal's bell when the state gets worse."""

from __future__ import annotations

from collections.abc import Callable

from opalmind_tui.snapshot.model import Snapshot, Verdict

APART = 60.0
"""Seconds between two rings, in the time of the snapshots: a state that flutters must not ring without end."""
_BADNESS = {Verdict.OK: 0, Verdict.UNKNOWN: 1, Verdict.WARN: 1, Verdict.FAIL: 2}


class BellRinger:
    """Hears every snapshot.

    Args:
        ring: rings the bell.
        wanted: whether the operator wants it.
    """

    def __init__(self, ring: Callable[[], None], *, wanted: bool) -> None:
        self._ring, self._wanted = ring, wanted
        self._before: int | None = None
        self._owed = False
        self._rang: float | None = None

    def hear(self, snapshot: Snapshot) -> None:
        """Ring if the state has become worse, now or while it was too early to ring; the first one is only heard."""
        now = _BADNESS[snapshot.cause_verdict]
        if self._before is not None and now != self._before:
            self._owed = now > self._before
        self._before = now
        early = self._rang is not None and snapshot.taken_at - self._rang < APART
        if self._owed and self._wanted and not early:
            self._owed, self._rang = False, snapshot.taken_at
            self._ring()
