"""Keeps a report from waiting for a Redis that does not answer: one time-out, then nothing until a probe succeeds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from opalmind_tui.errors import StoreUnavailable

FIRST_WAIT, LONGEST_WAIT = 0.5, 5.0
"""Seconds before the first probe, doubling up to the longest."""
_STILL_THERE = frozenset({"oom", "readonly", "misconf", "reply", "permission", "crossslot"})
"""Refusals of one command by a server that is there: they open nothing."""


class Breaker:
    """Closed while Redis answers.

    Args:
        probe: asks the server whether it answers; raises `StoreUnavailable`. It runs in a task of its own, so that
            no caller waits for it.
        clock: seconds that only go forward.
    """

    def __init__(self, probe: Callable[[], Awaitable[None]], clock: Callable[[], float] = time.monotonic) -> None:
        self._probe = probe
        self._clock = clock
        self._wait = FIRST_WAIT
        self._next_probe = 0.0
        self._probing: asyncio.Task[None] | None = None
        self.trouble: StoreUnavailable | None = None
        """Why it is open; None while it is closed."""

    def allows(self) -> bool:
        """May Redis be asked now? While it is open, the first to ask after the wait starts a probe."""
        if self.trouble is None:
            return True
        if self._probing is None and self._clock() >= self._next_probe:
            self._probing = asyncio.get_running_loop().create_task(self._test())
        return False

    def report(self, error: StoreUnavailable) -> None:
        """Somebody met this trouble."""
        if error.kind in _STILL_THERE:
            return
        self.trouble = error
        self._next_probe = self._clock() + self._wait

    async def close(self) -> None:
        """End a probe under way."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)

    async def _test(self) -> None:
        try:
            await self._probe()
        except StoreUnavailable as error:
            self._wait = min(LONGEST_WAIT, self._wait * 2)
            self.report(error)
        else:
            self._wait = FIRST_WAIT
            self.trouble = None
        finally:
            self._probing = None
