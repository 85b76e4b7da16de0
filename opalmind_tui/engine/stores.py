"""Everything that touches the store, made from settings: clients, link, queue, shared state. Made once, closed once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opalmind_tui import __version__
from opalmind_tui.reports.features import NAMES
from opalmind_tui.settings import Settings
from opalmind_tui.storage.audit import Audit
from opalmind_tui.storage.connection import CACHE_TIMEOUT, async_client
from opalmind_tui.storage.link import RedisLink
from opalmind_tui.storage.presence import Presence
from opalmind_tui.storage.runtime_config import RuntimeConfig
from opalmind_tui.tracking.failover_queue import FailoverQueue
from opalmind_tui.tracking.memory_queue import MemoryQueue
from opalmind_tui.tracking.redis_queue import RedisQueue

if TYPE_CHECKING:
    from redis.asyncio import Redis

TTL_REPORTS = "ttl:reports"
TTL_IDEMPOTENCY = "ttl:idempotency"
CONFIG_NAMES = (TTL_REPORTS, TTL_IDEMPOTENCY, *(f"{TTL_REPORTS}:{name}" for name in NAMES))
"""Everything that can be configured while processes run."""


@dataclass(slots=True)
class Stores:
    """What `open_stores` made."""

    commands: Redis
    """The queue's client, and that of all that is shared."""
    cache: Redis
    """The cache's own client: short time-outs, so that a report never waits long for Redis."""
    observer: Redis
    """One connection for looking, so that a slow look holds up no sending."""
    link: RedisLink
    config: RuntimeConfig
    audit: Audit
    presence: Presence
    memory: MemoryQueue
    queue: FailoverQueue

    async def close(self) -> None:
        """Close all connections."""
        for client in (self.commands, self.cache, self.observer):
            await client.aclose()


def open_stores(
    settings: Settings,
    *,
    role: str,
    user: str,
    memory: bool,
    deliver_shared: bool,
    read_only: bool,
    clock: Callable[[], float] = time.time,
) -> Stores:
    """Make them; nothing connects yet. Arguments as in `Engine`."""
    prefix = settings.stats_prefix
    commands = async_client(settings)
    link = RedisLink(commands, probe_key="" if read_only else f"{prefix}probe", clock=clock)
    config = RuntimeConfig(commands, link, f"{prefix}config", CONFIG_NAMES, clock)

    def idempotency_ttl() -> int:
        return int(float(config.get(TTL_IDEMPOTENCY) or settings.idempotency_ttl_s))

    shared = RedisQueue(
        commands,
        queue_prefix=settings.queue_prefix,
        idempotency_prefix=settings.idempotency_prefix,
        idempotency_ttl=idempotency_ttl,
    )
    private = MemoryQueue(clock=clock, idempotency_ttl=idempotency_ttl)
    return Stores(
        commands=commands,
        cache=async_client(settings, connect_timeout=CACHE_TIMEOUT, timeout=CACHE_TIMEOUT),
        observer=async_client(settings, pool=1),
        link=link,
        config=config,
        audit=Audit(commands, link, f"{prefix}audit", clock),
        presence=Presence(commands, f"{prefix}presence", role=role, user=user, version=__version__),
        memory=private,
        queue=FailoverQueue(shared, private, link, memory=memory, deliver_shared=deliver_shared, clock=clock),
    )
