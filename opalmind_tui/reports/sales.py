"""Reports with amounts: campaigns, channels, orders, goals. Each amount is ``{"value": number, "currency": code}``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import Any, cast

from opalmind_tui.reports.asking import Asking, Row, T
from opalmind_tui.reports.values import ecommerce, goals, rows
from opalmind_tui.reports.values.money import with_currency


class Sales(Asking):
    """Reports with amounts in the site's currency (None where Matomo could not name it).

    `reports.service.Reports` says what all of its reports have in common.
    """

    async def get_campaigns(
        self,
        *,
        site_id: int | None = None,
        period: str = "day",
        date: str = "today",
        segment: str | None = None,
        limit: int | None = None,
    ) -> list[Row]:
        """Visits and revenue by campaign. Source: ``Referrers.getCampaigns``."""
        site = self._site(site_id)
        shape = partial(rows.shape, "campaigns")
        report = self._ask("campaigns", shape, siteId=site, period=period, date=date, segment=segment, limit=limit)
        return await self._priced(report, site)

    async def get_traffic_channels(
        self,
        *,
        site_id: int | None = None,
        period: str = "day",
        date: str = "today",
        segment: str | None = None,
        limit: int | None = None,
        channel_type: str | None = None,
    ) -> list[Row]:
        """Visits and revenue by channel.

        Args:
            channel_type: only this channel: ``direct``, ``search``, ``social``, ``referral``, ``campaign``, or a
                channel's label. The filter works on the rows within `limit`.

        Source: ``Referrers.getReferrerType``.
        """

        def shape(answer: Any) -> list[Row]:
            return rows.only_channel(rows.shape("trafficChannels", answer), channel_type or "")

        site = self._site(site_id)
        report = self._ask(
            "trafficChannels", shape, siteId=site, period=period, date=date, segment=segment, limit=limit,
            channelType=channel_type,
        )  # fmt: skip
        return await self._priced(report, site)

    async def get_ecommerce_overview(
        self,
        *,
        site_id: int | None = None,
        period: str = "day",
        date: str = "today",
        segment: str | None = None,
    ) -> Row:
        """Orders, items and revenue of one period (of the first, where `date` names several).

        Source: ``Goals.get`` for ``ecommerceOrder``.
        """
        site = self._site(site_id)
        report = self._ask(
            "ecommerceOverview", ecommerce.overview, siteId=site, period=period, date=date, segment=segment
        )
        return await self._priced(report, site)

    async def get_ecommerce_revenue_totals(
        self,
        *,
        site_id: int | None = None,
        period: str = "day",
        date: str = "today",
        segment: str | None = None,
        include_series: bool | None = None,
    ) -> Row:
        """``totals`` over all periods that `date` names, and ``series`` by period where there are several.

        Args:
            include_series: give the series for a single period, too.

        Source: ``Goals.get`` for ``ecommerceOrder``; the revenue per order is computed from the sums.
        """
        site = self._site(site_id)
        report = self._ask(
            "ecommerceRevenueTotals", lambda answer: ecommerce.totals(answer, bool(include_series)),
            siteId=site, period=period, date=date, segment=segment, includeSeries=include_series,
        )  # fmt: skip
        return await self._priced(report, site)

    async def get_goal_conversions(
        self,
        *,
        site_id: int | None = None,
        period: str = "day",
        date: str = "today",
        segment: str | None = None,
        limit: int | None = None,
        goal_id: str | int | None = None,
        goal_type: str | None = None,
    ) -> list[Row]:
        """Conversions, converted visits and revenue by goal.

        Args:
            goal_id: a goal's number, ``ecommerceOrder``, ``abandonedCart``, or a goal's label.
            goal_type: only goals of this type, such as ``manual``, ``url`` or ``ecommerce``.

        Source: ``Goals.get``; records of one goal over several periods are added up.
        """
        site = self._site(site_id)
        chosen = goals.goal_param(goal_id)
        report = self._ask(
            "goalConversions", lambda answer: goals.shape(answer, goal_id, goal_type or ""),
            {} if chosen is None else {"idGoal": chosen},
            siteId=site, period=period, date=date, segment=segment, limit=limit, goalId=goal_id, goalType=goal_type,
        )  # fmt: skip
        return await self._priced(report, site)

    async def _priced(self, report: Awaitable[T], site: int) -> T:
        value, currency = await asyncio.gather(report, self._currencies.of(site))
        return cast(T, with_currency(value, currency))
