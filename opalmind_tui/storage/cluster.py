"""A client of a Redis Cluster: sends each command to the node that has its key, and follows when that changes.

redis-py's own asyncio client for clusters does not fit: a transaction blocks the event loop, a pipeline that fails does
not make it look for the new primary, it refuses callers instead of letting them wait for a connection, and one shard
that is down closes the connections to all others. So this asks each node by the client that serves a single server,
with its time-outs, its bounds and its way of counting.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from redis import exceptions as errors
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.commands.core import AsyncScript
from redis.crc import key_slot

from opalmind_tui.storage.cluster_keys import ClusterKeys
from opalmind_tui.storage.cluster_parts import ClusterPipeline, ClusterScript, OnLost, noticing
from opalmind_tui.storage.slots import QUEUE_TAG, Node, SlotTable, key_of

MOST_REDIRECTS = 8
"""Answers that send a command elsewhere, or ask for patience, before it fails."""
PAUSE = 0.05
"""Seconds before a command is tried again that a slot's move holds up. It did not run."""
_ELSEWHERE = (errors.MovedError, errors.AskError, errors.TryAgainError)
_ONE_KEY_EACH = frozenset({"DEL", "EXISTS", "UNLINK"})


class ClusterClient(ClusterKeys):
    """Looks like a client of one server. A command without a key goes to the home node, which has the queue.

    Args:
        node_client: makes the client of a node, of connections that are `noticing`.
        seeds: nodes that are asked first.
        home_key: a key of the home node.

    Nothing is sent twice, but what a node did not run because it has not the slot.
    """

    def __init__(self, node_client: Callable[[Node, OnLost], Redis], seeds: Sequence[Node], home_key: str) -> None:
        self._node_client = node_client
        self._seeds = tuple(seeds)
        self._home_slot = key_slot(home_key.encode())
        # Without types: redis-py has none for the commands that are passed on.
        self._clients: dict[Node, Any] = {}
        self._table: SlotTable | None = None
        self._stale = False
        self._suspects: dict[Node, None] = {}
        self._believed: Node | None = None
        self._looking: asyncio.Task[SlotTable] | None = None
        super().__init__(connection_pool=self._client(self._seeds[0]).connection_pool)

    # -- commands ------------------------------------------------------------------------------------------------

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        name = str(args[0]).upper()
        if name in _ONE_KEY_EACH and len(args) > 2:
            return sum(await self._run([((name, key), options) for key in args[1:]], together=False))
        if name == "PING":
            return await self._everywhere(args, options)
        return await self._follow(args, options)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """Commands for any number of nodes, sent to all of them at the same time; a transaction is for one slot."""
        return ClusterPipeline(self, transaction, self._run)

    def register_script(self, script: Any) -> AsyncScript:  # type: ignore[override]
        """A script that is run by its hash; a node that does not know it is given its text with the call."""
        return ClusterScript(self, script)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close all connections."""
        if self._looking is not None:
            self._looking.cancel()
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose(close_connection_pool=True)

    async def primaries(self) -> dict[Node, Redis]:
        """The client of each primary, in the order of their slots."""
        table = await self._known()
        return {node: self._client(node) for node in table.primaries}

    async def home(self) -> Redis:
        """The client of the node that has the queue."""
        client: Redis = self._client(self._owner(await self._known(), self._home_slot))
        return client

    def doubt(self) -> None:
        """Somebody else met trouble that is over: who has what is asked anew before the next command."""
        self._stale = True

    @property
    def known_primaries(self) -> tuple[Node, ...]:
        """Who they were when somebody last looked."""
        return self._table.primaries if self._table is not None else ()

    @property
    def home_node(self) -> Node | None:
        """Where the queue was when somebody last looked; None where nobody has."""
        return self._table.owner(self._home_slot) if self._table is not None else None

    # -- the way there -------------------------------------------------------------------------------------------

    def slot_of(self, args: Sequence[Any]) -> int:
        """The slot of a command."""
        key = key_of(args)
        if key is None:
            return self._home_slot
        encoder: Any = self.connection_pool
        return key_slot(encoder.get_encoder().encode(key))

    async def _follow(self, args: Sequence[Any], options: dict[str, Any]) -> Any:
        slot = self.slot_of(args)
        for _ in range(MOST_REDIRECTS):
            node = self._owner(await self._known(), slot)
            try:
                return await self._client(node).execute_command(*args, **options)
            except errors.MovedError as error:
                self._moved(error, node)
            except errors.AskError as error:
                return await self._ask(Node(error.host or node.host, error.port), args, options)
            except errors.TryAgainError:
                await asyncio.sleep(PAUSE)
        raise errors.ClusterDownError("CLUSTERDOWN the nodes send a command from one to the other")

    async def _ask(self, node: Node, args: Sequence[Any], options: dict[str, Any]) -> Any:
        """The slot is on its way: this key is there already."""
        pipe = self._client(node).pipeline(transaction=False)
        pipe.execute_command("ASKING")
        pipe.execute_command(*args, **options)
        _, answer = await pipe.execute(raise_on_error=False)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def _everywhere(self, args: Sequence[Any], options: dict[str, Any]) -> Any:
        """Ask every primary; the first answer. Raises the first error."""
        clients: list[Any] = list((await self.primaries()).values())
        found = await asyncio.gather(
            *(client.execute_command(*args, **options) for client in clients), return_exceptions=True
        )
        for answer in found:
            if isinstance(answer, BaseException):
                raise answer
        return found[0]

    async def _run(self, stack: Sequence[Any], *, together: bool) -> list[Any]:
        """Run commands (arguments, options), all nodes at the same time. An error stands in the place of its answer;
        raised is what failed a whole node."""
        table = await self._known()
        parts: dict[Node, list[int]] = {}
        for at, (args, _) in enumerate(stack):
            parts.setdefault(self._owner(table, self.slot_of(args)), []).append(at)
        if together and len(parts) > 1:
            raise errors.ClusterCrossSlotError("CROSSSLOT a transaction is for one slot")
        answers: list[Any] = [None] * len(stack)
        found = await asyncio.gather(
            *(self._run_there(node, [stack[at] for at in part], together) for node, part in parts.items()),
            return_exceptions=True,
        )
        for part, theirs in zip(parts.values(), found, strict=True):
            if isinstance(theirs, BaseException):
                raise theirs
            for at, answer in zip(part, theirs, strict=True):
                answers[at] = answer
        for at, answer in enumerate(answers):
            if isinstance(answer, _ELSEWHERE):
                answers[at] = await self._again(*stack[at])
        return answers

    async def _run_there(self, node: Node, stack: Sequence[Any], together: bool) -> list[Any]:
        pipe = self._client(node).pipeline(transaction=together)
        for args, options in stack:
            pipe.execute_command(*args, **options)
        try:
            found: list[Any] = await pipe.execute(raise_on_error=together)
        except errors.MovedError as error:
            # Of a transaction nothing ran.
            self._moved(error, node)
            return await self._run(stack, together=together)
        for answer in found:
            if isinstance(answer, errors.MovedError):
                self._moved(answer, node)
        return found

    async def _again(self, args: Sequence[Any], options: dict[str, Any]) -> Any:
        try:
            return await self._follow(args, options)
        except errors.ResponseError as error:
            return error

    # -- who has what --------------------------------------------------------------------------------------------

    def _client(self, node: Node) -> Any:
        client = self._clients.get(node)
        if client is None:
            client = self._clients[node] = self._node_client(node, partial(self._suspect, node))
        return client

    def _owner(self, table: SlotTable, slot: int) -> Node:
        node = table.owner(slot)
        if node is None:
            self._stale = True
            raise errors.ClusterDownError("CLUSTERDOWN Hash slot not served")
        return node

    def _moved(self, error: errors.MovedError, said_by: Node) -> None:
        self._believed = Node(error.host or said_by.host, error.port)
        self._stale = True

    def _suspect(self, node: Node) -> None:
        self._suspects[node] = None
        self._stale = True

    async def _known(self) -> SlotTable:
        """The table, asked anew where it may be wrong: once for all who wait."""
        if self._table is not None and not self._stale:
            return self._table
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="cluster-slots")
        # Whoever loses patience leaves it to the others.
        return await asyncio.shield(self._looking)

    async def _look(self) -> SlotTable:
        failure: BaseException | None = None
        for node in self._whom_to_ask():
            try:
                reply = await self._client(node).execute_command("CLUSTER", "SLOTS")
            except errors.ResponseError as error:
                failure = error
            except (errors.RedisError, OSError) as error:
                failure = error
            else:
                self._table, self._stale = SlotTable(reply, node), False
                self._suspects.clear()
                self._believed = None
                await self._forget_others(self._table)
                return self._table
        assert failure is not None
        raise failure

    def _whom_to_ask(self) -> list[Node]:
        """First who is said to know, last who did not answer, the others in any order."""
        known = list(self._table.nodes) if self._table else []
        random.shuffle(known)
        nodes = dict.fromkeys([*([self._believed] if self._believed else []), *known, *self._seeds])
        return sorted(nodes, key=lambda node: node in self._suspects and node != self._believed)

    async def _forget_others(self, table: SlotTable) -> None:
        for node in set(self._clients) - {*table.nodes, *self._seeds}:
            await self._clients.pop(node).connection_pool.disconnect(inuse_connections=False)


def primaries_known(client: Redis) -> int:
    """Of a cluster, how many primaries it has, as far as that is known."""
    return len(client.known_primaries) if isinstance(client, ClusterClient) else 0


def home_address(client: Redis) -> Node | None:
    """Of a cluster, the node that has the queue, as far as it is known."""
    return client.home_node if isinstance(client, ClusterClient) else None


async def home_of(client: Redis) -> Redis:
    """Who is asked for what only one server can tell: of a cluster the node that has the queue."""
    return await client.home() if isinstance(client, ClusterClient) else client


def cluster_client(
    queue_prefix: str,
    arguments: Mapping[str, Any],
    kind: type[Any],
    client_of: Callable[..., Redis],
    more: Sequence[tuple[str, int]] = (),
) -> ClusterClient:
    """A client of the cluster that a connection's arguments lead to, at home where the queue is.

    Args:
        kind: of connections.
        client_of: makes the client of one server, of a kind of connections and further arguments.
        more: nodes that may be asked beside the one that the arguments name.
    """

    def node_client(node: Node, on_lost: OnLost) -> Redis:
        return client_of(noticing(kind, on_lost), host=node.host, port=node.port)

    seed = Node(arguments.get("host", "127.0.0.1"), int(arguments.get("port", 6379)))
    seeds = list(dict.fromkeys([seed, *(Node(*one) for one in more)]))
    return ClusterClient(node_client, seeds, queue_prefix + QUEUE_TAG)
