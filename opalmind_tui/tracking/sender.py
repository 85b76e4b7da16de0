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
"""Seconds until an idle sender looks again that nobody can wake; other processes accept requests, too."""
LOOK_ANYWAY = 2.0
"""Seconds until an idle sender looks again that the store wakes: a word can get lost."""
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
        self._news = asyncio.Event()
        self._resting = False

    @property
    def posting(self) -> bool:
        """Whether Matomo may be working on a bulk of ours right now."""
        return self._round is not None and self._round.posting

    @property
    def can_be_woken(self) -> bool:
        """Whether it rests and nobody has woken it yet."""
        return self._resting and not self._news.is_set()

    def wake(self) -> None:
        """There may be something to do; a busy sender looks once more before it rests."""
        self._news.set()

    async def run(self) -> None:
        """Send until told to stop."""
        while not self._shared.stopping:
            wait = await self._step()
            if wait > 0 and not self._shared.stopping:
                await self._rest(wait)
            else:
                # A queue in memory never waits, and others want the loop, too.
                await asyncio.sleep(0)

    async def _rest(self, seconds: float) -> None:
        self._resting = True
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._news.wait()
        finally:
            self._resting = False
        self._news.clear()

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
        if claim.next_due is not None and claim.next_due <= (claim.at or 0.0):
            shared.wake()
        token, self._token = self._token, new_token()
        shared.keeper.hold(token, since)
        try:
            self._round = ClaimRound(shared, self._poster, claim)
            return 0.0 if await self._round.send() else STORE_WAIT
        finally:
            self._round = None
            if not shared.duties.owes(token):
                shared.keeper.drop(token)

    @staticmethod
    def _until_due(claim: Claim) -> float:
        """By the store's clock, which is not ours. What seems due waits for somebody's claim to end."""
        # The end of a pause is felt within a second, also where the word of it got lost.
        longest = LOOK_ANYWAY if claim.wakes and claim.control.paused is None else POLL
        moment = claim.gate.until if claim.gate is not None else claim.next_due
        if moment is None:
            return longest
        wait = moment - (claim.at or 0.0)
        return min(wait, longest) if wait > 0 else POLL
