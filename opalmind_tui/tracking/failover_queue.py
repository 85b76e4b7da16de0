"""One queue over two: Redis while it serves, memory while it does not, and the way back without a loss (I7).

A request is accepted by the store that serves at that moment. What memory accepted moves into Redis, in order, once,
while traffic goes on: until memory is empty new requests go to its end, so that nobody overtakes. A claim is settled in
the queue that gave it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.snapshot.model import Gate, Mode
from opalmind_tui.storage.link import RedisLink
from opalmind_tui.tracking import given
from opalmind_tui.tracking.in_view import InView
from opalmind_tui.tracking.memory_queue import MemoryQueue
from opalmind_tui.tracking.queue import (
    Adopted,
    Answer,
    Claim,
    LedgerShare,
    Repairs,
    Settled,
    Settlement,
    SharedQueue,
    TrackingQueue,
)
from opalmind_tui.tracking.request import TrackingRequest
from opalmind_tui.tracking.way_back import WayBack

MAY_BE_TAKEN = "Redis may have it all the same, for its answer was lost"
"""Added to why memory refuses a request that was offered to Redis before."""


class FailoverQueue(InView):
    """`TrackingQueue` over a shared queue and a private one.

    Args:
        shared: the queue on Redis.
        private: the queue in this process's memory.
        link: tells whether Redis serves.
        memory: whether this process may accept into memory at all (long-lived ones only, ruling 1).
        deliver_shared: whether `claim` takes from Redis (ruling 2).
    """

    def __init__(
        self,
        shared: SharedQueue,
        private: MemoryQueue,
        link: RedisLink,
        *,
        memory: bool = True,
        deliver_shared: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(shared, private, link)
        self._memory = memory
        self.deliver_shared = deliver_shared
        """Whether this process takes requests from Redis; what its own memory accepted it always delivers."""
        self._clock = clock
        self._claims: dict[str, TrackingQueue] = {}
        self._sending: dict[str, set[str]] = {}
        private.avoid(lambda: {request_id[2:3] for ids in self._sending.values() for request_id in ids})
        self._doubtful: set[str] = set()
        self._orphans: set[str] = set()
        self._way_back = WayBack(
            shared, private, link, guard=self._guard, share_wishes=self._share_wishes, arrived=self._back_to_redis
        )
        self.mode = Mode.REDIS
        self.since = clock()
        """When the mode began."""
        link.on_change(self._link_changed)

    # -- accepting -----------------------------------------------------------------------------------------------

    async def enqueue(
        self, endpoint: str, requests: Sequence[TrackingRequest], ids: Sequence[str] | None = None
    ) -> list[Answer]:
        """As the protocol says. Raises `StoreUnavailable` where memory may not take over."""
        # Fixed before the first try, so that Redis and memory know a request by the same id whatever happens.
        named = given.ids_of(endpoint, requests, ids)
        await self._way_back.open.wait()
        if self.mode is Mode.REDIS and self._link.writable:
            try:
                return await self._shared.enqueue(endpoint, requests, named)
            except StoreUnavailable as error:
                self._met(error)
                if not self._may_fall_back(error):
                    raise
                return await self._accept_here(endpoint, requests, named, in_doubt=error.in_doubt)
        if self.mode is Mode.REDIS and not self._may_fall_back(self._link.trouble):
            raise self._link.trouble or StoreUnavailable("closed", "Redis is away", "Retrying.")
        return await self._accept_here(endpoint, requests, named, in_doubt=False)

    def _may_fall_back(self, error: StoreUnavailable | None) -> bool:
        return self._memory and (error is None or error.falls_back)

    async def _accept_here(
        self, endpoint: str, requests: Sequence[TrackingRequest], ids: Sequence[str], *, in_doubt: bool
    ) -> list[Answer]:
        self.enter_memory_mode()
        answers = await self._private.enqueue(endpoint, requests, ids)
        if in_doubt:
            self._private.hold_in_doubt([answer.id for answer in answers if answer.id])
            answers = [
                replace(answer, reason=f"{answer.reason}; {MAY_BE_TAKEN}") if answer.reason else answer
                for answer in answers
            ]
        return answers

    def enter_memory_mode(self) -> None:
        """Redis does not serve: memory does from here on."""
        if self.mode is Mode.REDIS and self._memory:
            self.mode, self.since = Mode.MEMORY, self._clock()

    # -- sending -------------------------------------------------------------------------------------------------

    async def claim(self, endpoint: str, token: str, *, limit: int, lease: float, posting: bool = False) -> Claim:
        """From Redis while it can be reached (a full one drains on), else from memory."""
        if self._link.reachable:
            claim = (
                await self._claim_shared(endpoint, token, limit, lease, posting)
                if self.deliver_shared
                # What others accept is not for us, and what memory accepts wakes the senders: nothing to look for.
                else Claim(token, wakes=True)
            )
            # While the way back is open memory's requests move over instead: a visitor has one sender.
            if claim.requests or claim.gate is not None or self._link.writable:
                return claim
        claim = await self._private.claim(endpoint, token, limit=limit, lease=lease, posting=posting)
        if claim.requests:
            self._claims[token] = self._private
            if token in self._doubtful:
                self._doubtful.remove(token)
                self._orphans.add(token)
        return claim

    async def _claim_shared(self, endpoint: str, token: str, limit: int, lease: float, posting: bool) -> Claim:
        try:
            await self._share_control(endpoint)
            claim = await self._guard(self._shared.claim(endpoint, token, limit=limit, lease=lease, posting=posting))
        except StoreUnavailable as error:
            # Redis may hold a claim under this token. Asked again with it, it gives the same; if the token goes to
            # memory's requests meanwhile, that claim is nobody's.
            if error.in_doubt:
                self._doubtful.add(token)
            raise
        self._doubtful.discard(token)
        self._private.follow(endpoint, claim.control)
        if claim.requests:
            self._sending[token] = {request.id for request in claim.requests}
        return claim

    def holds_here(self, token: str) -> bool:
        """The claim was given by memory. Safe to ask from any thread."""
        return token in self._claims

    def _of(self, token: str) -> TrackingQueue:
        return self._claims.get(token, self._shared)

    async def mark_posted(self, token: str) -> Gate | None:
        return await self._guard(self._of(token).mark_posted(token))

    async def extend(self, tokens: Sequence[str], lease: float) -> tuple[str, ...]:
        """Leases in memory cannot be lost while the process lives; those on Redis are renewed there."""
        here = [token for token in tokens if token in self._claims]
        there = [token for token in tokens if token not in self._claims]
        lost = await self._private.extend(here, lease) if here else ()
        if there:
            lost += await self._guard(self._shared.extend(there, lease))
        return lost

    async def settle(self, token: str, settlements: Sequence[Settlement]) -> Settled:
        # Whether or not Redis can be told now: these are not being sent any more.
        self._sent(token, {settlement.id for settlement in settlements})
        settled = await self._guard(self._of(token).settle(token, settlements))
        if token in self._claims and not self._private.holds(token):
            del self._claims[token]
        return settled

    def _sent(self, token: str, ids: set[str] | None = None) -> None:
        """These of a claim (None: all) are not being sent from Redis any more."""
        left = self._sending.pop(token, set())
        if ids is not None and (left := left - ids):
            self._sending[token] = left

    async def release(self, token: str) -> int:
        self._sent(token)
        released = await self._guard(self._of(token).release(token))
        self._claims.pop(token, None)
        return released

    async def reap(self) -> int:
        reaped = await self._private.reap()
        if self._link.reachable:
            reaped += await self._guard(self._shared.reap())
        return reaped

    async def reconcile(self, cursor: str = "") -> Repairs:
        if not self._link.reachable:
            return Repairs()
        return await self._guard(self._shared.reconcile(cursor))

    # -- who serves ----------------------------------------------------------------------------------------------

    @property
    def viewed(self) -> TrackingQueue:
        """The queue that a screen shows and an operator acts on: the shared one whenever it can be reached."""
        return self._shared if self._link.reachable or not self._memory else self._private

    @property
    def held(self) -> tuple[int, int]:
        """How many claims on Redis this process holds, and how many requests are in them."""
        return len(self._sending), sum(map(len, self._sending.values()))

    @property
    def only_here(self) -> int:
        """Requests that exist in this process's memory only."""
        return len(self._private)

    async def _share_control(self, endpoint: str | None = None) -> None:
        """What operators asked of this process while Redis was away: before it claims there, so that it holds on."""
        for wished_for, change in self._private.own_control():
            if endpoint in (None, wished_for):
                await self._guard(self._shared.keep_control(wished_for, change))
                self._private.control_shared(wished_for, change)

    async def adopt(self, requests: Sequence[Adopted]) -> list[Answer]:
        return await self._guard(self._shared.adopt(requests))

    async def merge_ledger(self, share: LedgerShare) -> None:
        await self._guard(self._shared.merge_ledger(share))

    # -- the way back --------------------------------------------------------------------------------------------

    async def move_over(self) -> int:
        """Move what memory holds into Redis and go back to it. Returns how many requests moved.

        Raises `StoreUnavailable` when Redis fails again on the way; what had moved by then stays moved.
        """
        return await self._way_back.move_over()

    async def keep_moving(self) -> None:
        """Move over whenever Redis serves and memory holds something. Runs until it is cancelled."""
        await self._way_back.keep_moving(lambda: self.mode is Mode.MEMORY)

    async def _share_wishes(self) -> None:
        """What operators asked for here, for it must hold on; and claims that are nobody's go back."""
        await self._share_control()
        for token in tuple(self._orphans):
            await self._guard(self._shared.release(token))
            self._orphans.discard(token)

    def _back_to_redis(self) -> None:
        if self.mode is Mode.MEMORY:
            self.mode, self.since = Mode.REDIS, self._clock()

    def _link_changed(self) -> None:
        """Whoever met the trouble: memory takes over where it may."""
        found = self._link.trouble
        if found is not None and found.falls_back:
            self.enter_memory_mode()
