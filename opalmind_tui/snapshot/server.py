"""Redis in a snapshot: the server's own figures, and its keys by prefix."""

from __future__ import annotations

from msgspec import Struct

from opalmind_tui.snapshot.redis_report import Replica


class ServerView(Struct, frozen=True):
    """The Redis or Valkey server, from one INFO. Rates are over the last interval.

    Of a Cluster, sizes, counters and rates are sums over the nodes; what cannot be summed is that of the node that has
    the queue.
    """

    product: str = "redis"
    version: str = ""
    role: str = ""
    used_memory: int = 0
    peak_memory: int = 0
    max_memory: int = 0
    total_system_memory: int = 0
    policy: str = ""
    fragmentation: float = 0.0
    full_in: float | None = None
    """Seconds until maxmemory at the present slope, if memory grows."""
    clients: int = 0
    blocked_clients: int = 0
    max_clients: int = 0
    keyspace_hits: int = 0
    keyspace_misses: int = 0
    evicted_keys: int = 0
    expired_keys: int = 0
    evicted_rate: float = 0.0
    expired_rate: float = 0.0
    ops_rate: float = 0.0
    keyspace_hit_rate: float | None = None
    """Percent over the last interval."""
    total_keys: int = 0
    uptime: float = 0.0
    aof_enabled: bool = False
    appendfsync: str = ""
    """Empty when the server does not let us ask."""
    save_enabled: bool | None = None
    last_save: float = 0.0
    aof_error: bool = False
    bgsave_error: bool = False
    loading: bool = False
    replicas: int = 0
    master_link_up: bool | None = None
    round_trip: float = 0.0
    """Seconds from sending a command to its answer, the smallest of the last few."""
    nodes: tuple[NodeView, ...] = ()
    """The primaries of a Cluster, in the order of their slots."""

    @property
    def is_whole(self) -> bool:
        """Every node of a Cluster has told of itself."""
        return all(node.view is not None and not node.error for node in self.nodes)

    @property
    def memory_share(self) -> float | None:
        """Share of the memory limit in use, of a Cluster that of its fullest node; None without a limit."""
        if self.nodes:
            shares = [node.view.memory_share for node in self.nodes if node.view is not None]
            return max((share for share in shares if share is not None), default=None)
        return self.used_memory / self.max_memory if self.max_memory else None


class NodeView(Struct, frozen=True):
    """One primary of a Cluster.

    Args:
        home: it has the queue.
        slots: first and last of each range of hash slots that it has.
        view: its own figures as last read; None where it has told none.
        replicas: who follows it.
        error: why the newest try to ask it failed.
    """

    address: str
    home: bool = False
    slots: tuple[tuple[int, int], ...] = ()
    view: ServerView | None = None
    replicas: tuple[Replica, ...] = ()
    error: str = ""


class KeyCounts(Struct, frozen=True):
    """Keys per prefix. `exact` by a bounded SCAN (up to 20,000 keys), otherwise an estimate from a sample."""

    idempotency: int = 0
    cache: int = 0
    queue: int = 0
    stats: int = 0
    other: int = 0
    total: int = 0
    exact: bool = True
    features: tuple[tuple[str, int], ...] = ()
