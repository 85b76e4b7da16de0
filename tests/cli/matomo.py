"""The stand-in Matomo for tests whose program is another process: it runs in a thread with a loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from opalmind_tui.demo.matomo import Journal, StandIn

T = TypeVar("T")
TOKEN = "0123456789abcdef0123456789abcdef"


@dataclass
class Served:
    """A stand-in that runs."""

    stand_in: StandIn
    loop: asyncio.AbstractEventLoop

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the stand-in's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def mood(self, name: str) -> None:
        """Switch its behaviour."""
        self.do(self.stand_in.set_mood(name))

    @property
    def journal(self) -> Journal:
        """What arrived."""
        return self.stand_in.journal

    @property
    def settings(self) -> dict[str, str]:
        """The environment that names it."""
        return {"MATOMO_BASE_URL": self.stand_in.url, "MATOMO_TOKEN": TOKEN, "MATOMO_DEFAULT_SITE_ID": "1"}


@contextmanager
def served() -> Iterator[Served]:
    """A stand-in, for as long as the block runs."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    served = Served(StandIn(token=TOKEN), loop)
    served.do(served.stand_in.start())
    try:
        yield served
    finally:
        served.do(served.stand_in.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
