"""One sender: asks for requests, and rests when there are none."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.tracking.claim_round import ClaimRound
from opalmind_tui.tracking.ids import new_token
from opalmind_tui.tracking.queue import Claim
from opalmind_tui.tracking.sending import Poster, Shared

POLL = 0.25
"""Seconds until an idle sender looks again; other processes accept requests, too."""
STORE_WAIT = 1.0
"""Seconds until a sender asks a store again that failed."""


class Sender:
    """Claims and posts, one claim at a time.

    Args:
        shared: what it shares with the others.
        poster: its own client.
    """

    def __init__(self, shared: Shared, poster: Poster) -> None:
        self._shared = shared
        self._poster = poster
        self._token = new_token()
        self._round: ClaimRound | None = None
        self.news = asyncio.Event()
        """Set when there may be something to do."""

    @property
    def posting(self) -> bool:
        """Whether Matomo may be working on a bulk of ours right now."""
        return self._round is not None and self._round.posting

    async def run(self) -> None:
        """Send until told to stop."""
        while not self._shared.stopping:
            wait = POLL if self._shared.paused else await self._step()
            if wait > 0 and not self._shared.stopping:
                await self._rest(wait)
            else:
                # A queue in memory never waits, and others want the loop, too.
                await asyncio.sleep(0)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.news.wait()
        self.news.clear()

    async def _step(self) -> float:
        """One claim. Returns how long to rest, in seconds."""
        shared = self._shared
        blocked = shared.closed_until - time.monotonic()
        if blocked > 0:
            return min(blocked, POLL)
        since = time.monotonic()
        try:
            claim = await shared.queue.claim(shared.endpoint, self._token, limit=shared.size.now, lease=shared.lease)
        except StoreUnavailable as error:
            # The same token next time: should the claim have been made, it comes back.
            shared.counter.store_failed(error)
            return STORE_WAIT
        if not claim.requests:
            return self._until_due(claim)
        token, self._token = self._token, new_token()
        shared.keeper.hold(token, since)
        try:
            self._round = ClaimRound(shared, self._poster, claim)
            return 0.0 if await self._round.send() else STORE_WAIT
        finally:
            self._round = None
            if not shared.duties.owes(token):
                shared.keeper.drop(token)

    def _until_due(self, claim: Claim) -> float:
        """The clock of the store is not ours: a moment that seems past waits for the next look."""
        if claim.next_due is None or claim.gate is not None:
            return POLL
        wait = claim.next_due - self._shared.clock()
        return min(wait, POLL) if wait > 0 else POLL
