"""Reports that are lists of rows without amounts: pages, referrers, events, devices."""

from __future__ import annotations

from functools import partial

from opalmind_tui.reports.asking import Asking, Row
from opalmind_tui.reports.values import rows


class Lists(Asking):
    """Lists of rows. `reports.service.Reports` says what all of its reports have in common."""

    async def get_most_popular_urls(
        self,
        *,
        site_id: int | None = None,
        period: str = "day",
        date: str = "today",
        segment: str | None = None,
        limit: int | None = None,
    ) -> list[Row]:
        """The most visited pages: ``nb_hits`` page views, ``nb_visits``, ``sum_time_spent`` in seconds.

        Source: ``Actions.getPageUrls``, flat.
        """
        site = self._site(site_id)
        shape = partial(rows.shape, "popularUrls")
        return await self._ask(
            "popularUrls", shape, siteId=site, period=period, date=date, segment=segment, limit=limit
        )

    async def get_top_referrers(
        self,
        *,
        site_id: int | None = None,
        period: str = "day",
        date: str = "today",
        segment: str | None = None,
        limit: int | None = None,
    ) -> list[Row]:
        """Visits, actions and converted visits by kind of referrer. Source: ``Referrers.getReferrerType``."""
        site = self._site(site_id)
        shape = partial(rows.shape, "topReferrers")
        return await self._ask(
            "topReferrers", shape, siteId=site, period=period, date=date, segment=segment, limit=limit
        )

    async def get_events(
        self,
        *,
        site_id: int | None = None,
        period: str = "day",
        date: str = "today",
        segment: str | None = None,
        limit: int | None = None,
        category: str | None = None,
        action: str | None = None,
        name: str | None = None,
    ) -> list[Row]:
        """Events by action: how many, in how many visits, with the sum, mean, least and most of their values.

        Args:
            category: only events of this category. action: only this action. name: only this name.

        Source: ``Events.getAction``, flat.
        """
        site = self._site(site_id)
        shape = partial(rows.shape, "events")
        return await self._ask(
            "events", shape, siteId=site, period=period, date=date, segment=segment, limit=limit,
            category=category, action=action, name=name,
        )  # fmt: skip

    async def get_entry_pages(
        self,
        *,
        site_id: int | None = None,
        period: str = "day",
        date: str = "today",
        segment: str | None = None,
        limit: int | None = None,
    ) -> list[Row]:
        """Pages on which visits began. Times in seconds; ``bounce_rate`` and ``exit_rate`` are texts such as ``37%``.

        Source: ``Actions.getEntryPageUrls``, flat.
        """
        site = self._site(site_id)
        shape = partial(rows.shape, "entryPages")
        return await self._ask("entryPages", shape, siteId=site, period=period, date=date, segment=segment, limit=limit)

    async def get_event_categories(
        self,
        *,
        site_id: int | None = None,
        period: str = "day",
        date: str = "today",
        segment: str | None = None,
        limit: int | None = None,
    ) -> list[Row]:
        """Events by category, with the figures of `get_events`. Source: ``Events.getCategory``, flat."""
        site = self._site(site_id)
        shape = partial(rows.shape, "eventCategories")
        return await self._ask(
            "eventCategories", shape, siteId=site, period=period, date=date, segment=segment, limit=limit
        )

    async def get_device_types(
        self,
        *,
        site_id: int | None = None,
        period: str = "day",
        date: str = "today",
        segment: str | None = None,
        limit: int | None = None,
    ) -> list[Row]:
        """Visits by type of device. Times in seconds. Source: ``DevicesDetection.getType``."""
        site = self._site(site_id)
        shape = partial(rows.shape, "deviceTypes")
        return await self._ask(
            "deviceTypes", shape, siteId=site, period=period, date=date, segment=segment, limit=limit
        )
