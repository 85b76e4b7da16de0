"""Blocking connections to the node of a Redis Cluster that has the queue: for a thread that does nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opalmind_tui.storage.slots import QUEUE_TAG, Node, SlotTable


def towards_home(kind: type[Any], queue_prefix: str, more: Sequence[tuple[str, int]] = ()) -> type[Any]:
    """A kind of redis-py's blocking connections that goes to the node which has the queue, wherever that is by now.

    It is asked for at each new connection, of the node that the connection names and of `more`. A node that has it no
    more says so, and the connection ends: the next goes to its heir.
    """
    from redis import exceptions as errors
    from redis.crc import key_slot

    slot = key_slot((queue_prefix + QUEUE_TAG).encode())

    class TowardsHome(kind):  # type: ignore[misc]
        _asking = False
        _known: tuple[Node, ...] = tuple(Node(*one) for one in more)

        def connect(self) -> None:
            if self.is_connected or self._asking:
                super().connect()
                return
            self._asking = True
            try:
                home = self._find_home()
            finally:
                self._asking = False
            self.disconnect()
            self.host, self.port = home
            super().connect()

        def read_response(self, *arguments: Any, **named: Any) -> Any:
            try:
                return super().read_response(*arguments, **named)
            except (errors.MovedError, errors.ClusterDownError, errors.ReadOnlyError):
                self.disconnect()
                raise

        def _find_home(self) -> Node:
            first = Node(self.host, self.port)
            failure: BaseException = errors.ClusterDownError("CLUSTERDOWN Hash slot not served")
            for node in dict.fromkeys([first, *self._known]):
                self.host, self.port = node
                try:
                    self.disconnect()
                    super().connect()
                    self.send_command("CLUSTER", "SLOTS")
                    table = SlotTable(super().read_response(), node)
                except (errors.RedisError, OSError) as error:
                    failure = error
                    continue
                self._known = (*table.nodes, *(one for one in (first, *self._known) if one not in table.nodes))
                home = table.owner(slot)
                if home is not None:
                    return home
            self.host, self.port = first
            raise failure

    return TowardsHome
