"""Every report of OpalMind."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from opalmind_tui.errors import MatomoError, RefusedRequest
from opalmind_tui.reports.asking import Row, own_copy
from opalmind_tui.reports.features import BY_NAME, request_params, sendable
from opalmind_tui.reports.key_text import key_text
from opalmind_tui.reports.lists import Lists
from opalmind_tui.reports.sales import Sales
from opalmind_tui.reports.values import funnels, key_numbers


class Reports(Lists, Sales):
    """All reports. Common to them:

    Args:
        site_id: Matomo's number of the site; the default site if not given.
        period: ``day``, ``week``, ``month``, ``year`` or ``range``.
        date: ``2025-10-28``, ``today``, ``yesterday``, ``last7``, or two days with a comma for a range.
        segment: Matomo's segment expression.
        limit: most rows that Matomo shall send; 10 if not given, -1 for all.

    Counts are plain numbers, times are seconds, rates are texts such as ``37%`` unless a report says otherwise. Fields
    that OpalMind does not know follow the known ones as Matomo sent them.

    Raises `MatomoError` where Matomo refuses, fails or sends something of another shape (kind ``parse``), and
    `RefusedRequest` where a parameter cannot be meant. Redis trouble is never raised.
    """

    async def get_key_numbers(
        self,
        *,
        site_id: int | None = None,
        period: str = "day",
        date: str = "today",
        segment: str | None = None,
    ) -> Row:
        """Visits, visitors, actions, page views and time on site of one period. Never cached.

        ``avg_time_on_site`` is ``{"value": seconds, "unit": "seconds"}``. Source: ``VisitsSummary.get``, and
        ``Actions.get`` for the page views, which are left out where that call fails.
        """
        params = self._span(site_id, period, date, segment)
        visits = await self._client.call("VisitsSummary.get", params)
        try:
            actions = await self._client.call("Actions.get", params)
        except MatomoError:
            actions = None
        return key_numbers.shape(visits, actions)

    async def get_key_numbers_series(
        self,
        *,
        site_id: int | None = None,
        period: str = "day",
        date: str = "last7",
        segment: str | None = None,
    ) -> list[Row]:
        """Key numbers by period, oldest first, each with its ``date``. Never cached. Source: ``VisitsSummary.get``."""
        answer = await self._client.call("VisitsSummary.get", self._span(site_id, period, date, segment))
        return key_numbers.series(answer)

    async def get_funnel_summary(
        self,
        funnel_id: str | int,
        *,
        site_id: int | None = None,
        period: str = "day",
        date: str = "today",
        segment: str | None = None,
    ) -> Row:
        """A funnel with its steps; rates are percentages as numbers, times are seconds.

        Source: ``Funnels.getFunnel``, ``Funnels.getFunnelMetrics`` and ``Funnels.getFunnelFlowTable``. What one of
        them fails to tell is missing or computed from the others; only where all fail, their error is raised.
        """
        if str(funnel_id) == "":
            raise RefusedRequest("funnelId", "a funnel has a number or a name")
        feature = BY_NAME["funnelSummary"]
        asked: dict[str, Any] = {
            "siteId": self._site(site_id),
            "funnelId": str(funnel_id),
            "period": period,
            "date": date,
        }
        if segment is not None:
            asked["segment"] = segment

        async def load() -> Row:
            params = request_params(feature, asked)
            definition, metrics, flow = feature.methods
            answers = await asyncio.gather(
                self._client.call(definition, params),
                self._client.call(metrics, params),
                self._client.call(flow, params | {"flat": "1"}),
                return_exceptions=True,
            )
            return funnels.shape(asked, *_answers(answers))

        return own_copy(await self._cache.fetch(feature.name, key_text(feature, asked), load))

    def _span(self, site_id: int | None, period: str, date: str, segment: str | None) -> dict[str, str]:
        params = {"idSite": str(self._site(site_id)), "period": sendable(period), "date": sendable(date)}
        return params if segment is None else params | {"segment": sendable(segment)}


def _answers(results: Sequence[Any | BaseException]) -> list[Any]:
    """The answers with None for those that failed; raises the first error where all did, or where it is no Matomo's."""
    errors = [result for result in results if isinstance(result, BaseException)]
    foreign = [error for error in errors if not isinstance(error, MatomoError)]
    if foreign or len(errors) == len(results):
        raise (foreign or errors)[0]
    return [None if isinstance(result, BaseException) else result for result in results]
