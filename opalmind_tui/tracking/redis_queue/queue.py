"""The tracking queue on Redis. The scripts hold the rules; this turns calls into scripts and replies into values."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import redis.asyncio
from msgspec import structs

from opalmind_tui.errors import LeaseLost, StoreUnavailable
from opalmind_tui.snapshot.model import Gate
from opalmind_tui.storage.group_commit import GroupCommit
from opalmind_tui.tracking import given
from opalmind_tui.tracking.queue import (
    Answer,
    Claim,
    Claimed,
    Repairs,
    Settled,
    Settlement,
)
from opalmind_tui.tracking.redis_queue.batches import MOST_ITEMS, MOST_REAPED, batches, batches_by_size
from opalmind_tui.tracking.redis_queue.beforehand import Beforehand
from opalmind_tui.tracking.redis_queue.closing import Closing
from opalmind_tui.tracking.redis_queue.keys import bytes_of, candidates_of, tag_of
from opalmind_tui.tracking.redis_queue.offers import Offer, told_of
from opalmind_tui.tracking.redis_queue.operating import TRASH_KEPT_MICROS, Operating
from opalmind_tui.tracking.redis_queue.record_places import Apart, places_of
from opalmind_tui.tracking.redis_queue.replies import (
    acceptances_from,
    claim_from,
    micros,
    pause_from,
)
from opalmind_tui.tracking.redis_queue.scripts import Argument, Scripts
from opalmind_tui.tracking.redis_queue.settlements import parts_of, told_of_settlements
from opalmind_tui.tracking.redis_queue.taking_over import TakingOver, new_epoch
from opalmind_tui.tracking.redis_queue.tally import Tally
from opalmind_tui.tracking.request import TrackingRequest, stored_key

REAP_ROUNDS = 200
"""Scripts that one `reap` runs at the most: a trash of a million is empty within minutes."""
REMEMBERED_CLAIMS = 64
REPAIRS = 400
"""How much one step of `reconcile` looks at, a request being worth four entries: two or three milliseconds of the
server. Of a small queue that is all."""


class RedisQueue(Operating, Closing, TakingOver):
    """`TrackingQueue` on one Redis, shared by any number of processes.

    Args:
        client: byte replies, no retries of its own.
        queue_prefix: before every key of the queue (REDIS_QUEUE_PREFIX).
        idempotency_prefix: before the keys of idempotency records (REDIS_IDEMPOTENCY_PREFIX).
        idempotency_ttl: the present time to live of a record, in seconds.
        max_length: requests in the queue, dead ones included; more are answered FULL. 0 for no limit.
        max_bytes: memory of their bodies; more are answered FULL. 0 for no limit.
        max_recovered: how often a lost sender may hold a request before it is dead.
        claim_shards: visitor shards that one claim may lease.
        resend_unknown: whether what this process posted is sent again when its lease runs out; else it is dead.
        worker: the name of this process, for the history of what fails.
    """

    def __init__(
        self,
        client: redis.asyncio.Redis,
        *,
        queue_prefix: str,
        idempotency_prefix: str,
        idempotency_ttl: Callable[[], int],
        max_length: int = 1_000_000,
        max_bytes: int = 0,
        max_recovered: int = 3,
        claim_shards: int = 4,
        resend_unknown: bool = True,
        worker: str = "",
    ) -> None:
        super().__init__(Scripts(client, tag_of(queue_prefix)), places_of(client, bytes_of(idempotency_prefix)))
        self._beforehand = Beforehand(self._scripts, self._records) if isinstance(self._records, Apart) else None
        self._idempotency_prefix = bytes_of(idempotency_prefix)
        self._idempotency_ttl = idempotency_ttl
        self._max_length = max_length
        self._max_bytes = max_bytes
        self._max_recovered = max_recovered
        self._claim_shards = claim_shards
        self._resend_unknown = resend_unknown
        self._worker = worker
        self._tally = Tally()
        self.wakes: Callable[[], bool] = lambda: False
        """Whether this process hears now that something was accepted: `Listener.listening`."""
        self._accepting: dict[str, GroupCommit[Offer, Answer]] = {}
        self._claims: OrderedDict[str, dict[str, Claimed]] = OrderedDict()

    def make_scripts(self) -> None:
        """Have all scripts at hand: see `Scripts.make_all`. No I/O but on files of ours."""
        self._scripts.make_all()

    # -- accepting -----------------------------------------------------------------------------------------------

    async def enqueue(
        self, endpoint: str, requests: Sequence[TrackingRequest], ids: Sequence[str] | None = None
    ) -> list[Answer]:
        named = given.ids_of(endpoint, requests, ids)
        group = self._accepting.get(endpoint)
        if group is None:
            group = self._accepting[endpoint] = GroupCommit(partial(self._accept, endpoint), MOST_ITEMS)
        return await group.add([Offer.of(*offered) for offered in zip(named, requests, strict=True)])

    async def _accept(self, endpoint: str, offers: Sequence[Offer]) -> list[Answer]:
        head: list[Argument] = [
            endpoint, candidates_of(endpoint), new_epoch(), self._max_length,
        ]  # fmt: skip
        answers: list[Answer] = []
        for part in batches_by_size([offer.body for offer in offers]):
            try:
                told, records = await self._records.told([offers[at].key for at in part if offers[at].key])
                arguments = [*head, told, self._max_bytes]
                for at in part:
                    arguments += told_of(offers[at])
                reply = await self._scripts.run("enqueue", arguments, records)
                answers += acceptances_from(reply, [offers[at].id for at in part])
            except StoreUnavailable as error:
                # Whoever asked for several scripts cannot know which of them were done.
                error.in_doubt = error.in_doubt or bool(answers)
                raise
        return answers

    # -- sending -------------------------------------------------------------------------------------------------

    async def claim(self, endpoint: str, token: str, *, limit: int, lease: float, posting: bool = False) -> Claim:
        given.claim(endpoint, token, limit, lease)
        while True:
            claim = await self._lease(endpoint, token, limit, lease, posting)
            if self._beforehand is None or not claim.requests:
                return claim
            left = await self._unknown_of(self._beforehand, claim)
            if left:
                return structs.replace(claim, requests=left)

    async def _lease(self, endpoint: str, token: str, limit: int, lease: float, posting: bool) -> Claim:
        wakes = self.wakes()
        mark = "" if not posting else "again" if self._resend_unknown else "once"
        reply = await self._scripts.run(
            "claim",
            [
                endpoint, candidates_of(endpoint), token, min(limit, 500), micros(lease), self._claim_shards,
                int(wakes), mark,
            ],
        )  # fmt: skip
        claim = claim_from(token, reply, wakes=wakes, posting=posting)
        if claim.requests:
            self._remember(token, claim.requests)
        return claim

    async def _unknown_of(self, beforehand: Beforehand, claim: Claim) -> tuple[Claimed, ...]:
        """What is left to send of a claim when all is settled for whose keys there is a record by now."""
        claimed = self._claims.get(claim.token, {})
        try:
            known = await beforehand.known(claim.requests, _keys_of(claimed))
            if known:
                await self._settle(claim.token, known, claimed)
        except StoreUnavailable:
            with contextlib.suppress(StoreUnavailable):
                await self.release(claim.token)
            raise
        gone = {settlement.id for settlement in known}
        return tuple(claimed for claimed in claim.requests if claimed.id not in gone)

    def _remember(self, token: str, requests: Sequence[Claimed]) -> None:
        self._claims[token] = {claimed.id: claimed for claimed in requests}
        while len(self._claims) > REMEMBERED_CLAIMS:
            self._claims.popitem(last=False)

    async def mark_posted(self, token: str) -> Gate | None:
        _, raw, lost = await self._scripts.run("posted", [token, int(not self._resend_unknown)])
        if lost:
            raise LeaseLost
        pause = pause_from(raw)
        return None if pause is None else pause.gate

    async def extend(self, tokens: Sequence[str], lease: float) -> tuple[str, ...]:
        given.duration("lease", lease)
        lost: list[str] = []
        for part in batches(tokens):
            lost += [token.decode() for token in await self._scripts.run("extend", [micros(lease), *part])]
        return tuple(lost)

    async def settle(self, token: str, settlements: Sequence[Settlement]) -> Settled:
        claimed = await self._claimed(token, [settlement.id for settlement in settlements])
        total = Settled()
        for part in parts_of(settlements):
            if self._beforehand is not None:
                keys = _keys_of(claimed)
                part = await self._beforehand.write_records(part, keys, max(1, self._idempotency_ttl()))
            total = total.plus(await self._settle(token, part, claimed))
        return total

    async def _settle(self, token: str, settlements: Sequence[Settlement], claimed: Mapping[str, Claimed]) -> Settled:
        told, keys = told_of_settlements(settlements, claimed)
        arguments = [token, max(1, self._idempotency_ttl()), self._worker, *self._tally.told(), *told]
        done, late, lost, *counted = await self._scripts.run("settle", arguments, self._records.names(keys))
        settled = Settled(done, late, lost, self._tally.learn(*counted))
        self._forget_claimed(token, settlements)
        return settled

    async def _claimed(self, token: str, ids: Sequence[str]) -> dict[str, Claimed]:
        """The requests: remembered from the claim, else their bodies, which never change."""
        known = dict(self._claims.get(token, {}))
        for part in batches([request_id for request_id in ids if request_id not in known]):
            bodies = await self._scripts.bodies(part)
            known |= {request_id: Claimed(request_id, body, 0.0) for request_id, body in bodies.items()}
        return known

    def _forget_claimed(self, token: str, settlements: Sequence[Settlement]) -> None:
        claimed = self._claims.get(token)
        if claimed is not None:
            for settlement in settlements:
                claimed.pop(settlement.id, None)
            if not claimed:
                del self._claims[token]

    async def release(self, token: str) -> int:
        self._claims.pop(token, None)
        return int(await self._scripts.run("release", [token]))

    # -- repairing -----------------------------------------------------------------------------------------------

    async def reap(self) -> int:
        reaped = 0
        for _ in range(REAP_ROUNDS):
            began = time.monotonic()
            arguments = [MOST_REAPED, self._max_recovered, TRASH_KEPT_MICROS, MOST_ITEMS]
            found, gone = await self._scripts.run("reap", arguments)
            reaped += found
            if not found and not gone:
                break
            # As long as the script took the server is left to others.
            await asyncio.sleep(time.monotonic() - began)
        return reaped

    async def reconcile(self, cursor: str = "") -> Repairs:
        part, _, scan = cursor.partition(" ")
        once = int(not self._resend_unknown)
        reply = await self._scripts.run("reconcile", [part, scan or "0", REPAIRS, self._max_recovered, once])
        following = f"{reply[0].decode()} {reply[1].decode()}" if reply[0] else ""
        return Repairs(cursor=following, returned=reply[2], missing=reply[3])


def _keys_of(claimed: Mapping[str, Claimed]) -> dict[str, str]:
    return {request_id: stored_key(one.body) for request_id, one in claimed.items()}
