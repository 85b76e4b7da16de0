"""A report that is cached already, asked of Matomo anew: what is wanted is read from the entry's key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from opalmind_tui.errors import RefusedRequest
from opalmind_tui.reports.asking import Asking
from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.features import BY_NAME, Feature, Input, snake
from opalmind_tui.reports.js_json import parse
from opalmind_tui.reports.key_text import key_bytes, key_text

_LONGEST = 64 * 1024


class Wish(Struct, frozen=True):
    """What a key asks for."""

    feature: Feature
    asked: Input
    key: str


def wish_of(key: str) -> Wish:
    """Read a key text. Raises `RefusedRequest` where we would ask for the same under another key, or not at all."""
    try:
        data = parse(key_bytes(key)) if len(key) <= _LONGEST else None
    except ValueError:
        data = None
    name, asked = (data.get("feature"), data.get("input")) if isinstance(data, dict) else (None, None)
    feature = BY_NAME.get(name) if isinstance(name, str) else None
    plain = isinstance(asked, dict) and all(isinstance(value, str | int | bool) for value in asked.values())
    if feature is not None and isinstance(asked, dict) and plain and key_text(feature, asked) == key:
        return Wish(feature, asked, key)
    raise RefusedRequest("key", "this is no key of a report that is known here: Matomo cannot be asked for it")


class _Anew:
    """Stands for the cache: what is asked for under the one key is fetched, whatever is stored."""

    def __init__(self, cache: ReportCache, key: str) -> None:
        self._cache, self._key = cache, key
        self.stored = False

    async def fetch(self, feature: str, key: str, load: Callable[[], Awaitable[Any]]) -> Any:
        """As `ReportCache.fetch`."""
        if key != self._key:
            raise RefusedRequest("key", "the same report would be asked for under another key now")
        value, self.stored = await self._cache.refetch(feature, key, load)
        return value


async def refetch(make: Callable[[Any], Asking], cache: ReportCache, wish: Wish) -> bool:
    """Fetch a report and put it in the place of the entry; returns whether it was stored.

    Args:
        make: the reports on a given cache.

    Raises what the report raises: `MatomoError`, `RefusedRequest`; and `StoreUnavailable`.
    """
    anew = _Anew(cache, wish.key)
    report = getattr(make(anew), snake(wish.feature.function))
    await report(**{snake(name): value for name, value in wish.asked.items()})
    return anew.stored
