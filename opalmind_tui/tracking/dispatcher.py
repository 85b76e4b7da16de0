"""Delivers the queue to one Matomo: senders, lease keeper, repairs; started, stopped and watched here."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from msgspec.structs import replace

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.tracking.backoff import Backoff
from opalmind_tui.tracking.bulk_size import BulkSize
from opalmind_tui.tracking.classify import HELD_REFUSED
from opalmind_tui.tracking.duties import Duties
from opalmind_tui.tracking.lease_keeper import Extend, LeaseKeeper
from opalmind_tui.tracking.queue import TrackingQueue
from opalmind_tui.tracking.send_stats import DispatcherStats, SendCounter
from opalmind_tui.tracking.sender import Sender
from opalmind_tui.tracking.sending import Poster, Shared
from opalmind_tui.tracking.shared_token import SharedToken
from opalmind_tui.tracking.token_use import TokenUse

SENDERS = 2
MAX_BULK = 200
LEASE = 30.0
REAP_EVERY = 5.0
"""Seconds, more or less a fifth: any process returns what a lost one held."""
RECONCILE_EVERY = 30.0
RECONCILE_PAUSE, RECONCILE_STEPS = 1.0, 2
"""Seconds between two turns of a round, and the steps of a turn: a hundred thousand requests in a quarter of an hour,
for two or three milliseconds of the server a step. Few steps that look at much, because asking costs a process what a
step costs the server."""
CRASH_WAIT, LONGEST_CRASH_WAIT = 1.0, 30.0
"""Seconds until a loop goes on that met an unexpected error, doubling while it meets more."""
IDLE_GRACE = 1.0
"""Seconds that a sender without a post under way gets to give back its claim when the dispatcher stops."""
LAST_WORDS = 0.5
"""Seconds to tell the store then what it could not be told before."""


class Dispatcher:
    """Delivers requests of one endpoint.

    Args:
        queue: where they are.
        endpoint: as `matomo.endpoints.tracking_url` names it.
        token: `MATOMO_TOKEN`, empty for none. It goes no further than to `TokenUse`, which keeps only that it exists.
        poster: makes a sender's own client.
        extend: renews leases from a thread; see `extenders`.
        senders: how many post at the same time.
        max_bulk: hits in one bulk at the most; 1 tells of each hit what became of it.
        resend_unknown: whether what was posted and not answered is sent again; else it is dead.
        lease: seconds that a claim lasts without renewal.
        shared_token: what all processes know of the token.
        clock: epoch seconds.
        uniform: a random number between two bounds.

    Used from one event loop.
    """

    def __init__(
        self,
        queue: TrackingQueue,
        endpoint: str,
        token: str,
        *,
        poster: Callable[[], Poster],
        extend: Extend,
        senders: int = SENDERS,
        max_bulk: int = MAX_BULK,
        resend_unknown: bool = True,
        lease: float = LEASE,
        shared_token: SharedToken | None = None,
        clock: Callable[[], float] = time.time,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._queue = queue
        self._counter = SendCounter(clock)
        self._keeper = LeaseKeeper(extend, lease)
        self._duties = Duties(queue, on_trouble=self._counter.store_failed, on_done=self._keeper.drop)
        self._shared = Shared(
            queue=queue,
            endpoint=endpoint,
            lease=lease,
            keeper=self._keeper,
            duties=self._duties,
            counter=self._counter,
            token_use=TokenUse(token, time.monotonic, shared_token),
            size=BulkSize(max_bulk),
            resend_unknown=resend_unknown,
            backoff=Backoff(uniform),
            wake=self.wake,
            clock=clock,
        )
        self._uniform = uniform
        self._make_poster = poster
        self._number = senders
        self._senders: list[Sender] = []
        self._posters: list[Poster] = []
        self._sending: dict[asyncio.Task[None], Sender] = {}
        self._background: list[asyncio.Task[None]] = []
        self._cursor = ""

    # -- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start delivering."""
        self._shared.stopping = False
        # In a thread, for an HTTP client takes a while to load, and a screen wants to draw meanwhile.
        self._posters = await asyncio.to_thread(lambda: [self._make_poster() for _ in range(self._number)])
        self._senders = [Sender(self._shared, poster) for poster in self._posters]
        self._keeper.start()
        self._sending = {
            asyncio.create_task(self._supervise(f"sender {number}", sender.run), name=f"sender-{number}"): sender
            for number, sender in enumerate(self._senders, 1)
        }
        self._background = [
            asyncio.create_task(self._supervise(name, loop), name=name)
            for name, loop in (("duties", self._duties.run), ("reaper", self._reap), ("reconciler", self._reconcile))
        ]

    async def stop(self, grace: float = 30.0) -> None:
        """Stop claiming, give back what is not posted, and wait for what is.

        Args:
            grace: seconds for posts under way. What is not answered by then is left to its lease: nobody knows
                whether Matomo has it, so it may not go to another sender at once.
        """
        self._shared.stopping = True
        for sender in self._senders:
            sender.wake()
        ends = time.monotonic() + grace
        idle_ends = time.monotonic() + IDLE_GRACE
        pending = {task for task in self._sending if not task.done()}
        while pending:
            posting = any(self._sending[task].posting for task in pending)
            idle = any(not self._sending[task].posting for task in pending)
            until = max(ends if posting else 0.0, idle_ends if idle else 0.0)
            left = until - time.monotonic()
            if left <= 0:
                break
            _, pending = await asyncio.wait(pending, timeout=min(left, 0.1), return_when=asyncio.FIRST_COMPLETED)
        await self._end([*self._sending, *self._background])
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await self._duties.finish()
        self._keeper.stop()
        for poster in self._posters:
            await poster.close()
        self._sending, self._background, self._senders, self._posters = {}, [], [], []

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        left = {task for task in tasks if not task.done()}
        while left:
            # Again, should anything on the way have forgotten the first time.
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=0.2)

    # -- control -------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Something was accepted, here or by another process: look at once. One look is enough; who finds more than it
        can take wakes the next."""
        resting = [sender for sender in self._senders if sender.can_be_woken]
        for sender in resting[:1] or self._senders:
            sender.wake()

    async def test_token_again(self) -> None:
        """An operator says that the token is good now; hits that were held come back by themselves or by a retry."""
        await self._shared.token_use.forget_everywhere()

    def stats(self) -> DispatcherStats:
        """What was done so far, and how things stand."""
        token = self._shared.token_use.state
        return replace(
            self._counter.stats,
            running=bool(self._sending),
            owed=self._duties.owed,
            bulk_size=self._shared.size.now,
            token=token,
            token_reason=HELD_REFUSED if token == "refused" else "",
            leases_lost=self._keeper.lost,
            lease_error=self._keeper.last_error,
        )

    # -- loops ---------------------------------------------------------------------------------------------------

    async def _supervise(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        """Run a loop to its end; an unexpected error is noted, and it goes on."""
        wait = CRASH_WAIT
        while True:
            started = time.monotonic()
            try:
                await loop()
                return
            except Exception as error:  # noqa: BLE001 - a loop that died unseen would stop delivery for good
                self._counter.crashed(name, error)
            wait = CRASH_WAIT if time.monotonic() - started > LONGEST_CRASH_WAIT else min(wait * 2, LONGEST_CRASH_WAIT)
            await asyncio.sleep(wait)
            if self._shared.stopping:
                return

    async def _reap(self) -> None:
        while True:
            await asyncio.sleep(REAP_EVERY * self._uniform(0.8, 1.2))
            try:
                if await self._queue.reap():
                    self.wake()
            except StoreUnavailable as error:
                self._counter.store_failed(error)

    async def _reconcile(self) -> None:
        while True:
            # A round goes on at a gentle pace; between two rounds there is a rest.
            rest = RECONCILE_PAUSE if self._cursor else RECONCILE_EVERY
            await asyncio.sleep(rest * self._uniform(0.8, 1.2))
            try:
                for _ in range(RECONCILE_STEPS):
                    self._cursor = (await self._queue.reconcile(self._cursor)).cursor
                    if not self._cursor:
                        break
            except StoreUnavailable as error:
                self._counter.store_failed(error)
