"""Where idempotency records are looked up and written: by the queue's own scripts on one server; on a Cluster, where
they lie in other slots than the queue, before them.

On a Cluster nobody can look up a record and change the queue in one step. What holds all the same, and why:

- A record is written before the acknowledgement. So a request leaves the queue, and its key is free for another, only
  when its record is there.
- Records are looked up before requests are offered, and the queue's own index of keys admits one request a key. Between
  look-up and offer somebody may deliver and acknowledge the same key: the offer is accepted then, though a record
  exists.
- So whoever claims requests looks up their records before anything is posted (`Beforehand.known`). Of two requests
  under one key the second came into the queue after the first had left it, hence after its record was written, hence
  it is found. Also found is what was delivered by a process that ended between record and acknowledgement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import orjson

from opalmind_tui.storage.cluster import ClusterClient
from opalmind_tui.storage.trouble import TROUBLES, trouble, trouble_of_kind
from opalmind_tui.storage.trouble_table import FOREIGN_KEY
from opalmind_tui.tracking.records import LONGEST_RECORD, fingerprint_in

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from opalmind_tui.tracking.redis_queue.scripts import Argument

_WRITE_ALTHOUGH_FULL = """
redis.call('DEL', KEYS[1])
return redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
"""
"""At the memory limit a script that began with what frees memory may go on: without its record a request that was
delivered could never be acknowledged, and what waits could never get out."""
_FULL = "oom"


class Together:
    """On one server: the scripts read them.

    Args:
        prefix: before the keys of records.
    """

    def __init__(self, prefix: bytes) -> None:
        self._prefix = prefix

    async def told(self, keys: Sequence[bytes]) -> tuple[Argument, list[bytes]]:
        """What a script is told of the records under idempotency keys (as they stand in Redis): an argument, and
        further KEYS."""
        return len(self._prefix), self.names(keys)

    def names(self, keys: Sequence[bytes]) -> list[bytes]:
        """The records under these keys, as far as a script may name them."""
        return [self._prefix + key for key in keys]


class Apart:
    """On a Cluster: they are looked up before, and written before. Raises `StoreUnavailable`."""

    def __init__(self, client: Redis, prefix: bytes) -> None:
        self._client = client
        self._prefix = prefix

    async def told(self, keys: Sequence[bytes]) -> tuple[Argument, list[bytes]]:
        """The same; what a script is told was looked up just now."""
        return orjson.dumps([False if found is None else found for found in await self.fingerprints(keys)]), []

    def names(self, keys: Sequence[bytes]) -> list[bytes]:
        """None: they lie in other slots."""
        return []

    async def fingerprints(self, keys: Sequence[bytes]) -> list[str | None]:
        """Of the payload that was delivered under each key ('' where a service did), None where no record is."""
        pipe = self._client.pipeline(transaction=False)
        for key in keys:
            pipe.getrange(self._prefix + key, 0, LONGEST_RECORD)
        try:
            found = await pipe.execute(raise_on_error=False) if keys else []
        except TROUBLES as error:
            raise trouble(error) from error
        return [self._fingerprint(key, raw) for key, raw in zip(keys, found, strict=True)]

    def _fingerprint(self, key: bytes, raw: object) -> str | None:
        if isinstance(raw, bytes):
            return fingerprint_in(raw, key.decode("utf-8", "surrogatepass"))
        assert isinstance(raw, BaseException)
        problem = trouble(raw)
        if problem.kind != FOREIGN_KEY:
            raise problem from raw
        return None

    async def write(self, records: Sequence[tuple[bytes, bytes, int]]) -> None:
        """Write records (key, record, time to live in seconds) over whatever is there."""
        commands = [("SET", self._prefix + key, record, "EX", ttl) for key, record, ttl in records]
        full = [at for at, problem in enumerate(await self._run(commands)) if problem == _FULL]
        again = [
            ("EVAL", _WRITE_ALTHOUGH_FULL, 1, self._prefix + records[at][0], records[at][1], records[at][2])
            for at in full
        ]
        if _FULL in await self._run(again):
            raise trouble_of_kind(_FULL)

    async def _run(self, commands: Sequence[tuple[bytes | str | int, ...]]) -> list[str]:
        """Run them; of each '' or that its server is full."""
        pipe = self._client.pipeline(transaction=False)
        for command in commands:
            pipe.execute_command(*command)
        try:
            found = await pipe.execute(raise_on_error=False) if commands else []
        except TROUBLES as error:
            raise trouble(error) from error
        problems = [trouble(answer) if isinstance(answer, BaseException) else None for answer in found]
        for problem in problems:
            if problem is not None and problem.kind != _FULL:
                raise problem
        return ["" if problem is None else problem.kind for problem in problems]


def places_of(client: Redis, prefix: bytes) -> Together | Apart:
    """How this server is asked."""
    return Apart(client, prefix) if isinstance(client, ClusterClient) else Together(prefix)
