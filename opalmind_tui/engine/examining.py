"""Gathers what the doctor needs, once: server, queue, cache, our processes, and what Matomo thinks of our token."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from opalmind_tui import health
from opalmind_tui.doctor import Facts, Place, diagnose
from opalmind_tui.engine.matomo_probe import MatomoProbe
from opalmind_tui.engine.stores import Stores
from opalmind_tui.engine.token_check import check_token
from opalmind_tui.errors import OpalmindError, StoreUnavailable
from opalmind_tui.observe.examination import Examination, examine
from opalmind_tui.observe.filling import Filling, filling
from opalmind_tui.observe.nodes import Servers
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.findings import Diagnosis
from opalmind_tui.snapshot.model import PreviewPoint, ProcessView, Reading, ServerView
from opalmind_tui.snapshot.server import NodeView
from opalmind_tui.storage.cluster import home_address
from opalmind_tui.storage.cluster_keys import nodes_of
from opalmind_tui.storage.connection import address
from opalmind_tui.storage.slots import Node
from opalmind_tui.storage.trouble import TROUBLES
from opalmind_tui.storage.trouble_table import SILENT

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from opalmind_tui.matomo.reporting_client import ReportingClient

RESOLVE_WITHIN = 1.0
"""Seconds to learn whether the host's name is this machine's."""
BETTER = 0.15
"""By how much a longer time to live must raise the predicted hit rate."""


class Examining:
    """Makes diagnoses.

    Args:
        reporting: asks Matomo; None where none is configured.
        state: reads what the health document is made of.
    """

    def __init__(
        self,
        settings: Settings,
        stores: Stores,
        probe: MatomoProbe,
        reporting: ReportingClient | None,
        state: Callable[[], Awaitable[health.Facts]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._stores, self._probe, self._reporting = settings, stores, probe, reporting
        self._state, self._clock = state, clock

    async def diagnose(self) -> Diagnosis:
        """Look at everything once. Never raises for a part that failed: that is a finding, or is left out."""
        link = self._stores.link
        if link.trouble is None:
            # One that is away is probed by the link itself; here it would cost the time-out again.
            await link.probe()
        answers = link.trouble is None or link.trouble.kind not in SILENT
        server: Reading[ServerView] = await self._server() if answers else Reading()
        state = await self._state()
        home = home_address(self._stores.observer)
        facts = Facts(
            state=replace(state, server=server),
            trouble=link.trouble,
            place=await _place(self._settings, home),
            examination=await self._examination() if answers else None,
            processes=await self._processes() if link.reachable else (),
            matomo_kind=self._probe.kind,
            filling=await self._filling(server.value) if link.reachable else None,
            matomo_clock=await self._matomo_clock(),
            token=await check_token(self._settings, self._reporting) if self._probe.reading.error is None else None,
            better=await self._better() if link.reachable else None,
        )
        facts = replace(facts, nodes=await self._nodes(facts) if answers else ())
        asked = bool(self._settings.matomo_base_url or self._settings.redis_configured or link.trouble is None)
        return diagnose(facts, asked=asked)

    async def _server(self) -> Reading[ServerView]:
        try:
            view = await Servers(every=True).read(self._stores.observer, self._clock())
        except StoreUnavailable as error:
            return Reading(error=str(error))
        return Reading(view, self._clock())

    async def _examination(self) -> Examination | None:
        try:
            return await examine(self._stores.observer, self._clock)
        except StoreUnavailable:
            return None

    async def _nodes(self, facts: Facts) -> tuple[Facts, ...]:
        """The facts about each primary of a Cluster that told of itself."""
        views = facts.server.nodes if facts.server is not None else ()
        try:
            clients = await nodes_of(self._stores.observer)
        except TROUBLES:
            return ()
        found = [self._node(facts, node, clients[node.address]) for node in views if node.address in clients]
        return tuple(one for one in await asyncio.gather(*found) if one is not None)

    async def _node(self, facts: Facts, node: NodeView, client: Redis) -> Facts | None:
        if node.view is None or node.error:
            return None
        host, _, port = node.address.rpartition(":")
        place = await _place(self._settings, Node(host.strip("[]"), int(port)))
        try:
            seen = facts.examination if node.home else await examine(client, self._clock)
        except StoreUnavailable:
            seen = None
        state = replace(facts.state, server=Reading(node.view, self._clock()))
        return replace(facts, state=state, place=place, examination=seen, home=node.home)

    async def _processes(self) -> tuple[ProcessView, ...]:
        try:
            return await self._stores.presence.processes()
        except StoreUnavailable:
            return ()

    async def _matomo_clock(self) -> tuple[float, float] | None:
        """What the newest answer said; the verdict may be another process's, so that this one has not asked yet."""
        client = self._reporting
        if client is None or self._probe.reading.error is not None:
            return None
        if client.clock_offset is None:
            await self._probe.ask_again()
        return client.clock_offset

    async def _filling(self, server: ServerView | None) -> Filling | None:
        """Only where a limit may be met; without the right to look nothing is said."""
        if server is None or not server.max_memory:
            return None
        try:
            return await filling(self._stores.observer, self._settings, self._stores.ttls.idempotency().seconds)
        except StoreUnavailable:
            return None

    async def _better(self) -> PreviewPoint | None:
        """The shortest time to live with nearly the best hit rate, where that is clearly better than the present."""
        try:
            seen = await self._stores.previews.preview("", None)
        except OpalmindError:
            return None
        now = seen.present.hit_rate
        known = [point for point in seen.candidates if point.hit_rate is not None and point.ttl > seen.present.ttl]
        best = max((point.hit_rate or 0.0 for point in known), default=0.0)
        if now is None or best < now + BETTER:
            return None
        return next(point for point in known if (point.hit_rate or 0.0) >= best - 0.05)


async def _place(settings: Settings, home: Node | None = None) -> Place:
    """Where Redis is, and whether the way there leaves this machine. `home`: the node that was asked, of a Cluster."""
    where = address(settings)
    if home is not None:
        where = replace(where, host=home.host, port=home.port)
    return Place(
        address=str(where),
        host=where.host,
        port=where.port,
        path=where.path,
        database=where.database,
        local=bool(where.path) or await _is_local(where.host),
        tls=where.tls,
        user=where.user,
        authenticated=where.authenticated,
        ca=settings.redis_tls_ca,
        certificate=settings.redis_tls_cert,
        key=settings.redis_tls_key,
    )


async def _is_local(host: str) -> bool:
    """Every address of the host is a loopback one. A name that cannot be resolved is none of this machine."""
    try:
        async with asyncio.timeout(RESOLVE_WITHIN):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError):
        return False
    return bool(found) and all(ipaddress.ip_address(str(one[4][0]).partition("%")[0]).is_loopback for one in found)
