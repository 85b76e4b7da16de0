"""How many settlements the store has told this process of: one that restarts a second in the past knows of fewer."""

from __future__ import annotations

import logging
import secrets
import time

log = logging.getLogger(__name__)

REMEMBERED = 43_200.0
"""Seconds after its last settlement that a process asks for what was forgotten. The store keeps its count longer."""


class Tally:
    """The settlements of one process, by the store's own count. A script that ran before another one was sent is in it:
    answers may come in any order."""

    def __init__(self) -> None:
        self._process = secrets.token_hex(6)
        self._count = 0
        self._epoch = b""
        self._at = float("-inf")

    def told(self) -> tuple[str, int, bytes]:
        """What the script `settle` is told: who we are, and what the store counted when it answered last."""
        fresh = time.monotonic() - self._at < REMEMBERED
        return self._process, self._count if fresh else 0, self._epoch

    def learn(self, count: int, forgotten: int, epoch: bytes) -> int:
        """What the script said. Returns how many settlements the store has forgotten."""
        self._count = max(self._count, count) if epoch == self._epoch else count
        self._epoch, self._at = epoch, time.monotonic()
        if forgotten:
            log.warning(
                "Redis was set back and has forgotten that %d requests were settled: what Matomo took of them may be "
                "sent again, and counts as an unknown outcome",
                forgotten,
            )
        return forgotten
