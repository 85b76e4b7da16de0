"""One way to drive each queue in tests: memory with a clock of its own, Redis with all its moments moved back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import redis.asyncio

from opalmind_tui.snapshot.model import State
from opalmind_tui.storage.cluster_keys import nodes_of
from opalmind_tui.tracking.ids import ALPHABET, endpoint_code, new_id, new_token, shard_of
from opalmind_tui.tracking.memory_queue import MemoryQueue
from opalmind_tui.tracking.queue import Acceptance, Claim, Fate, QueueCounts, Settled, Settlement
from opalmind_tui.tracking.redis_queue import RedisQueue
from opalmind_tui.tracking.request import TrackingRequest

ENDPOINT = "https://matomo.example/matomo.php"
ELSEWHERE = "https://other.example/matomo.php"
QUEUE_PREFIX = "opalmind:queue:"
RECORD_PREFIX = "opalmind:idempotency:"
TAG = QUEUE_PREFIX + "{q}:"

# Moves every moment that the queue stores into the past: as if time had passed.
PASS_TIME = """
local P, by = KEYS[1], tonumber(ARGV[1])
local function moved(text) return string.format('%.0f', tonumber(text) - by) end
for _, key in ipairs(redis.call('KEYS', '*{q}:*')) do
  if redis.call('TYPE', key).ok == 'zset' and key ~= P .. 'lately' then
    local all = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    for at = 1, #all, 2 do redis.call('ZADD', key, moved(all[at + 1]), all[at]) end
  end
end
local function moved_table(key, names)
  local all = redis.call('HGETALL', key)
  for at = 1, #all, 2 do
    local table = cjson.decode(all[at + 1])
    for _, name in ipairs(names) do
      if tonumber(table[name]) and table[name] ~= '0' then table[name] = moved(table[name]) end
    end
    redis.call('HSET', key, all[at], cjson.encode(table))
  end
end
moved_table(P .. 'meta', {'accepted', 'due', 'failed'})
moved_table(P .. 'gate', {'since', 'until'})
local aside = redis.call('HGETALL', P .. 'aside')
for at = 1, #aside, 2 do
  local set, moment, from, score, rest = string.match(aside[at + 1], '^(%l+) (%d+) (%l+) (%d+) ()')
  local text = set .. ' ' .. moved(moment) .. ' ' .. from .. ' ' .. moved(score) .. ' '
  redis.call('HSET', P .. 'aside', aside[at], text .. string.sub(aside[at + 1], rest))
end
moved_table(P .. 'control', {'since', 'until', 'from'})
for _, name in ipairs({'last', 'last_error_at', 'last_retry_at'}) do
  local held = redis.call('HGET', P .. 'ledger', name)
  if held then redis.call('HSET', P .. 'ledger', name, moved(held)) end
