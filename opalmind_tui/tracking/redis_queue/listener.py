"""Hears that another process accepted something while this one had nothing to do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opalmind_tui.storage.cluster import home_of
from opalmind_tui.storage.trouble import TROUBLES, trouble
from opalmind_tui.tracking.redis_queue.keys import candidates_of, tag_of

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = logging.getLogger(__name__)
PATIENCE = 1.5
"""Seconds that one read waits."""
QUIET_READS = 3
"""Reads without a word after which the server is asked whether it is still there."""
RECONNECT, NOT_ALLOWED = 1.0, 60.0
"""Seconds until another try after a failure, and where the user may not listen."""


class Listener:
    """A connection of its own that waits for the queue's word.

    Args:
        client: with one connection, which is the listener's alone; closed at the end.
        queue_prefix: before every key of the queue, and before the channel.
        endpoint: the one whose requests this process delivers.

    The word is a hint: who misses it looks a little later. So nothing here is repeated and nothing is stored.
    """

    def __init__(self, client: Redis, queue_prefix: str, endpoint: str) -> None:
        self._client = client
        self._channel = tag_of(queue_prefix).decode() + "wake"
        codes = candidates_of(endpoint).encode()
        self._codes = {codes[at : at + 2] for at in range(0, len(codes), 2)}
        self._refusal_logged = False
        self.listening = False
        """Whether a word would be heard now."""
        self.on_wake: Callable[[], None] = lambda: None
        """Called when there may be something to do, also when the connection is lost: sleepers learn of it so."""

    async def run(self) -> None:
        """Listen, and connect again after each failure. Runs until it is cancelled."""
        try:
            while True:
                wait = RECONNECT
                try:
                    await self._listen()
                except TROUBLES as error:
                    wait = self._wait_after(error)
                finally:
                    self.listening = False
                self.on_wake()
                await asyncio.sleep(wait)
        finally:
            await self._client.aclose()

    async def _listen(self) -> None:
        """Until the server says nothing any more."""
        # What is said on one node of a Cluster is heard on all.
        pubsub: Any = (await home_of(self._client)).pubsub()
        try:
            await pubsub.subscribe(self._channel)
            quiet = 0
            while quiet <= QUIET_READS:
                heard = await pubsub.get_message(timeout=PATIENCE)
                quiet = quiet + 1 if heard is None else 0
                if heard is not None:
                    self._heard(heard)
                elif quiet == QUIET_READS:
                    await pubsub.ping()
        finally:
            await pubsub.aclose()

    def _heard(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            self.listening = True
        elif message["type"] == "message" and message["data"] in self._codes:
            self.on_wake()

    def _wait_after(self, error: BaseException) -> float:
        found = trouble(error)
        if found.kind != "permission":
            return RECONNECT
        if not self._refusal_logged:
            self._refusal_logged = True
            log.warning(
                "Redis does not let this user listen on %s: what other processes accept is found a quarter of a second"
                " later. Allow it with the ACL rule &%s",
                self._channel,
                self._channel,
            )
        return NOT_ALLOWED
