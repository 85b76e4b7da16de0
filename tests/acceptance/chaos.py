"""One run of the chaos test: who produces, who meddles, and what must be true at the end."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from asyncio.subprocess import Process
from dataclasses import dataclass, field

import redis.asyncio

from opalmind_tui.matomo.endpoints import tracking_url
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.model import State
from opalmind_tui.storage.connection import async_client
from opalmind_tui.tracking.queue import QueueCounts
from opalmind_tui.tracking.redis_queue import RedisQueue
from opalmind_tui.tracking.request import decode_request
from tests.acceptance.client import OWN_VISITOR
from tests.acceptance.support import TOKEN, Field, lines, marks
from tests.acceptance.upsets import Upsets
from tests.support import programs

BATCH = 60
SETTINGS = Settings()


@dataclass
class Tracker:
    """A running `tests.acceptance.client` and what it said."""

    name: str
    process: Process
    said: list[tuple[str, str, bool]] = field(default_factory=list)
    reading: asyncio.Task[None] | None = None

    async def ended(self) -> int:
        """Its exit code, once all that it said was heard."""
        if self.reading is not None:
            await self.reading
        return await self.process.wait()

    async def read(self) -> None:
        """Hear what it says."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            mark, outcome, durable = json.loads(line)
            self.said.append((mark, outcome, durable))


