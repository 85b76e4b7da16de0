"""Everything that touches the store, made from settings: clients, link, queue, cache. Made once, closed once."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from msgspec import Struct

from opalmind_tui import __version__
from opalmind_tui.engine.identity import origin_of
from opalmind_tui.engine.ledger import CONFIG_NAME as LEDGER_NAME
from opalmind_tui.engine.ledger import Ledger
from opalmind_tui.matomo.masking import mask
from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.entries import Entries
from opalmind_tui.reports.preview.access_log import AccessLog
from opalmind_tui.reports.preview.previews import Previews
from opalmind_tui.reports.ttl import CONFIG_NAMES, Ttls
from opalmind_tui.reports.ttl_control import TtlControl
from opalmind_tui.settings import Settings
from opalmind_tui.storage.audit import Audit
from opalmind_tui.storage.cluster import ClusterClient
from opalmind_tui.storage.connection import CACHE_TIMEOUT, async_client, locator_for
from opalmind_tui.storage.history import HistoryStore
from opalmind_tui.storage.link import RedisLink
from opalmind_tui.storage.meter import Meter
from opalmind_tui.storage.presence import Presence
from opalmind_tui.storage.runtime_config import RuntimeConfig
from opalmind_tui.storage.sentinel import Locator
from opalmind_tui.storage.slots import beside_queue
from opalmind_tui.tracking.failover_queue import FailoverQueue
from opalmind_tui.tracking.fullness import MEGABYTE
from opalmind_tui.tracking.memory_queue import MemoryQueue
from opalmind_tui.tracking.memory_queue.queue import MAX_BYTES, MAX_LENGTH
from opalmind_tui.tracking.redis_queue import RedisQueue

if TYPE_CHECKING:
    from redis.asyncio import Redis


class Stores(Struct):
    """What `open_stores` made. `commands` serves all that is shared; `quick` the cache, with short time-outs;
    `observer` has one connection for looking, so that a slow look holds up no sending."""

    commands: Redis
    quick: Redis
    observer: Redis
    meter: Meter
    link: RedisLink
    locator: Locator | None
    config: RuntimeConfig
    ledger: Ledger
    audit: Audit
    history: HistoryStore
    presence: Presence
    memory: MemoryQueue
    shared: RedisQueue
    queue: FailoverQueue
    ttls: Ttls
    cache: ReportCache
    entries: Entries
    accesses: AccessLog
    previews: Previews
    ttl_control: TtlControl

    async def close(self) -> None:
        """Share what is counted and close all connections."""
        await self.cache.close()
        for client in (self.commands, self.quick, self.observer):
            await client.aclose()


def open_stores(
    settings: Settings,
    *,
    role: str,
    user: str,
    endpoint: str,
    memory: bool,
    deliver_shared: bool,
    clock: Callable[[], float] = time.time,
) -> Stores:
    """Make them; nothing connects yet. Arguments as in `Engine`."""
    prefix, origin, secrets = settings.stats_prefix, origin_of(), settings.secrets()
    meter = Meter()
    commands = async_client(settings, meter=meter)
    # Who only asks (`status`) needs no permission to write.
    writes = role != "status" and not settings.read_only
    quick = async_client(settings, connect_timeout=CACHE_TIMEOUT, timeout=CACHE_TIMEOUT, meter=meter)
    probe = f"{prefix}probe"
    if settings.redis_cluster:
        # What matters most is whether the queue's shard serves.
        probe = beside_queue(probe, settings.queue_prefix)
    link = RedisLink(commands, probe_key=probe if writes else "", clock=clock)
    config = RuntimeConfig(commands, link, f"{prefix}config", (*CONFIG_NAMES, LEDGER_NAME), clock)
    ttls = Ttls(settings, config)
    cache = ReportCache(settings, ttls, quick, commands=commands, clock=clock)

    def record_ttl() -> int:
        return int(ttls.idempotency().seconds)

    worker = f"{role} {platform.node()[:60]}:{os.getpid()}"
    shared = RedisQueue(
        commands,
        queue_prefix=settings.queue_prefix,
        idempotency_prefix=settings.idempotency_prefix,
        idempotency_ttl=record_ttl,
        max_length=settings.queue_max_length,
        max_bytes=settings.queue_max_memory_mb * MEGABYTE,
        resend_unknown=settings.resend_unknown,
        worker=worker,
    )
    private = MemoryQueue(
        clock=clock,
        idempotency_ttl=record_ttl,
        resend_unknown=settings.resend_unknown,
        worker=worker,
        max_length=min(settings.queue_max_length or MAX_LENGTH, MAX_LENGTH),
        max_bytes=min(settings.queue_max_memory_mb * MEGABYTE or MAX_BYTES, MAX_BYTES),
    )
    observer = async_client(settings, pool=1, no_touch=True, meter=meter)
    link.on_change(lambda: _all_anew(link, (commands, quick, observer)))
    accesses = AccessLog(commands, f"{prefix}{{c}}:lookups")
    if writes:
        cache.on_lookup = lambda feature, key, size, times: accesses.note(feature, key, size, clock(), times)
    previews = Previews(accesses, cache.counted, lambda feature: ttls.of(feature).seconds, clock)
    return Stores(
        commands=commands,
        quick=quick,
        observer=observer,
        meter=meter,
        link=link,
        locator=locator_for(settings),
        config=config,
        ledger=Ledger(config),
        audit=Audit(commands, link, f"{prefix}audit", clock, origin, lambda text: mask(text, secrets)),
        history=HistoryStore(commands, f"{prefix}history"),
        presence=Presence(
            commands,
            f"{prefix}presence",
            role=role,
            user=user,
            version=__version__,
            endpoint=endpoint,
            environment=settings.environment,
            ssh_client=origin["client"],
        ),
        memory=private,
        shared=shared,
        queue=FailoverQueue(shared, private, link, memory=memory, deliver_shared=deliver_shared, clock=clock),
        ttls=ttls,
        cache=cache,
        accesses=accesses,
        previews=previews,
        entries=Entries(observer, settings.cache_prefix, clock),
        ttl_control=TtlControl(settings, ttls, config, commands, cache),
    )


def _all_anew(link: RedisLink, clients: Iterable[Redis]) -> None:
    """Redis is back. Clients of a Cluster ask who has what: after a fail-over others hold connections to a node that is
    gone, and would take it for the next outage."""
    for client in clients:
        if link.writable and isinstance(client, ClusterClient):
            client.doubt()
