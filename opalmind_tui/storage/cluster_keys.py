"""All keys of a Redis Cluster as if one server had them: for who counts, lists or deletes them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from redis.asyncio import Redis
from redis.crc import key_slot
from redis.exceptions import ClusterDownError, ConnectionError, NoPermissionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from opalmind_tui.storage.slots import spans_text
from opalmind_tui.storage.trouble import TROUBLES

if TYPE_CHECKING:
    from opalmind_tui.errors import StoreUnavailable
    from opalmind_tui.storage.slots import Node, SlotTable

_AWAY = ConnectionError | RedisTimeoutError
LOST_WITHIN = 0.4
"""Seconds that a shard has to answer when it is asked which one is away: the trouble itself has cost a time-out before,
and whoever waits shall know within 2 s."""
_MOST_NODES = 1024
"""A cursor holds that of a node and the number of the node. Redis advises 1,000 nodes at the most."""


class KeyPage(NamedTuple):
    """One step over all keys.

    Args:
        node: whose keys they are; empty where there is one server alone.
        cursor: where the next step begins; 0 after the last.
        names: keys.
        anew: another node has the slots by now and orders the keys in its own way: they come again from the first on.
    """

    node: str
    cursor: int
    names: list[bytes]
    anew: bool = False


class Lost(NamedTuple):
    """Parts of a Cluster that are away. `nodes`: addresses of primaries; `words`: those and their slots."""

    nodes: tuple[str, ...] = ()
    words: str = ""


NOTHING_LOST = Lost()


async def key_page(client: Redis, cursor: int, count: int, last: str = "") -> KeyPage:
    """One step over all keys of a server, or of a Cluster (`ClusterKeys.page`)."""
    if isinstance(client, ClusterKeys):
        return await client.page(cursor, count, last)
    following, names = await client.scan(cursor, count=count)
    return KeyPage("", int(following), cast("list[bytes]", names))


async def nodes_of(client: Redis) -> dict[str, Redis]:
    """Who must be asked to see all keys: each primary of a Cluster by its address, or the one server ('')."""
    if isinstance(client, ClusterKeys):
        return {str(node): one for node, one in (await client.primaries()).items()}
    return {"": client}


async def naming_lost(client: Redis, error: StoreUnavailable) -> StoreUnavailable:
    """The trouble; of a Cluster with the shards that are away."""
    if not isinstance(client, ClusterKeys) or not error.falls_back:
        return error
    lost = await client.lost()
    return error.about(lost.words) if lost.words else error


async def _answers(client: Redis) -> None:
    async with asyncio.timeout(LOST_WITHIN):
        await client.ping()


def shared_out(sizes: Sequence[int], number: int, start: float) -> list[int]:
    """A number in parts that are to each other as the sizes, on average over all starts from 0 to 1."""
    total, ends = max(1, sum(sizes)), [0.0, *accumulate(sizes)]
    cuts = [int(end * number / total + start) for end in ends]
    return [after - before for before, after in pairwise(cuts)]


class ClusterKeys(Redis):
    """The part of `ClusterClient` that goes over all primaries, in the order of their slots."""

    sizes: Mapping[str, int] = {}
    """Keys of each primary, by its address, as last heard."""
    _clients: dict[Node, Any]
    """Of all nodes that were asked."""

    async def primaries(self) -> dict[Node, Redis]:
        """The client of each primary, in the order of their slots."""
        raise NotImplementedError

    async def _known(self) -> SlotTable:
        raise NotImplementedError

    async def spans(self) -> dict[str, tuple[tuple[int, int], ...]]:
        """The slots of each primary, by its address, in their order."""
        table = await self._known()
        return {str(node): table.spans(node) for node in table.primaries}

    async def serves(self) -> None:
        """Return when every primary finds that the cluster serves: records and reports lie on all of them.

        A node that has just started answers, and refuses keys for a while. Raises what is wrong with the first one.
        """
        clients: list[Any] = list((await self.primaries()).values())
        answers = await asyncio.gather(
            *(client.execute_command("CLUSTER", "INFO") for client in clients), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, NoPermissionError):
                raise answer
            if isinstance(answer, bytes) and b"cluster_state:fail" in answer:
                raise ClusterDownError("CLUSTERDOWN The cluster is down")

    async def hung_up(self) -> bool:
        """Whether a node has closed a connection that was at rest, as one that died has. Told once; nobody is asked."""
        gone = False
        for connection in [
            connection
            for client in self._clients.values()
            for connection in client.connection_pool._available_connections
        ]:
            # Not before its turn: while others were closed, somebody may have taken it, and connected anew.
            if connection._reader is not None and connection._reader.at_eof():
                await connection.disconnect()
                gone = True
        return gone

    async def lost(self) -> Lost:
        """Which shards do not answer, and which slots nobody has; nothing where all is well or nobody tells."""
        try:
            async with asyncio.timeout(LOST_WITHIN):
                table, clients = await self._known(), await self.primaries()
        except TROUBLES:
            return NOTHING_LOST
        answers = await asyncio.gather(*map(_answers, clients.values()), return_exceptions=True)
        silent = [node for node, answer in zip(clients, answers, strict=True) if isinstance(answer, OSError | _AWAY)]
        said = [f"node {node} (slots {spans_text(table.spans(node))})" for node in silent]
        if gaps := table.gaps():
            said.append(f"slots {spans_text(gaps)} are nobody's")
        return Lost(tuple(str(node) for node in silent), ", ".join(said))

    async def dbsize(self, **options: Any) -> int:
        """Keys of all primaries."""
        found = await self.primaries()
        sizes = await asyncio.gather(*(client.dbsize() for client in found.values()))
        self.sizes = {str(node): int(size) for node, size in zip(found, sizes, strict=True)}
        return sum(sizes)

    async def scan(self, cursor: Any = 0, *arguments: Any, **options: Any) -> Any:
        """One step over the keys of one primary after the other; 0 comes back from the last."""
        page = await self._page(int(cursor), "", *arguments, **options)
        return page.cursor, page.names

    async def page(self, cursor: int, count: int, last: str = "") -> KeyPage:
        """As `scan`. `last`: the node that the step before this one was about."""
        return await self._page(cursor, last, count=count)

    async def _page(self, cursor: int, last: str, *arguments: Any, **options: Any) -> KeyPage:
        found = list((await self.primaries()).items())
        theirs, at = divmod(cursor, _MOST_NODES)
        if at >= len(found):
            # There are fewer nodes by now: their keys are on others.
            return KeyPage(last, 0, [])
        node, client = found[at]
        if theirs and last and last != str(node):
            theirs, anew = 0, True
        else:
            anew = False
        following, names = await client.scan(theirs, *arguments, **options)
        further = at + 1 if at + 1 < len(found) else 0
        after = int(following) * _MOST_NODES + at if following else further
        return KeyPage(str(node), after, cast("list[bytes]", names), anew)

    async def shares(self, number: int, few: int = 0) -> list[tuple[str, Redis, int]]:
        """A number of keys, shared out among the primaries by how many keys each has: as drawn from all of them. Up to
        `few` are all of one, which is drawn: it costs one command instead of one for each node."""
        found = {str(node): client for node, client in (await self.primaries()).items()}
        if set(found) != set(self.sizes):
            await self.dbsize()
        sizes = [self.sizes.get(node, 0) for node in found]
        if number <= few and any(sizes):
            return [(*random.choices(list(found.items()), sizes)[0], number)]
        # A random start: else small parts would be rounded to nothing each time.
        parts = shared_out(sizes, number, random.random())
        return [(node, client, part) for (node, client), part in zip(found.items(), parts, strict=True) if part]

    async def by_node(self, names: Sequence[bytes | str]) -> list[tuple[str, Redis, list[bytes | str]]]:
        """Keys with the primary that has them, and its client; those that nobody has are left out."""
        clients, table = await self.primaries(), await self._known()
        parts: dict[Node, list[bytes | str]] = {}
        for name in names:
            owner = table.owner(key_slot(name if isinstance(name, bytes) else name.encode()))
            if owner in clients:
                parts.setdefault(owner, []).append(name)
        return [(str(node), clients[node], part) for node, part in parts.items()]
