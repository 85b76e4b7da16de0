"""Looks at single keys: memory, time left, whether they are what they should be. Touches no LRU or LFU order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct
from redis.exceptions import ResponseError

from opalmind_tui.observe.keyspace import Keyspace, Place
from opalmind_tui.storage.cluster_keys import ClusterKeys

if TYPE_CHECKING:
    from redis.asyncio import Redis

CHUNK = 20
"""Keys that one script looks at: about 0.1 ms of the server's time."""
NAME = 300
"""Bytes of a name that are fetched; a prefix and a feature lie within."""
_HEADS = {"idempotency": b'{"key"', "cache": b'{"feature"'}
"""What a value under these prefixes begins with."""


class Look(Struct, frozen=True):
    """One key at one moment.

    Args:
        size: bytes of memory; None where MEMORY USAGE is forbidden.
        ttl: seconds left; None for a key that never expires.
        sound: whether type and text are those of its place; None where that was not looked at.
        node: of a Cluster, who has it.
    """

    name: bytes
    place: Place
    size: int | None
    ttl: float | None
    sound: bool | None
    node: str = ""


@cache
def _script() -> str:
    return (Path(__file__).parent / "scripts/looks.lua").read_text("utf-8")


class Looker:
    """Looks at keys of one database.

    Args:
        prefixes: of idempotency and cache, whose values are tested.
    """

    def __init__(self, keyspace: Keyspace, prefixes: tuple[str, str]) -> None:
        self._keyspace = keyspace
        self._prefixes = prefixes
        self._reads: bool | None = None

    async def random(self, client: Redis, number: int) -> list[Look]:
        """Draw keys at random; one round trip. Errors are those of redis-py."""
        shares = await client.shares(number, CHUNK) if isinstance(client, ClusterKeys) else [("", client, number)]
        return await self._everywhere(
            (node, one, [[min(CHUNK, share - start)] for start in range(0, share, CHUNK)])
            for node, one, share in shares
        )

    async def at(self, client: Redis, names: Sequence[bytes]) -> list[Look]:
        """Look at these keys, those that exist; one round trip."""
        parts = await client.by_node(names) if isinstance(client, ClusterKeys) else [("", client, names)]
        return await self._everywhere(
            (node, one, [[0, *part[start : start + CHUNK]] for start in range(0, len(part), CHUNK)])
            for node, one, part in parts
        )

    async def _everywhere(self, calls: Iterable[tuple[str, Redis, list[list[Any]]]]) -> list[Look]:
        """Each node's own calls, all nodes at the same time."""
        found = await asyncio.gather(*(self._run(*theirs) for theirs in calls))
        return [look for looks in found for look in looks]

    async def _run(self, node: str, client: Redis, calls: list[list[Any]]) -> list[Look]:
        if self._reads is None:
            self._reads = await _leaves_untouched(client)
        async with client.pipeline(transaction=False) as pipe:
            for number, *names in calls:
                pipe.eval(_script(), 0, number, int(self._reads), *self._prefixes, NAME, *names)
            answers = await pipe.execute()
        return [self._look(node, found) for answer in answers for found in cast("list[list[Any]]", answer)]

    def _look(self, node: str, found: list[Any]) -> Look:
        name, size, left, ends = found
        place = self._keyspace.place(name)
        ttl = left / 1000 if left >= 0 else None
        return Look(name, place, size if size >= 0 else None, ttl, _sound(place, ends), node)


async def _leaves_untouched(client: Redis) -> bool:
    """Whether the server can keep our reading from making keys look used. The connection has asked for it by itself."""
    try:
        await client.execute_command(  # type: ignore[no-untyped-call]
            "CLIENT", "NO-TOUCH", "ON"
        )
    except ResponseError:
        return False
    return True


def _sound(place: Place, ends: bytes) -> bool | None:
    head = _HEADS.get(place[0])
    if head is None or not ends:
        return None
    return ends.startswith(head) and ends.endswith(b"}")
