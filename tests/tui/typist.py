"""An app on our driver that notes what is typed: ``python -m tests.tui.typist LOG``. Some keys do more."""

from __future__ import annotations

import asyncio
import errno
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

from textual.app import App
from textual.driver import Driver
from textual.events import Key, Paste, Ready
from textual.message import Message

from opalmind_tui.tui import driver
from opalmind_tui.tui.driver import LoopDriver

TIMER = 0.05
STALL = 0.4
"""Seconds that the app does nothing at all after an `S`. What is typed meanwhile is older than a timer that is due."""


def _refused(descriptor: int, most: int) -> bytes:
    """What a program gets whose terminal is another one's now."""
    raise OSError(errno.EIO, "Input/output error")


class Typist(App[int]):
    """Notes each key with its moment."""

    def __init__(self, log: Path) -> None:
        super().__init__()
        self._log = log

    def get_driver_class(self) -> type[Driver]:
        return LoopDriver

    def _note(self, *what: object) -> None:
        with self._log.open("a") as log:
            print(*what, file=log)

    def on_ready(self, event: Ready) -> None:
        self._note("ready")

    def on_paste(self, event: Paste) -> None:
        self._note("paste", len(event.text), event.text[:9], event.text[-9:])

    def on_key(self, event: Key) -> None:
        self._note("key", event.key, event.time)
        if event.key == "T":
            self._note("threads", *(thread.name for thread in threading.enumerate()))
        if event.key == "S":
            asyncio.get_running_loop().call_later(TIMER, lambda: self._note("timer", Message().time))
            self._note("stalled")
            time.sleep(STALL)
        if event.key == "E":
            driver.os = SimpleNamespace(read=_refused)  # type: ignore[attr-defined]
            self._note("refused")
        if event.key == "D" and self._driver is not None:
            self._driver.disable_input()
            self._note("disabled")
            self.set_timer(STALL, lambda: self._note("timer", Message().time))
        if event.key == "Q":
            self.exit(0)


if __name__ == "__main__":
    app = Typist(Path(sys.argv[1]))
    app.run()
    sys.exit(app.return_code)
