"""All keys of a Redis Cluster as if one server had them: for who counts, lists or deletes them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from redis.crc import key_slot

if TYPE_CHECKING:
    from opalmind_tui.storage.slots import Node, SlotTable

_MOST_NODES = 1024
"""A cursor holds that of a node and the number of the node. Redis advises 1,000 nodes at the most."""


class ClusterKeys(Redis):
    """The part of `ClusterClient` that goes over all primaries, in the order of their slots."""

    _sizes: Sequence[int] = ()

    async def primaries(self) -> dict[Node, Redis]:
        """The client of each primary, in the order of their slots."""
        raise NotImplementedError

    async def _known(self) -> SlotTable:
        raise NotImplementedError

    async def dbsize(self, **options: Any) -> int:
        """Keys of all primaries."""
        clients = (await self.primaries()).values()
        self._sizes = await asyncio.gather(*(client.dbsize() for client in clients))
        return sum(self._sizes)

    async def scan(self, cursor: Any = 0, *arguments: Any, **options: Any) -> Any:
        """One step over the keys of one primary after the other; 0 comes back from the last."""
        clients = list((await self.primaries()).values())
        theirs, at = divmod(int(cursor), _MOST_NODES)
        if at >= len(clients):
            # There are fewer nodes by now: their keys are on others.
            return 0, []
        following, names = await clients[at].scan(theirs, *arguments, **options)
        if following:
            return int(following) * _MOST_NODES + at, names
        return (at + 1 if at + 1 < len(clients) else 0), names

    async def shares(self, number: int) -> list[tuple[Redis, int]]:
        """A number of keys, shared out among the primaries by how many keys each has: as drawn from all of them."""
        clients = list((await self.primaries()).values())
        if len(self._sizes) != len(clients):
            await self.dbsize()
        total, before, shares = sum(self._sizes), 0, []
        for client, size in zip(clients, self._sizes, strict=True):
            share = (before + size) * number // max(1, total) - before * number // max(1, total)
            before += size
            shares.append((client, share))
        return [(client, share) for client, share in shares if share]

    async def by_node(self, names: Sequence[bytes | str]) -> list[tuple[Redis, list[bytes | str]]]:
        """Keys with the client of the primary that has them; those that nobody has are left out."""
        table, clients = await self._known(), await self.primaries()
        parts: dict[Node, list[bytes | str]] = {}
        for name in names:
            owner = table.owner(key_slot(name if isinstance(name, bytes) else name.encode()))
            if owner is not None:
                parts.setdefault(owner, []).append(name)
        return [(clients[node], part) for node, part in parts.items()]
