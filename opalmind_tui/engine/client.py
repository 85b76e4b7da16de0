"""The library's front door: tracking and reports of one Matomo, with the queue and the cache behind them."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from msgspec import Struct

from opalmind_tui.engine.engine import Engine
from opalmind_tui.engine.hand_over import HandOver
from opalmind_tui.engine.last_signal import LastSignal
from opalmind_tui.errors import SettingsError
from opalmind_tui.reports.service import Reports
from opalmind_tui.settings import Settings, load_settings
from opalmind_tui.snapshot.model import CacheView, Mode, QueueView
from opalmind_tui.text import safe_text
from opalmind_tui.tracking import fields
from opalmind_tui.tracking.queue import Acceptance
from opalmind_tui.tracking.request import TrackingRequest


class Tracked(Struct, frozen=True):
    """What became of a tracking call.

    Args:
        outcome: accepted; duplicate (its key was used for the same payload); conflict (for another); full.
        id: the request's id in the queue, empty where it is not queued.
        idempotency_key: the key in force, empty for none.
        pv_id: the page view id, for page views.
        reason: the limit that refused it, with its number (full).
        durable: Redis has it. False: it lives in this process's memory until Redis is back (I2).
    """

    outcome: Acceptance
    id: str
    idempotency_key: str
    pv_id: str
    durable: bool
    reason: str = ""

    @property
    def ok(self) -> bool:
        """It will reach Matomo, or has."""
        return self.outcome in (Acceptance.ACCEPTED, Acceptance.DUPLICATE)


class MatomoClient(Reports):
    """Tracks page views, events and goals through the durable queue, and reads reports through the shared cache.

    ::

        async with MatomoClient() as matomo:
            await matomo.track_pageview("https://example.org/", action_name="Home")
            rows = await matomo.get_most_popular_urls(period="day", date="today")

    Args:
        settings: what to talk to; read from the environment if not given.
        deliver: whether this process also sends what waits in Redis. With workers running it need not.

    Requests that are left in this process's memory when it stops, because Redis is away, go to a file: `handed_over`
    and a log line name it. So they do before SIGTERM or SIGHUP ends the process, where the program itself listens to
    neither.

    Raises `SettingsError` without a `MATOMO_BASE_URL`. Used from one event loop.
    """

    def __init__(self, settings: Settings | None = None, *, deliver: bool = True) -> None:
        chosen = load_settings(os.environ) if settings is None else settings
        self._engine = Engine(chosen, role="client", deliver=deliver)
        if self._engine.reporting is None:
            raise SettingsError("MATOMO_BASE_URL", "nothing", "the address of the Matomo to talk to")
        self._signal = LastSignal(self._last_words)
        super().__init__(self._engine.reporting, self._engine.cache, chosen.matomo_default_site_id)

    async def start(self) -> None:
        """Connect. Raises `StoreUnavailable` where an operator must help first; a Redis that is away is waited for."""
        await self._engine.start()
        self._signal.listen()

    async def stop(self) -> None:
        """Send what is under way, give back what is not, close everything."""
        try:
            await self._engine.stop()
        finally:
            self._signal.close()

    async def __aenter__(self) -> MatomoClient:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def handed_over(self) -> HandOver | None:
        """After `stop`: what became of requests that lived in this process only; None where there were none."""
        return self._engine.handed_over

    def _last_words(self) -> None:
        self._engine.save()
        if self.handed_over is not None and not logging.getLogger().handlers:
            print(safe_text(self.handed_over.sentence), file=sys.stderr, flush=True)

    async def track_pageview(
        self,
        url: str,
        *,
        site_id: int | None = None,
        action_name: str | None = None,
        pv_id: str | None = None,
        visitor_id: str | None = None,
        uid: str | None = None,
        ts: float | None = None,
        referrer: str | None = None,
        user_agent: str | None = None,
        language: str | None = None,
        custom_vars: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Tracked:
        """A page view. Returns when the store has it.

        Args:
            url: address of the page.
            site_id: Matomo's site; the default site if not given.
            action_name: title; the url if not given.
            pv_id: page view id; made up if not given, and the idempotency key where none is.
            visitor_id: 16 hexadecimal digits; derived from site, user agent, language and day if neither it nor `uid`
                is given.
            uid: user id.
            ts: when it happened, milliseconds since 1970; the time of acceptance if not given.
            referrer, user_agent, language: of the visitor.
            custom_vars: custom variables.
            idempotency_key: a second call with it is not sent; empty switches that off.

        Raises `RefusedRequest` for what Matomo could never store.
        """
        return await self._track(
            fields.pageview,
            url=url, siteId=site_id, actionName=action_name, pvId=pv_id, visitorId=visitor_id, uid=uid, ts=ts,
            referrer=referrer, userAgent=user_agent, language=language, customVars=custom_vars,
            idempotencyKey=idempotency_key,
        )  # fmt: skip

    async def track_event(
        self,
        category: str,
        action: str,
        *,
        name: str | None = None,
        value: float | None = None,
        url: str | None = None,
        site_id: int | None = None,
        visitor_id: str | None = None,
        uid: str | None = None,
        ts: float | None = None,
        referrer: str | None = None,
        user_agent: str | None = None,
        language: str | None = None,
        custom_vars: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Tracked:
        """An event with a category, an action and, if wanted, a name and a number. The rest as `track_pageview`."""
        return await self._track(
            fields.event,
            category=category, action=action, name=name, value=value, url=url, siteId=site_id, visitorId=visitor_id,
            uid=uid, ts=ts, referrer=referrer, userAgent=user_agent, language=language, customVars=custom_vars,
            idempotencyKey=idempotency_key,
        )  # fmt: skip

    async def track_goal(
        self,
        goal_id: int,
        *,
        revenue: float | None = None,
        url: str | None = None,
        site_id: int | None = None,
        visitor_id: str | None = None,
        uid: str | None = None,
        ts: float | None = None,
        referrer: str | None = None,
        user_agent: str | None = None,
        language: str | None = None,
        custom_vars: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Tracked:
        """A goal that was reached, with its revenue in the site's currency. The rest as `track_pageview`."""
        return await self._track(
            fields.goal,
            goalId=goal_id, revenue=revenue, url=url, siteId=site_id, visitorId=visitor_id, uid=uid, ts=ts,
            referrer=referrer, userAgent=user_agent, language=language, customVars=custom_vars,
            idempotencyKey=idempotency_key,
        )  # fmt: skip

    async def _track(self, build: Callable[..., TrackingRequest], **given: Any) -> Tracked:
        chosen = {name: value for name, value in given.items() if value is not None}
        request = build(chosen, default_site_id=self._engine.settings.matomo_default_site_id)
        (answer,) = await self._engine.offer([request])
        return Tracked(
            outcome=answer.outcome,
            id=answer.id,
            idempotency_key=request.key,
            pv_id=request.params.get("pv_id", ""),
            durable=self._engine.queue.mode is Mode.REDIS,
            reason=answer.reason,
        )

    async def get_queue_stats(self) -> QueueView:
        """The queue's counts, rates, gate and ledger. Raises `StoreUnavailable`."""
        return await self._engine.queue_view()

    async def get_cache_stats(self) -> CacheView:
        """Hits, misses, sets, stale evictions and entries of all processes, per feature and in all."""
        return await self._engine.cache.view()

    async def get_health_status(self) -> dict[str, Any]:
        """The health document: `status`, `timestamp` and `checks` of Matomo, cache, queue and Redis."""
        return await self._engine.health_document()
