"""A signal that would end a program at once ends it a moment later: after its memory's requests were saved."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

NUMBERS = (signal.SIGTERM, signal.SIGHUP)


class LastSignal:
    """Listens where the program itself does not; the process ends by the same signal as without us.

    Args:
        save: what to do before. It must not wait.
    """

    def __init__(self, save: Callable[[], None]) -> None:
        self._save = save
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told = False

    def listen(self) -> None:
        """Begin; call it in the event loop. Only a main thread can listen."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._loop = asyncio.get_running_loop()
        for number in NUMBERS:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, self._handle)

    def close(self) -> None:
        """End; what the program has set meanwhile stays."""
        for number in NUMBERS:
            if signal.getsignal(number) == self._handle:
                signal.signal(number, signal.SIG_DFL)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        # Between two steps of the loop nothing is half-way. A second signal says that the loop does not get there.
        if self._loop is None or self._loop.is_closed() or self._told:
            self._end(number)
        else:
            self._told = True
            self._loop.call_soon_threadsafe(self._end, number)

    def _end(self, number: int) -> None:
        self._save()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
