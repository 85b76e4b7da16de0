"""Whether Redis is asked at all now, and who hears of it when it does not answer."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from opalmind_tui.engine.stores import Stores
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.snapshot.model import Mode
from opalmind_tui.storage.trouble_table import KINDS

T = TypeVar("T")


class Reach:
    """Spares a server that is known to be away: each try would cost its time-out. The link probes it."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def need_redis(self) -> None:
        """Raises `StoreUnavailable` where Redis is known to be away."""
        link = self._stores.link
        if link.trouble is not None and not link.reachable:
            raise link.trouble

    def need_answers(self) -> None:
        """As `need_redis`; a server that only refuses writes tells of itself, and just then that is wanted."""
        trouble = self._stores.link.trouble
        if trouble is None or not KINDS[trouble.kind].reads:
            self.need_redis()

    def need_queue(self) -> None:
        """As `need_redis`, unless the queue is in memory now."""
        if self._stores.queue.mode is Mode.REDIS:
            self.need_redis()

    async def asked(self, answer: Awaitable[T]) -> T:
        """Wait for an answer; whoever meets trouble tells the link, unless it is only that looking is not permitted.

        Raises `StoreUnavailable`.
        """
        try:
            return await answer
        except StoreUnavailable as error:
            if error.kind != "permission":
                self._stores.link.report(error)
            raise
