"""One sender: asks for requests, and rests when there are none."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial

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
    """Claims and posts, one bulk at a time; the next is claimed, and the last one settled, while one is under way.

    Args:
        shared: what it shares with the others.
        poster: its own client.
    """

    def __init__(self, shared: Shared, poster: Poster) -> None:
        self._shared = shared
        self._poster = poster
        self._token = new_token()
        self._round: ClaimRound | None = None
        self._ahead: asyncio.Task[ClaimRound | None] | None = None
        self._posted: ClaimRound | None = None
        self._settling: asyncio.Task[bool] | None = None
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
        try:
            while not self._shared.stopping:
                wait = await self._step()
                if wait > 0 and not self._shared.stopping:
                    await self._rest(wait)
                else:
                    # A queue in memory never waits, and others want the loop, too.
                    await asyncio.sleep(0)
            await self._leave()
        except asyncio.CancelledError:
            for task in (self._ahead, self._settling):
                if task is not None:
                    task.cancel()
            raise

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
        claim_round = await self._take_ahead()
        if claim_round is None:
            blocked = self._shared.closed_until - time.monotonic()
            if blocked > 0:
                return min(blocked, POLL)
            try:
                claim = await self._claim(posting=True)
            except StoreUnavailable as error:
                self._shared.counter.store_failed(error)
                return STORE_WAIT
            if not claim.requests:
                return self._until_due(claim)
            claim_round = self._begin(claim)
        self._round = claim_round
        fine = False
        try:
            fine = await claim_round.send()
        finally:
            self._round = None
            fine &= await self._settled()
            self._posted = claim_round
            if self._ahead is None:
                fine &= await self._settled()
        return 0.0 if fine else STORE_WAIT

    async def _claim(self, *, posting: bool) -> Claim:
        """A claim. Where the store failed, the same token next time: should the claim have been made, it comes back.

        Args:
            posting: it is posted as soon as it is there.
        """
        shared = self._shared
        since = time.monotonic()
        claim = await shared.queue.claim(
            shared.endpoint, self._token, limit=shared.size.now, lease=shared.lease, posting=posting
        )
        if claim.requests:
            self._token = new_token()
            shared.keeper.hold(claim.token, since)
        return claim

    def _begin(self, claim: Claim) -> ClaimRound:
        more = claim.next_due is not None and claim.next_due <= (claim.at or 0.0)
        if more:
            self._shared.wake()
        return ClaimRound(self._shared, self._poster, claim, partial(self._leaves, more=more and not claim.probe))

    # -- the next claim while a bulk is under way ----------------------------------------------------------------

    def _leaves(self, last: bool, *, more: bool) -> None:
        """A bulk leaves. While Matomo is at work the one before is settled, and what it gets next is made ready."""
        self._settle()
        if last and more and self._ahead is None and self._shared.steady and not self._shared.stopping:
            self._ahead = asyncio.create_task(self._claim_ahead(), name="look-ahead")

    def _settle(self) -> None:
        if self._posted is not None:
            self._settling = asyncio.create_task(self._posted.settle(), name="settle")
            self._posted = None

    async def _claim_ahead(self) -> ClaimRound | None:
        try:
            claim = await self._claim(posting=self._shared.brisk)
        except StoreUnavailable as error:
            self._shared.counter.store_failed(error)
            return None
        return self._begin(claim) if claim.requests else None

    async def _take_ahead(self) -> ClaimRound | None:
        """What was claimed ahead, unless it may not be posted any more."""
        if self._ahead is None:
            return None
        task, self._ahead = self._ahead, None
        claim_round = await task
        if claim_round is None or claim_round.outdated:
            if claim_round is not None:
                await claim_round.give_back()
            # What is due may be behind the visitors of the bulk before.
            await self._settled()
            return None
        return claim_round

    async def _settled(self) -> bool:
        """Wait until the bulk before is settled, or noted for later (false)."""
        self._settle()
        task, self._settling = self._settling, None
        return task is None or await task

    async def _leave(self) -> None:
        """Give back what was claimed ahead; settle what was posted."""
        task, self._ahead = self._ahead, None
        if task is not None and (claim_round := await task) is not None:
            await claim_round.give_back()
        await self._settled()

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
