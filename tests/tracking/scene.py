"""A queue with something under each of its keys, and everything that can be done to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from opalmind_tui.errors import LeaseLost, StoreUnavailable
from opalmind_tui.snapshot.model import GateKind, State
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tracking.ids import new_token
from opalmind_tui.tracking.queue import Adopted, Fate, LedgerShare, Settlement
from tests.tracking.conftest import client_of
from tests.tracking.queue_harness import (
    ENDPOINT,
    TAG,
    Bench,
    hit,
    id_for,
    record_of,
    redis_queue,
    visitor_in,
)

CONTENTS = """
local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind, values = redis.call('TYPE', key).ok, {}
  if kind == 'zset' then values = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end
  if kind == 'hash' then values = redis.call('HGETALL', key) end
  if kind == 'string' then values = {redis.call('GET', key), ''} end
  if kind == 'set' then
    for _, member in ipairs(redis.call('SMEMBERS', key)) do
      values[#values + 1] = member
      values[#values + 1] = ''
    end
  end
  found[#found + 1] = {key, kind, values}
end
return found
"""
NOT_IN_ONE_PLACE = """
local found = {}
for _, id in ipairs(redis.call('HKEYS', KEYS[1] .. 'msg')) do
  local number = 0
  for _, name in ipairs({'inflight', 'dead', 'trash', 'rejected', 'due:' .. string.sub(id, 1, 3)}) do
    if redis.call('ZSCORE', KEYS[1] .. name, id) then number = number + 1 end
  end
  if number ~= 1 then found[#found + 1] = id end
end
return found
"""


@dataclass
class Scene:
    """The queue, and the means to put it back as it was."""

    bench: Bench
    claim: str = ""
    held: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    due: list[str] = field(default_factory=list)
    trash: list[str] = field(default_factory=list)
    state: dict[bytes, bytes] = field(default_factory=dict)
    whole: dict[bytes, Any] = field(default_factory=dict)
    fresh: int = 1_000

    @property
    def queue(self) -> Any:
        return self.bench.queue

    @property
    def client(self) -> Any:
        return self.bench.client

    async def build(self) -> None:
        """Some of everything."""
        ids = await self.bench.accept(*[hit(number, visitor=visitor_in(number % 3)) for number in range(18)])
        claim = await self.bench.claim(8)
        fates = [
            Settlement(claim.requests[0].id, Fate.RETRY, delay=500, error="503", status=503, unknown=True),
            Settlement(claim.requests[1].id, Fate.DEAD, error="400", status=400),
            Settlement(claim.requests[2].id, Fate.REJECTED, error="unknown site", status=200),
            Settlement(claim.requests[3].id, Fate.RETRY, delay=0, error="held: no token"),
            Settlement(claim.requests[4].id, Fate.DEAD),
        ]
        await self.queue.settle(claim.token, fates)
        await self.queue.release(claim.token)
        self.dead = [claim.requests[1].id, claim.requests[4].id]
        self.trash = ids[-2:] + self.dead[1:]
        await self.queue.purge(self.trash)
        await self.queue.purge([ids[-3]], hard=True)
        expired = await self.bench.claim(1, lease=0.0)
        await self.queue.mark_posted(expired.token)
        held = await self.bench.claim(3)
        self.claim, self.held = held.token, [request.id for request in held.requests]
        self.due = list((await self.queue.ids(State.PENDING))[0])
        await self.queue.limit_rate(ENDPOINT, 1_000.0, by="me", reason="test")
        for name in ("asleep", "gate"):
            await self.client.hset(TAG + name, "zz", "{}")
        self.state, self.whole = await self.dump(), await self.contents()

    async def dump(self) -> dict[bytes, bytes]:
        """All that is stored, as bytes."""
        keys = sorted(await self.client.keys("*"))
        return {key: await self.client.dump(key) for key in keys}

    async def contents(self) -> dict[bytes, Any]:
        """All that is stored, whatever the order in which the server keeps it."""
        found = await self.client.eval(CONTENTS, 0)
        return {key: (kind, sorted(zip(values[::2], values[1::2], strict=False))) for key, kind, values in found}

    async def reset(self) -> None:
        """As it was built."""
        pipe = self.client.pipeline(transaction=False)
        pipe.flushall()
        for key, value in self.state.items():
            pipe.restore(key, 0, value)
        await pipe.execute()

    async def stored(self) -> set[bytes]:
        """The ids of all bodies."""
        return set(await self.client.hkeys(TAG + "msg"))

    async def mend(self) -> None:
        """What time and any process do by themselves."""
        await self.bench.pass_seconds(70)
        await self.queue.reap()
        cursor = ""
        while cursor := (await self.queue.reconcile(cursor)).cursor:
            pass

    async def in_several_places(self) -> list[bytes]:
        """Ids that do not stand in exactly one set."""
        found: list[bytes] = await self.client.eval(NOT_IN_ONE_PLACE, 1, TAG)
        return found

    def number(self) -> int:
        """One that no request has."""
        self.fresh += 1
        return self.fresh


def adopted(scene: Scene) -> list[Adopted]:
    request = hit(scene.number(), visitor=visitor_in(1))
    return [Adopted(id_for(request), request, ENDPOINT, 1.0, attempts=1, error="503", unknown=True)]


def settled(scene: Scene, fate: Fate) -> Awaitable[Any]:
    fates = [Settlement(request_id, fate, unknown=fate is Fate.RETRY, error="x") for request_id in scene.held]
    return scene.queue.settle(scene.claim, fates)  # type: ignore[no-any-return]


def delivered(scene: Scene) -> Awaitable[Any]:
    fates = [Settlement(request_id, Fate.DELIVERED, record=record_of("key")) for request_id in scene.held]
    return scene.queue.settle(scene.claim, fates)  # type: ignore[no-any-return]


ACTS: dict[str, Callable[[Scene], Awaitable[Any]]] = {
    "enqueue": lambda s: s.queue.enqueue(ENDPOINT, [hit(s.number(), visitor=visitor_in(at)) for at in range(3)]),
    "enqueue keyless": lambda s: s.queue.enqueue(ENDPOINT, [hit(1, key="", visitor=visitor_in(0))]),
    "claim": lambda s: s.queue.claim(ENDPOINT, new_token(), limit=9, lease=60),
    "claim again": lambda s: s.queue.claim(ENDPOINT, s.claim, limit=9, lease=60),
    "posted": lambda s: s.queue.mark_posted(s.claim),
    "extend": lambda s: s.queue.extend([s.claim], 60),
    "deliver": delivered,
    "retry later": lambda s: settled(s, Fate.RETRY),
    "bury": lambda s: settled(s, Fate.DEAD),
    "reject": lambda s: settled(s, Fate.REJECTED),
    "release": lambda s: s.queue.release(s.claim),
    "retry": lambda s: s.queue.retry(s.dead + s.due),
    "purge": lambda s: s.queue.purge(s.dead + s.due),
    "purge hard": lambda s: s.queue.purge(s.dead + s.due + s.trash, hard=True),
    "restore": lambda s: s.queue.restore(s.trash),
    "adopt": lambda s: s.queue.adopt(adopted(s)),
    "merge": lambda s: s.queue.merge_ledger(LedgerShare(new_token(), delivered=1)),
    "close": lambda s: s.queue.close_gate(ENDPOINT, GateKind.BREAKER, seconds=9, reason="503"),
    "pause": lambda s: s.queue.pause(ENDPOINT, by="me", reason="test"),
    "limit": lambda s: s.queue.limit_rate(ENDPOINT, 5.0, by="me", reason="test"),
    "open": lambda s: s.queue.open_gate(ENDPOINT),
    "counts": lambda s: s.queue.counts(ENDPOINT),
    "rows": lambda s: s.queue.rows(limit=50),
    "unknown": lambda s: s.queue.rows(limit=50, unknown_only=True),
    "find": lambda s: s.queue.find("key-1"),
}  # fmt: skip
STEPWISE = {"reap": lambda s: s.queue.reap(), "reconcile": lambda s: s.queue.reconcile()}
"""These do one thing after another: what was done before the trouble stays done."""
LOOKS = {"counts", "rows", "unknown", "find", "open", "posted", "extend"}
REMOVE = {"deliver": "held", "purge hard": "all"}
ALARMED = {"msg", "ledger"}
"""These hold what nothing else holds: without them the ledger cannot be whole."""


async def refusal_of(act: Awaitable[Any]) -> StoreUnavailable | None:
    """Why it was refused, None where it was done. That a claim is lost is an answer."""
    try:
        await act
    except StoreUnavailable as trouble:
        return trouble
    except LeaseLost:
        return None
    return None


@asynccontextmanager
async def a_scene(server: LocalServer) -> AsyncIterator[Scene]:
    """A scene on a server."""
    client = client_of(server)
    scene = Scene(Bench("redis", redis_queue(client), client=client))
    await scene.build()
    yield scene
    await client.aclose()
