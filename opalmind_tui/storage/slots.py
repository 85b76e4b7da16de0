"""Which node of a Redis Cluster has a key: hash slots, the table of their owners, and what a command needs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

QUEUE_TAG = "{q}:"
"""Comes after the queue's prefix in each of its keys: one hash tag."""
_KEYLESS = frozenset({
    "ACL", "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "DBSIZE", "FLUSHALL", "INFO", "LASTSAVE", "LATENCY", "MODULE",
    "PING", "PUBLISH", "RANDOMKEY", "ROLE", "SCAN", "SCRIPT", "SLOWLOG", "TIME", "WAIT",
})  # fmt: skip
_CONTAINERS = frozenset({"MEMORY", "OBJECT", "XINFO"})
"""Commands whose key stands after a second word. `MEMORY` has subcommands without one."""
_SHOWN = 3
_LAST = 16_383
_WITH_NUMBER = frozenset({"EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO"})


class Node(NamedTuple):
    """Where a node listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def beside_queue(key: str, queue_prefix: str) -> str:
    """A key, which has no hash tag of its own, in the queue's slot."""
    tagged = queue_prefix + QUEUE_TAG
    begins = tagged.index("{")
    return key + tagged[begins : tagged.index("}", begins) + 1]


def key_of(arguments: Sequence[Any]) -> Any:
    """The first key of a command as redis-py is given it; None where it has none."""
    words = str(arguments[0]).upper().split()
    rest = [*words[1:], *arguments[1:]]
    if words[0] in _WITH_NUMBER:
        return rest[2] if int(rest[1]) else None
    if words[0] in _CONTAINERS:
        rest = rest[1:]
    return None if words[0] in _KEYLESS or not rest else rest[0]


def spans_text(spans: Sequence[tuple[int, int]]) -> str:
    """Ranges of slots in words, the first few."""
    shown = [f"{first}-{last}" if last > first else f"{first}" for first, last in spans[:_SHOWN]]
    return ", ".join([*shown, "..."] if len(spans) > _SHOWN else shown)


class SlotTable:
    """Who has which slots.

    Args:
        reply: of ``CLUSTER SLOTS``. `asked`: who said so; it does not always know its own address.
    """

    def __init__(self, reply: Iterable[Sequence[Any]], asked: Node) -> None:
        ranges = sorted((int(first), int(last), [_node(one, asked) for one in nodes]) for first, last, *nodes in reply)
        self._firsts = [first for first, _, _ in ranges]
        self._ranges = ranges
        self.primaries: tuple[Node, ...] = tuple(dict.fromkeys(nodes[0] for _, _, nodes in ranges))
        """In the order of their slots."""
        self.nodes: tuple[Node, ...] = tuple(dict.fromkeys(node for _, _, nodes in ranges for node in nodes))
        """With their replicas."""

    def spans(self, node: Node) -> tuple[tuple[int, int], ...]:
        """First and last of each range of slots that a primary has."""
        return tuple((first, last) for first, last, nodes in self._ranges if nodes[0] == node)

    def gaps(self) -> tuple[tuple[int, int], ...]:
        """First and last of each range of slots that nobody has."""
        begins = [0, *(last + 1 for _, last, _ in self._ranges)]
        ends = [*(first - 1 for first in self._firsts), _LAST]
        return tuple((first, last) for first, last in zip(begins, ends, strict=True) if first <= last)

    def owner(self, slot: int) -> Node | None:
        """The primary that has the slot; None where nobody has."""
        at = bisect_right(self._firsts, slot) - 1
        if at < 0 or slot > self._ranges[at][1]:
            return None
        return self._ranges[at][2][0]


def _node(found: Sequence[Any], asked: Node) -> Node:
    host, port = found[0], int(found[1])
    text = host.decode("utf-8", "replace") if isinstance(host, bytes) else host or ""
    return Node(asked.host if text in ("", "?") else text, port)
