"""The currency of each site, asked of Matomo when amounts are to be shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from opalmind_tui.errors import MatomoError
from opalmind_tui.reports.single_flight import SingleFlight
from opalmind_tui.reports.values.money import currency_of

KNOWN_FOR = 24 * 3600.0
"""Seconds that an answer counts."""
UNKNOWN_FOR = 60.0
"""Seconds before a look-up that failed is tried again."""
_MOST_SITES = 1000


class ReportingApi(Protocol):
    """What the reports need of Matomo."""

    async def call(self, method: str, params: Mapping[str, str]) -> Any:
        """Ask for a method's answer. Raises `MatomoError`."""
        ...


class Currencies:
    """Currencies by site, for this process.

    Args:
        client: Matomo.
        clock: seconds that only go forward.
    """

    def __init__(self, client: ReportingApi, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[int, tuple[str | None, float]] = {}
        self._flights: SingleFlight[str | None] = SingleFlight()

    async def of(self, site_id: int) -> str | None:
        """A code such as ``EUR``; None where Matomo names none or could not be asked. Never raises."""
        currency, until = self._known.get(site_id, (None, 0.0))
        if self._clock() < until:
            return currency
        return await self._flights.run(str(site_id), lambda: self._ask(site_id))

    async def _ask(self, site_id: int) -> str | None:
        currency, lasts = None, UNKNOWN_FOR
        try:
            site = await self._client.call("SitesManager.getSiteFromId", {"idSite": str(site_id)})
        except MatomoError:
            pass  # The report itself says what is wrong with Matomo; without a currency it is still good.
        else:
            currency, lasts = currency_of(site), KNOWN_FOR
        if len(self._known) >= _MOST_SITES:
            del self._known[next(iter(self._known))]
        self._known[site_id] = (currency, self._clock() + lasts)
        return currency
