"""The way to Matomo's reports: its client, the reports through the cache, and a report fetched anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from opalmind_tui.errors import SettingsError
from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.settings import Settings

if TYPE_CHECKING:
    from opalmind_tui.matomo.reporting_client import ReportingClient
    from opalmind_tui.reports.refetch import Wish
    from opalmind_tui.reports.service import Reports


class Asking:
    """Asks the configured Matomo. The HTTP client is loaded only where one is configured."""

    def __init__(self, settings: Settings, cache: ReportCache, clock: Callable[[], float]) -> None:
        self._settings, self._cache = settings, cache
        self.client = self._made(clock)
        """Asks Matomo for reports; None where no Matomo is configured."""
        self._reports: Reports | None = None

    def _made(self, clock: Callable[[], float]) -> ReportingClient | None:
        if not self._settings.matomo_base_url:
            return None
        from opalmind_tui.matomo.reporting_client import ReportingClient

        return ReportingClient(self._settings.matomo_base_url, self._settings.matomo_token, clock=clock)

    @property
    def reports(self) -> Reports:
        """The reports through the cache. Raises `SettingsError` without a Matomo."""
        if self.client is None:
            raise SettingsError("MATOMO_BASE_URL", "nothing", "the address of the Matomo to ask")
        if self._reports is None:
            from opalmind_tui.reports.service import Reports

            self._reports = Reports(self.client, self._cache, self._settings.matomo_default_site_id)
        return self._reports

    async def refetch(self, wish: Wish) -> bool:
        """Fetch a report anew; whether it is in the cache now."""
        from opalmind_tui.reports.refetch import refetch
        from opalmind_tui.reports.service import Reports

        client, site = self.client, self._settings.matomo_default_site_id
        assert client is not None
        return await refetch(lambda cache: Reports(client, cache, site), self._cache, wish)

    async def close(self) -> None:
        """Close the connections."""
        if self.client is not None:
            await self.client.close()