end
"""


class Clock:
    """The time, and what tests add to it."""

    def __init__(self) -> None:
        self.offset = 0.0

    def __call__(self) -> float:
        return time.time() + self.offset


def visitor_in(shard: int, number: int = 0) -> str:
    """A visitor of a shard; another `number`, another visitor."""
    names = (f"visitor-{at}" for at in range(100_000))
    return next(islice((name for name in names if shard_of(name) == ALPHABET[shard]), number, None))


def hit(number: int, *, key: str | None = None, visitor: str = "", payload: str = "") -> TrackingRequest:
    """A page view; its key is its number unless it is given."""
    return TrackingRequest(
        "pageview",
        {"idsite": "1", "url": f"https://example.org/{number}{payload}"},
        key=f"key-{number}" if key is None else key,
        fingerprint=f"{number:08x}{payload}",
        visitor=visitor or f"visitor-{number}",
    )


def id_for(request: TrackingRequest, endpoint: str = ENDPOINT) -> str:
    """A new id, as a caller makes it."""
    return new_id(endpoint_code(endpoint), request.visitor)


def record_of(key: str) -> bytes:
    """The record that a dispatcher writes."""
    value = '{"ok":true,"status":200,"body":""}'
    return f'{{"key":"{key}","value":{value},"attempts":1,"completedAt":1795374886856}}'.encode()


@dataclass
class Bench:
    """A queue under test."""

    name: str
    queue: Any
    client: Any = None
    clock: Clock | None = None
    expected_difference: int = 0

    def now(self) -> float:
        """The time by which the queue lives."""
        return self.clock() if self.clock is not None else time.time()

    async def pass_seconds(self, seconds: float) -> None:
        """Time passes for all that the queue holds."""
        if self.clock is not None:
            self.clock.offset += seconds
        if self.client is not None:
            await self.client.eval(PASS_TIME, 1, TAG, round(seconds * 1e6))

    async def accept(self, *requests: TrackingRequest, endpoint: str = ENDPOINT) -> list[str]:
        """Enqueue; all must be accepted. Returns the ids."""
        answers = await self.queue.enqueue(endpoint, requests)
        assert [answer.outcome for answer in answers] == [Acceptance.ACCEPTED] * len(requests)
        return [answer.id for answer in answers]

    async def claim(
        self, limit: int = 100, *, token: str = "", lease: float = 60, endpoint: str = ENDPOINT, posting: bool = False
    ) -> Claim:
        """Claim."""
        claim: Claim = await self.queue.claim(endpoint, token or new_token(), limit=limit, lease=lease, posting=posting)
        return claim

    async def settle_all(self, claim: Claim, fate: Fate, **more: Any) -> Settled:
        """One fate for all that a claim holds."""
        fates = [Settlement(request.id, fate, **more) for request in claim.requests]
        settled: Settled = await self.queue.settle(claim.token, fates)
        return settled

    async def counts(self, endpoint: str = ENDPOINT) -> QueueCounts:
        """Counts."""
        counts: QueueCounts = await self.queue.counts(endpoint)
        return counts

    async def states(self, ids: Sequence[str]) -> list[str]:
        """The states of requests, 'gone' for those that left."""
        rows = {row.id: row.state.value for row in await self.queue.rows_of(ids)}
        return [rows.get(request_id, "gone") for request_id in ids]

    async def all_ids(self) -> dict[State, list[str]]:
        """Every id by state, page after page."""
        found: dict[State, list[str]] = {}
        for state in set(State) - {State.DELIVERED}:
            after, found[state] = "", []
            while True:
                page, after = await self.queue.ids(state, after=after, limit=7)
                found[state] += page
                if not after:
                    break
        return found

    async def check(self) -> None:
        """What must hold at any moment: nothing lost or doubled, each id in one place, no key that can expire."""
        counts, found = await self._at_one_moment()
        assert counts.ledger_difference == self.expected_difference
        flat = [request_id for ids in found.values() for request_id in ids]
        assert len(flat) == len(set(flat))
        totals = {State.PENDING: counts.pending, State.SCHEDULED: counts.scheduled, State.INFLIGHT: counts.inflight}
        if self.clock is None or not self.queue._store.places.held:
            assert {state: len(found[state]) for state in totals} == totals
        assert len(found[State.DEAD]) == counts.dead
        assert (len(found[State.TRASH]), len(found[State.REJECTED])) == (counts.trash, counts.rejected_kept)
        await self._check_unknown(counts)
        if self.client is not None:
            await self._check_redis(flat)

    async def _at_one_moment(self) -> tuple[QueueCounts, dict[State, list[str]]]:
        """Counts and ids, read again where something became due between them."""
        while True:
            counts, found, after = await self.counts(), await self.all_ids(), await self.counts()
            if counts.scheduled == after.scheduled:
                return counts, found

    async def _check_unknown(self, counts: QueueCounts) -> None:
        after, found = "", list[str]()
        while True:
            page, after = await self.queue.ids(None, after=after, limit=7, unknown_only=True)
            found += page
            if not after:
                break
        assert len(found) == len(set(found)) == counts.unknown_waiting
        rows = await self.queue.rows_of(found)
        assert all(row.unknown and row.state not in (State.TRASH, State.REJECTED) for row in rows)

    async def _check_redis(self, ids: Sequence[str]) -> None:
        assert self.client is not None
        assert {key.decode() for key in await self.client.hkeys(TAG + "msg")} == set(ids)
        assert set(await self.client.hkeys(TAG + "meta")) <= set(await self.client.hkeys(TAG + "msg"))
        aside = await self.client.zrange(TAG + "trash", 0, -1) + await self.client.zrange(TAG + "rejected", 0, -1)
        assert (
            set(await self.client.hkeys(TAG + "aside")) == set(aside) >= set(await self.client.hvals(TAG + "aside-key"))
        )
        for key in [key for node in (await nodes_of(self.client)).values() for key in await node.keys("*")]:
            if key.startswith(QUEUE_PREFIX.encode()):
                assert key.startswith(TAG.encode())
                assert await self.client.ttl(key) == -1
            else:
                assert key.startswith(RECORD_PREFIX.encode())
                assert await self.client.ttl(key) > 0


def memory_bench(**limits: Any) -> Bench:
    """On memory."""
    clock = Clock()
    return Bench("memory", MemoryQueue(clock=clock, **limits), clock=clock)


def redis_queue(client: redis.asyncio.Redis, **limits: Any) -> RedisQueue:
    """A queue on a client; several of them share one queue."""
    limits.setdefault("idempotency_ttl", lambda: 86_400)
    return RedisQueue(client, queue_prefix=QUEUE_PREFIX, idempotency_prefix=RECORD_PREFIX, **limits)
