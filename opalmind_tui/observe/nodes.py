"""The figures of a server, or of every primary of a Cluster: their sums, and each by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.observe.info import replicas_of
from opalmind_tui.observe.server import ServerSample, read_server
from opalmind_tui.snapshot.model import Reading, ServerView
from opalmind_tui.snapshot.server import NodeView
from opalmind_tui.storage.cluster import home_address
from opalmind_tui.storage.cluster_keys import ClusterKeys
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

AT_ONCE = 1
"""Nodes that one reading asks beside the one that has the queue; of many, others come next time."""
PATIENCE = 10.0
"""Seconds that a node which did not answer is left alone."""
AWAY = "it is away"
_SUMS = (
    "used_memory", "peak_memory", "max_memory", "clients", "max_clients", "blocked_clients", "keyspace_hits",
    "keyspace_misses", "evicted_keys", "expired_keys", "evicted_rate", "expired_rate", "ops_rate", "total_keys",
    "replicas",
)  # fmt: skip


class _Known(Struct, frozen=True):
    """What was heard of a node. `at`: when it was asked, in epoch seconds."""

    at: float = float("-inf")
    sample: ServerSample | None = None
    view: ServerView | None = None
    error: str = ""


class Servers:
    """Reads them again and again.

    Args:
        every: ask all nodes at each reading, for who asks once.
    """

    def __init__(self, *, every: bool = False) -> None:
        self._every = every
        self._nodes: dict[str, _Known] = {}
        self.sample: ServerSample | None = None
        """The newest of the server, of a Cluster of the node that has the queue."""

    async def read(
        self, client: Redis, now: float, *, trips: Sequence[float] = (), commands: bool = False
    ) -> ServerView:
        """Read once. Arguments and errors as in `read_server`; a node that fails beside the queue's is no error."""
        view, self.sample = await read_server(client, self.sample, now, trips=trips, commands=commands)
        if not isinstance(client, ClusterKeys):
            return view
        try:
            spans, clients = await client.spans(), await client.primaries()
        except TROUBLES as error:
            raise trouble(error) from error
        home = str(home_address(client))
        self._nodes[home] = _Known(now, self.sample, view)
        named = {str(node): one for node, one in clients.items()}
        due = self._due((address for address in named if address != home), now)
        read = await asyncio.gather(*(self._read_one(named[address], address, now) for address in due))
        heard = {**self._nodes, **dict(zip(due, read, strict=True))}
        self._nodes = {address: heard.get(address, _Known()) for address in spans}
        nodes = tuple(_node(address, known, spans[address], address == home) for address, known in self._nodes.items())
        if replace(view, nodes=nodes).is_whole:
            # Whoever draws keys need not ask for that.
            client.sizes = {node.address: node.view.total_keys for node in nodes if node.view is not None}
        sums = summed(view, [node.view for node in nodes if node.view is not None])
        return replace(sums, nodes=nodes)

    def forgive(self) -> None:
        """Nodes that did not answer are asked again at the next reading."""
        self._nodes = {address: replace(one, at=float("-inf")) if one.error else one
                       for address, one in self._nodes.items()}  # fmt: skip

    def _due(self, addresses: Iterable[str], now: float) -> list[str]:
        known = {address: self._nodes.get(address, _Known()) for address in addresses}
        ready = [address for address, one in known.items() if not one.error or now - one.at >= PATIENCE]
        ready.sort(key=lambda address: known[address].at)
        # At first all of them: sums of a part are none.
        return [address for number, address in enumerate(ready)
                if self._every or number < AT_ONCE or known[address].sample is None]  # fmt: skip

    async def _read_one(self, client: Redis, address: str, now: float) -> _Known:
        last = self._nodes.get(address, _Known())
        try:
            view, sample = await read_server(client, last.sample, now)
        except StoreUnavailable as error:
            return replace(last, at=now, error=error.sentence)
        return _Known(now, sample, view)


def without(lost: Collection[str], server: Reading[ServerView]) -> Reading[ServerView]:
    """A reading whose nodes that are known to be away by now say so."""
    if not lost or server.value is None:
        return server
    nodes = tuple(replace(node, error=node.error or AWAY) if node.address in lost else node
                  for node in server.value.nodes)  # fmt: skip
    return replace(server, value=replace(server.value, nodes=nodes))


def _node(address: str, known: _Known, slots: tuple[tuple[int, int], ...], home: bool) -> NodeView:
    replicas = replicas_of(known.sample.info) if known.sample is not None else ()
    return NodeView(address, home, slots, known.view, replicas, known.error)


def summed(home: ServerView, views: Sequence[ServerView]) -> ServerView:
    """All nodes as one server: sums, the worst of what is a ratio or a time, and else what the home node says."""
    sums = {name: sum(getattr(view, name) for view in views) for name in _SUMS}
    if not all(view.max_memory for view in views):
        sums["max_memory"] = 0
    asked = [(view.ops_rate, view.keyspace_hit_rate) for view in views if view.keyspace_hit_rate is not None]
    weight = sum(ops for ops, _ in asked)
    hits = sum(ops * rate for ops, rate in asked) / weight if weight else home.keyspace_hit_rate
    return replace(
        home,
        **sums,
        keyspace_hit_rate=hits,
        fragmentation=max(view.fragmentation for view in views),
        full_in=min((view.full_in for view in views if view.full_in is not None), default=None),
        round_trip=max(view.round_trip for view in views),
    )
