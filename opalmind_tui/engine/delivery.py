"""Sending, in a process that may: the dispatcher, what wakes it, and how its leases are renewed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from opalmind_tui.engine.matomo_probe import verdict_key
from opalmind_tui.engine.stores import Stores
from opalmind_tui.errors import SettingsError
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.model import Mode

if TYPE_CHECKING:
    from opalmind_tui.tracking.dispatcher import Dispatcher
    from opalmind_tui.tracking.lease_keeper import Extend
    from opalmind_tui.tracking.send_stats import DispatcherStats


class Delivery:
    """Delivery of one process. Without `allowed` it never starts, and everything else does nothing.

    Args:
        allowed: whether this process may send at all.
        background: runs what never ends, under a name.
    """

    def __init__(
        self,
        settings: Settings,
        stores: Stores,
        endpoint: str,
        *,
        allowed: bool,
        background: Callable[[Callable[[], Awaitable[None]], str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._stores, self._endpoint = settings, stores, endpoint
        self.allowed, self._background, self._clock = allowed, background, clock
        self._dispatcher: Dispatcher | None = None

    @property
    def active(self) -> bool:
        """This process sends: from Redis, or what its memory holds while Redis is away."""
        queue = self._stores.queue
        return self.allowed and (queue.deliver_shared or queue.mode is Mode.MEMORY)

    @property
    def sent(self) -> DispatcherStats | None:
        """What was sent since the start; None for a process that does not send."""
        return self._dispatcher.stats() if self._dispatcher is not None else None

    @property
    def running(self) -> bool:
        """It was started and not stopped yet."""
        return self._dispatcher is not None

    async def start(self) -> None:
        """Begin to send, if this process may."""
        if not self.allowed:
            return
        from opalmind_tui.matomo.tracking_client import TrackingClient
        from opalmind_tui.storage.connection import async_client
        from opalmind_tui.tracking.dispatcher import MAX_BULK, Dispatcher
        from opalmind_tui.tracking.redis_queue.listener import Listener
        from opalmind_tui.tracking.shared_token import SharedToken

        settings, stores = self._settings, self._stores
        base, token = settings.matomo_base_url, settings.matomo_token
        self._dispatcher = Dispatcher(
            stores.queue,
            self._endpoint,
            token,
            poster=lambda: TrackingClient(base, token),
            extend=self._extender(),
            shared_token=SharedToken(stores.commands, verdict_key(settings), self._clock),
            max_bulk=1 if settings.exact else MAX_BULK,
            resend_unknown=settings.resend_unknown,
        )
        await self._dispatcher.start()
        listener = Listener(async_client(settings, pool=1), settings.queue_prefix, self._endpoint)
        listener.on_wake = self._dispatcher.wake
        stores.shared.wakes = lambda: listener.listening
        self._background(listener.run, "listener")

    def _extender(self) -> Extend:
        """Renews leases from the lease keeper's thread, each where its claim came from."""
        from opalmind_tui.tracking.extenders import loop_extender, redis_extender

        queue = self._stores.queue
        here = loop_extender(self._stores.memory, asyncio.get_running_loop())
        there = redis_extender(self._settings)

        def extend(tokens: Sequence[str], lease: float) -> list[str]:
            own = [token for token in tokens if queue.holds_here(token)]
            shared = [token for token in tokens if token not in own]
            lost = list(here(own, lease)) if own else []
            return lost + (list(there(shared, lease)) if shared else [])

        return extend

    def wake(self) -> None:
        """There may be something to send."""
        if self._dispatcher is not None:
            self._dispatcher.wake()

    def switch(self, on: bool) -> None:
        """Take requests from Redis, or only observe. Raises `SettingsError` where this process cannot send."""
        if not self.allowed:
            raise SettingsError("MATOMO_BASE_URL", "nothing", "the address of the Matomo to deliver to")
        self._stores.queue.deliver_shared = on
        self.wake()

    async def test_token_again(self) -> None:
        """The token may be used again by what is sent."""
        if self._dispatcher is not None:
            await self._dispatcher.test_token_again()

    async def stop(self, grace: float) -> None:
        """Stop sending. `grace`: seconds that posts under way get."""
        if self._dispatcher is not None:
            await self._dispatcher.stop(grace)
            self._dispatcher = None
