"""What every report does: which site, which key, which request, and the cache in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from opalmind_tui.errors import RefusedRequest
from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.currencies import Currencies, ReportingApi
from opalmind_tui.reports.features import BY_NAME, request_params
from opalmind_tui.reports.key_text import key_text

T = TypeVar("T")
Row = dict[str, Any]
"""One row of a report: known fields first, as numbers and texts, then what else Matomo sent."""


class Asking:
    """The common part of all reports.

    Args:
        client: Matomo.
        cache: where reports are kept.
        default_site_id: the site for calls that name none (``MATOMO_DEFAULT_SITE_ID``).
        currencies: currencies by site; made from `client` if not given.
    """

    def __init__(
        self,
        client: ReportingApi,
        cache: ReportCache,
        default_site_id: int | None = None,
        *,
        currencies: Currencies | None = None,
    ) -> None:
        self._client = client
        self._cache = cache
        self._default_site_id = default_site_id
        self._currencies = currencies or Currencies(client)

    def _site(self, site_id: int | None) -> int:
        chosen = self._default_site_id if site_id is None else site_id
        if chosen is None:
            raise RefusedRequest("siteId", "no site was named and MATOMO_DEFAULT_SITE_ID is not set")
        if isinstance(chosen, bool) or not isinstance(chosen, int) or chosen < 1:
            raise RefusedRequest("siteId", "a site is a whole number from 1 on")
        return chosen

    async def _ask(
        self, feature_name: str, shape: Callable[[Any], T], extra: Mapping[str, str] | None = None, /, **asked: Any
    ) -> T:
        """A report that is one request: from the cache, else Matomo's answer as `shape` makes it.

        `extra` are more of Matomo's parameters; `asked` are the input fields by the names of the key text, where None
        means that the caller did not give it.
        """
        feature = BY_NAME[feature_name]
        given = {field: value for field, value in asked.items() if value is not None}

        async def load() -> T:
            params = request_params(feature, given) | dict(extra or {})
            return shape(await self._client.call(feature.methods[0], params))

        return own_copy(await self._cache.fetch(feature.name, key_text(feature, given), load))


def own_copy(value: T) -> T:
    """A report of one's own, to change as one likes: the cache gives all who ask the same one."""
    if isinstance(value, dict):
        return cast(T, {name: own_copy(part) if type(part) in _NESTED else part for name, part in value.items()})
    if isinstance(value, list):
        return cast(T, [own_copy(part) if type(part) in _NESTED else part for part in value])
    return value


_NESTED = (dict, list)
