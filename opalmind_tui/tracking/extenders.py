"""How a thread renews leases: on Redis by a connection of its own, in memory through the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.connection import sync_client
from opalmind_tui.storage.trouble import TROUBLES, trouble, trouble_of_kind
from opalmind_tui.tracking.lease_keeper import Extend
from opalmind_tui.tracking.queue import TrackingQueue
from opalmind_tui.tracking.redis_queue.keys import tag_of
from opalmind_tui.tracking.redis_queue.replies import micros
from opalmind_tui.tracking.redis_queue.scripts import source_of

LOOP_TIMEOUT = 5.0
"""Seconds that a thread waits for the event loop."""


def redis_extender(settings: Settings) -> Extend:
    """Renews leases on Redis by a blocking connection, which is opened at the first call."""
    client = sync_client(settings)
    script = client.register_script(source_of("extend"))
    tag = tag_of(settings.queue_prefix)

    def extend(tokens: Sequence[str], lease: float) -> Collection[str]:
        try:
            lost = script(keys=[tag], args=[micros(lease), *tokens])
        except TROUBLES as error:
            raise trouble(error) from error
        return [token.decode() for token in lost]

    return extend


def loop_extender(queue: TrackingQueue, loop: asyncio.AbstractEventLoop) -> Extend:
    """Renews leases through the event loop: for what lives in this process's memory, where only the loop could take
    a lease away."""

    def extend(tokens: Sequence[str], lease: float) -> Collection[str]:
        if loop.is_closed():
            raise trouble_of_kind("closed")
        future = asyncio.run_coroutine_threadsafe(queue.extend(tokens, lease), loop)
        try:
            return future.result(LOOP_TIMEOUT)
        except TimeoutError:
            future.cancel()
            raise trouble_of_kind("timeout") from None

    return extend
