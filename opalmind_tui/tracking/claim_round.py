"""One claim from the queue to Matomo and back: post its hits, judge the answers, tell the store."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from opalmind_tui.errors import LeaseLost, StoreUnavailable
from opalmind_tui.matomo.answer import BulkAnswer
from opalmind_tui.tracking.classify import HELD_DELAY, classify
from opalmind_tui.tracking.finality import is_final, sorted_out
from opalmind_tui.tracking.prepare import Delivery, Hit, is_order, prepare, settlements_of
from opalmind_tui.tracking.queue import Claim, Fate, GateKind, Settlement
from opalmind_tui.tracking.runs import runs_of
from opalmind_tui.tracking.sending import Poster, Shared
from opalmind_tui.tracking.verdict import Decision, Sent, SentHit

ASK_EVERY = 0.5
"""Seconds between two questions whether delivery was paused, while a claim of several bulks is sent."""
BRISK = 0.05
"""Seconds that a bulk takes at most, for the next to be as good as posted when it is claimed meanwhile."""


class ClaimRound:
    """What is done with one claim.

    Args:
        shared: what the senders of this process share.
        poster: the client of the sender that claimed.
        claim: at least one request.
        on_post: called when a bulk leaves, with whether it is the last.
    """

    def __init__(self, shared: Shared, poster: Poster, claim: Claim, on_post: Callable[[bool], None]) -> None:
        self._shared, self._poster = shared, poster
        self._claim, self.token = claim, claim.token
        self._since = time.monotonic()
        self._on_post = on_post
        now = self._now()
        self._hits = [prepare(claimed, now) for claimed in claim.requests]
        self._closings = shared.closings
        self._unsettled: list[Settlement] = []
        self._marked = False
        """Whether the store may know for good that it is posted: then it is settled, and not released."""
        self._asked_at = self._since if claim.posting else -math.inf
        self.posting = False
        """Whether Matomo may be working on a bulk right now."""
        self._store_failed = False
        self._halted = ""
        """Why the rest of the claim is not posted."""

    async def send(self) -> bool:
        """Settle what needs no post, then post the rest: hits that need the token apart from the others.

        Returns false where the store failed on the way, so that it should be given a rest. `settle` must follow.
        """
        shards = {claimed.id[2:3] for claimed in self._claim.requests}
        if not shards.isdisjoint(self._shared.visitors):
            # The store has forgotten our lease (as one does that restarts a second in the past), or knows nothing of
            # what memory sends: a visitor has one sender all the same.
            await self._shared.duties.release(self.token)
            return False
        self._shared.visitors |= shards
        try:
            return await self._send()
        finally:
            self._shared.visitors -= shards

    async def _send(self) -> bool:
        runs = runs_of(await self._sort())
        for number, hits in enumerate(runs, 1):
            if hits[0].token_reason:
                await self._send_needing(hits[0].site, hits)
            else:
                await self._send_ordinary(hits, last_run=number == len(runs))
        return not (self._store_failed or self._shared.duties.owes(self.token))

    async def _send_ordinary(self, hits: Sequence[Hit], *, last_run: bool) -> None:
        bulks = list(self._shared.size.split(hits))
        for place, bulk in enumerate(bulks):
            if not await self._may_post():
                await self._give_back([hit for rest in bulks[place:] for hit in rest])
                return
            with_token = self._shared.token_use.with_ordinary
            decision = await self._post(bulk, with_token=with_token, last=last_run and place == len(bulks) - 1)
            self._shared.token_use.learn_from_ordinary(decision, with_token=with_token)

    async def settle(self) -> bool:
        """Tell the store what became of the last bulk. False where it must be told later."""
        await self._shared.duties.settle(self.token, self._unsettled)
        return self._released()

    async def give_back(self) -> bool:
        """Post nothing of it. False where the store must be told later."""
        await self._shared.duties.release(self.token)
        return self._released()

    def _released(self) -> bool:
        if self._shared.duties.owes(self.token):
            return False
        self._shared.keeper.drop(self.token)
        return True

    @property
    def outdated(self) -> bool:
        """Matomo closed the endpoint since it was claimed, or the sender stops."""
        return self._shared.stopping or self._closings != self._shared.closings

    def _now(self) -> float:
        """By the store's clock, which all processes share: ours may be minutes off."""
        if self._claim.at is None:
            return self._shared.clock()
        return self._claim.at + time.monotonic() - self._since

    async def _sort(self) -> list[Hit]:
        """Settle what needs no post; returns the others."""
        settled: list[Settlement] = []
        left: list[Hit] = []
        delivered = self._shared.delivered.find([claimed.id for claimed in self._claim.requests])
        for claimed, hit in zip(self._claim.requests, self._hits, strict=True):
            if hit is None:
                why = "its stored bytes are no request"
                settled.append(Settlement(claimed.id, Fate.DEAD, error=why, unposted=True))
            elif claimed.id in delivered:
                (settlement,) = settlements_of([hit], delivered[claimed.id])
                settled.append(replace(settlement, unposted=True))
                self._shared.counter.add(again=1)
            else:
                left.append(hit)
        await self._shared.duties.settle(self.token, settled)
        return left

    async def _send_needing(self, site: str, hits: Sequence[Hit]) -> None:
        """Post hits that need the token: one alone until the token is proved for their site, then all."""
        token_use = self._shared.token_use
        while hits:
            await token_use.ask_others(site)
            if not token_use.usable(site):
                await self._hold(hits)
                return
            if not await self._may_post():
                await self._give_back(hits)
                return
            proved = token_use.is_proved(site)
            bulk = next(self._shared.size.split(hits)) if proved else hits[:1]
            hits = hits[len(bulk) :]
            decision = await self._post(bulk, with_token=True, needs_token=True, proved=proved)
            token_use.learn_from_needed(decision, site)
            await token_use.tell_others(decision, site)

    async def _hold(self, hits: Sequence[Hit]) -> None:
        self._shared.counter.add(held=len(hits))
        await self._shared.duties.settle(
            self.token,
            [
                Settlement(
                    hit.claimed.id,
                    Fate.RETRY,
                    delay=HELD_DELAY,
                    error=f"held: {hit.token_reason} and no usable token",
                    costs_attempt=False,
                    unposted=True,
                )
                for hit in hits
            ],
        )

    async def _may_post(self) -> bool:
        """Whether the next bulk may leave. The claim is marked before the first, if it was not when it was made. Later
        the store is asked now and then, for somebody may have paused delivery meanwhile."""
        if self._shared.stopping:
            self._halted = "the sender stops"
        elif not self._shared.keeper.may_post(self.token):
            self._halted, self._store_failed = "the lease could not be renewed", True
        if self._halted or time.monotonic() - self._asked_at < ASK_EVERY:
            return not self._halted
        try:
            pause = await self._shared.queue.mark_posted(self.token)
        except LeaseLost as error:
            # Somebody else may be sending these by now.
            self._halted = str(error)
            return False
        except StoreUnavailable as error:
            self._shared.counter.store_failed(error)
            if not self._marked:
                self._halted, self._store_failed = "the store could not be told", True
                self._marked = error.in_doubt
                return False
        else:
            if pause is not None:
                self._halted = f"paused by {pause.reason}"
                return False
        self._marked, self._asked_at = True, time.monotonic()
        # Marking takes a moment, in which the lease may have come to its end.
        return await self._may_post()

    async def _give_back(self, hits: Sequence[Hit]) -> None:
        if not self._marked:
            await self._shared.duties.release(self.token)
            return
        await self._shared.duties.settle(
            self.token,
            [Settlement(hit.claimed.id, Fate.UNSENT) for hit in hits],
        )

    async def _post(
        self,
        bulk: Sequence[Hit],
        *,
        with_token: bool,
        needs_token: bool = False,
        proved: bool = False,
        last: bool = False,
    ) -> Decision:
        shared = self._shared
        sent = Sent(
            tuple([_sent(hit, needs_token=needs_token) for hit in bulk]),
            with_token=with_token,
            needs_token=needs_token,
            proved=proved,
            failures=max(self._claim.gate.failures if self._claim.gate else 0, shared.cooldowns),
            # A probe is there to find out.
            taking=shared.taking and not self._claim.probe,
        )
        self.posting = self._marked = True
        self._on_post(last)
        try:
            answer = await self._poster.post_bulk([hit.params for hit in bulk], with_token=with_token)
        finally:
            self.posting = False
        decision = classify(answer, sent, shared.backoff)
        settlements = self._learn(bulk, decision, answer, needs_token=needs_token)
        await self._act_on_gate(decision)
        if last:
            # While the next bulk is under way: its visitors are others, for these are leased until they are settled.
            self._unsettled = settlements
        else:
            await shared.duties.settle(self.token, settlements)
        return decision

    def _learn(
        self, bulk: Sequence[Hit], decision: Decision, answer: BulkAnswer, *, needs_token: bool
    ) -> list[Settlement]:
        """Remember what the answer tells, and complete the settlements with their records."""
        shared = self._shared
        shared.counter.decided(decision, answer.status, answer.elapsed)
        shared.size.learn(decision.size, bulk, done=is_final(decision))
        shared.taking = decision.took
        shared.steady = decision.took and answer.elapsed <= shared.lease / 4
        shared.brisk = decision.took and answer.elapsed <= BRISK
        settlements, final = sorted_out(bulk, decision, resend_unknown=shared.resend_unknown)
        for (fate, error), hits in final.items():
            delivery = Delivery(fate, answer.status or 0, answer.body, self._now(), error)
            shared.delivered.remember([hit.claimed.id for hit in hits], delivery)
            settlements += settlements_of(hits, delivery, by_token=needs_token)
        return settlements

    async def _act_on_gate(self, decision: Decision) -> None:
        """Before the hits go back to the queue, or another sender would take them to the same end."""
        shared, action = self._shared, decision.gate
        try:
            if action is not None:
                self._halted = action.reason
                shared.closings += 1
                shared.cooldowns = action.failures if action.kind is GateKind.COOLDOWN else 0
                await shared.queue.close_gate(
                    shared.endpoint, action.kind, seconds=action.seconds, reason=action.reason,
                    failures=action.failures,
                )  # fmt: skip
            elif decision.took:
                shared.cooldowns = 0
                if self._claim.probe:
                    await shared.queue.open_gate(shared.endpoint)
        except StoreUnavailable as error:
            shared.counter.store_failed(error)
            if action is not None:
                shared.closed_until = time.monotonic() + action.seconds


def _sent(hit: Hit, *, needs_token: bool) -> SentHit:
    claimed = hit.claimed
    suspect = claimed.token_suspect if needs_token else claimed.suspect
    return SentHit(claimed.id, claimed.attempts, suspect, claimed.unknown > 0 and is_order(hit.params))