class Chaos:
    """One run.

    Args:
        field: the parts; `field.env` leads through the proxy that `upsets` rules.
        seed: settles the course of events.
    """

    def __init__(self, field: Field, upsets: Upsets, seed: int) -> None:
        self.field = field
        self.upsets = upsets
        self.chance = random.Random(seed)
        self.accepted: set[str] = set()
        self.purged: set[str] = set()
        self.killed: set[str] = set()
        """Names of programs that were killed: what their memory knew is known to nobody."""
        self.trackers: list[Tracker] = []
        self._next = self._started = 0
        self._client = async_client(Settings(redis_url=field.server.url))
        self.queue = RedisQueue(
            self._client, queue_prefix=SETTINGS.queue_prefix, idempotency_prefix=SETTINGS.idempotency_prefix,
            idempotency_ttl=lambda: 86_400,
        )  # fmt: skip
        self.endpoint = tracking_url(field.matomo.url)

    async def close(self) -> None:
        """End what this started."""
        for tracker in self.trackers:
            if tracker.process.returncode is None:
                tracker.process.kill()
            await tracker.ended()
        await self._client.aclose()

    # -- producers -----------------------------------------------------------------------------------------------

    async def produce(self) -> None:
        """Track a batch, again and again until each line is taken: every line has a key, so nothing doubles."""
        batch = lines(BATCH, seed=self.chance.randrange(1 << 30))
        for entry in batch:
            mark, self._next = str(self._next), self._next + 1
            entry["url"] = f"https://example.com/page?mark={mark}"
            entry["idempotencyKey"] = f"mark-{mark}"
        text = "".join(json.dumps(entry) + "\n" for entry in batch).encode()
        while True:
            done = await programs.run("track", "--from", "-", env=self.field.env, stdin=text)
            if done.code == 0:
                break
            assert done.code == 3, done.stderr
            await asyncio.sleep(0.5)
        self.accepted |= {entry["url"].partition("mark=")[2] for entry in batch}

    async def tracker(self) -> None:
        """Start a program that tracks through the library."""
        name, self._started = f"t{self._started}", self._started + 1
        made = Tracker(name, await programs.start(name, env=self.field.env, module="tests.acceptance.client"))
        made.reading = asyncio.create_task(made.read())
        self.trackers.append(made)

    async def end_trackers(self) -> None:
        """Let them finish; what they accepted must be saved or sent."""
        for tracker in self.trackers:
            assert tracker.process.stdin is not None
            tracker.process.stdin.close()
        for tracker in self.trackers:
            async with asyncio.timeout(60):
                code = await tracker.ended()
            assert code == 0, f"{code} requests were lost with the memory of a client"
            self.accepted |= {mark for mark, outcome, _ in tracker.said if outcome in ("accepted", "duplicate")}

    async def kill_tracker(self) -> None:
        """What Redis had of it stays; what only its memory had was never promised to survive."""
        victim = self.chance.choice(self.trackers)
        victim.process.send_signal(signal.SIGKILL)
        await victim.ended()
        self.trackers.remove(victim)
        self.killed.add(victim.name)
        self.accepted |= {
            mark for mark, outcome, durable in victim.said if durable and outcome in ("accepted", "duplicate")
        }
        await self.tracker()

    # -- an operator ---------------------------------------------------------------------------------------------

    async def retry_some(self) -> None:
        """Make some that wait due now, and all that are dead."""
        for state in (State.SCHEDULED, State.DEAD):
            ids, _ = await self.queue.ids(state, limit=100)
            await self.queue.retry(ids)

    async def purge_some(self) -> None:
        """Take some that wait out of the queue: into the trash, or for good."""
        await self._purge(await self._some(), hard=self.chance.random() < 0.5)

    async def purge_and_restore(self) -> None:
        """Take some out, and bring them back: they count as if nothing had been."""
        found = await self._some()
        await self._purge(found, hard=False)
        await asyncio.sleep(self.chance.uniform(0, 1))
        back = await self.queue.restore(list(found))
        if back.done == len(found):
            self.purged -= set(found.values())

    async def pause_a_while(self) -> None:
        """Nobody delivers meanwhile."""
        await self.queue.pause(self.endpoint, by="chaos", reason="a test", seconds=self.chance.uniform(0.5, 3))
        await asyncio.sleep(self.chance.uniform(0, 2))
        await self.queue.resume(self.endpoint, by="chaos")

    async def slow_a_while(self) -> None:
        """All deliver more slowly meanwhile."""
        await self.queue.limit_rate(self.endpoint, self.chance.choice((5, 50)), by="chaos", reason="a test")
        await asyncio.sleep(self.chance.uniform(0, 2))
        await self.queue.limit_rate(self.endpoint, None, by="chaos", reason="well again")

    async def _some(self) -> dict[str, str]:
        """Some that wait, with their marks."""
        ids, _ = await self.queue.ids(self.chance.choice((State.PENDING, State.SCHEDULED)), limit=3)
        bodies = await self._client.hmget(f"{SETTINGS.queue_prefix}{{q}}:msg", list(ids)) if ids else []
        requests = {request_id: decode_request(body) for request_id, body in zip(ids, bodies, strict=True) if body}
        return {
            request_id: request.params["url"].partition("mark=")[2]
            for request_id, request in requests.items() if request is not None
        }  # fmt: skip

    async def _purge(self, found: dict[str, str], *, hard: bool) -> None:
        # Noted before: a purge whose answer is lost may have been done.
        self.purged |= set(found.values())
        await self.queue.purge(list(found), hard=hard)

    # -- the end -------------------------------------------------------------------------------------------------

    async def counts(self) -> QueueCounts:
        """The queue's counts."""
        return await self.queue.counts(self.endpoint)

    async def settle(self, seconds: float) -> QueueCounts:
        """Calm weather until nothing waits; whatever died is listed, and an operator sends it on."""
        await self.upsets.over()
        await self.queue.resume(self.endpoint, by="chaos")
        await self.queue.limit_rate(self.endpoint, None, by="chaos", reason="the end")
        await self.end_trackers()
        async with asyncio.timeout(seconds):
            while True:
                counts = await self.counts()
                if counts.dead:
                    dead, _ = await self.queue.ids(State.DEAD)
                    assert dead, "dead ones are counted and not listed"
                    await self.queue.retry(dead)
                elif counts.pending + counts.scheduled + counts.inflight == 0:
                    return counts
                await asyncio.sleep(0.2)

    def verdict(self, counts: QueueCounts) -> list[str]:
        """What is not as it must be."""
        arrived = marks(self.field.matomo)
        missing = self.accepted - arrived.keys() - self.purged
        # What only a killed program's memory had it may have sent twice, as any, and nobody is left to have counted it.
        twice = {
            mark: times for mark, times in arrived.items()
            if times > 1 and (mark in self.accepted or mark.partition("-")[0] not in self.killed)
        }  # fmt: skip
        again = sum(times - 1 for times in twice.values())
        met = [visitor for visitor in self.field.matomo.journal.overlaps if OWN_VISITOR not in visitor]
        wrong = []
        if counts.ledger_difference:
            wrong.append(f"the ledger is off by {counts.ledger_difference}")
        # Which hits of a bulk Matomo dropped cannot be told; how many can.
        if len(missing) > counts.dropped + counts.rejected:
            wrong.append(f"{len(missing)} never arrived, e.g. {sorted(missing)[:10]}")
        # What at-least-once makes unavoidable is counted, and nothing else goes twice (I3).
        if again > counts.unknown:
            wrong.append(
                f"{again} were stored again, {counts.unknown} outcomes were unknown, e.g. {sorted(twice)[:10]}"
            )
        if met and not self.upsets.zombies:
            wrong.append(f"visitors had two senders at once: {met[:5]}")
        return wrong

    async def secrets(self) -> list[str]:
        """Keys whose values hold the token: there must be none, though Matomo's answers repeat it (I10)."""
        found, secret = [], TOKEN.encode()
        async with redis.asyncio.Redis.from_url(self.field.server.url) as client:
            async for key in client.scan_iter(count=500):
                kind = await client.type(key)
                read = {b"string": client.get, b"hash": client.hgetall, b"stream": client.xrange}.get(kind)
                if secret in key or (read is not None and TOKEN in str(await read(key))):  # type: ignore[operator]
                    found.append(str(key))
        return found
