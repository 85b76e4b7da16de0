"""Looks at attached services again and again, more rarely the more it costs them, and tells what changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from msgspec.structs import replace

from opalmind_tui.observe.services.asking import PATIENCE, TOGETHER, Asker, Told
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.services import ServiceChanges, ServiceFigures, ServicesView, ServiceView

EVERY = 60.0
"""Seconds between two looks."""
SELDOM = 3600.0
"""The longest time between two."""
COMMANDS = 20.0
"""Commands per second, on the average, that looking may cost the services' Redis: they may share one."""


class Services:
    """What is known of the attached services.

    Args:
        clock: epoch seconds.
        together: how many are asked at a time.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time, *, together: int = TOGETHER) -> None:
        self._asker = Asker(settings, together)
        self._clock = clock
        self._not_before: dict[str, float] = {}
        self._views = {
            url: ServiceView(url, since=clock(), open_only=self._asker.open_only) for url in settings.api_urls
        }
        self._next_at = 0.0

    @property
    def view(self) -> ServicesView:
        """All of them, as the newest looks left them."""
        views = tuple(self._views.values())
        return ServicesView(views, interval_of(views), self._next_at)

    async def look(self, patience: float = PATIENCE) -> ServicesView:
        """Ask each of them once, but for those that asked to be left alone.

        Args:
            patience: seconds for each answer.
        """
        self._next_at = 0.0
        now = self._clock()
        urls = [url for url in self._views if self._not_before.get(url, 0.0) <= now]
        await asyncio.gather(*(self._ask(url, patience) for url in urls))
        return self.view

    async def _ask(self, url: str, patience: float) -> None:
        told = await self._asker.ask(url, patience)
        now = self._clock()
        self._not_before[url] = now + told.wait
        self._views[url] = after(self._views[url], told, now)

    async def watch(self) -> None:
        """Look for ever. Runs until it is cancelled."""
        while True:
            view = await self.look()
            self._next_at = self._clock() + view.interval
            await asyncio.sleep(view.interval)

    async def close(self) -> None:
        """Close the connections."""
        await self._asker.close()


def interval_of(views: tuple[ServiceView, ...]) -> float:
    """Seconds between two looks: the more entries their caches hold, the more rarely."""
    cost = sum(view.cost for view in views)
    return min(SELDOM, max(EVERY, float(round(cost / COMMANDS))))


def after(view: ServiceView, told: Told, now: float) -> ServiceView:
    """A service after one more look."""
    since = view.since if told.reach is view.reach else now
    view = replace(view, reach=told.reach, asked_at=now, took=told.took, trouble=told.trouble, since=since)
    figures = told.figures
    if figures is None:
        return view
    if figures.error:
        # It could not look at its own figures; the former ones are the newest there are.
        former = view.figures or ServiceFigures("")
        return replace(view, figures=replace(former, status=figures.status, error=figures.error))
    changes = None
    if view.figures is not None and view.told_at:
        changes = _changes(view.figures, figures, now - view.told_at)
    return replace(view, figures=figures, told_at=now, changes=changes)


def _changes(former: ServiceFigures, figures: ServiceFigures, seconds: float) -> ServiceChanges:
    restarted = (figures.processed or 0) < (former.processed or 0) or (figures.retried or 0) < (former.retried or 0)
    base = ServiceFigures("") if restarted else former

    def more(name: str) -> int:
        return (getattr(figures, name) or 0) - (getattr(base, name) or 0)

    waiting = (figures.pending or 0) + (figures.inflight or 0) - (former.pending or 0) - (former.inflight or 0)
    before = former.status if former.status != figures.status else ""
    return ServiceChanges(max(0.0, seconds), more("processed"), more("retried"), waiting, before, restarted)
