"""What Matomo calls the sites that a screen shows: asked in the background, one after the other, and remembered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from opalmind_tui.errors import MatomoError
from opalmind_tui.matomo.reporting_client import ReportingClient
from opalmind_tui.reports.js_json import parse
from opalmind_tui.reports.key_text import key_bytes
from opalmind_tui.reports.outage import AWAY
from opalmind_tui.snapshot.model import Snapshot

KNOWN_FOR, UNKNOWN_FOR = 24 * 3600.0, 600.0
"""Seconds that a name counts, and those before a site that could not be asked for is asked for again."""
MOST_SITES = 1_000
_SITE = re.compile("[1-9][0-9]{0,8}", re.ASCII).fullmatch
_LONGEST_KEY, _LONGEST_NAME = 4_096, 200


class SiteNames:
    """Names by the number of the site.

    Args:
        client: Matomo, with a token; None where there is none: then nobody is asked.
        clock: epoch seconds.
    """

    def __init__(self, client: ReportingClient | None, clock: Callable[[], float]) -> None:
        self._client, self._clock = client, clock
        self._known: dict[str, tuple[str, float]] = {}
        self._task: asyncio.Task[None] | None = None

    def of(self, sites: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """The names that are known of these sites; what is not known is asked for meanwhile."""
        wanted, now = sorted(set(sites)), self._clock()
        missing = [site for site in wanted if self._known.get(site, ("", 0.0))[1] <= now]
        if missing and self._client is not None and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._ask(self._client, missing), name="site names")
        return tuple((site, self._known[site][0]) for site in wanted if site in self._known and self._known[site][0])

    async def stop(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _ask(self, client: ReportingClient, sites: list[str]) -> None:
        away = False
        for site in sites:
            name, lasts, answer = self._known.get(site, ("", 0.0))[0], UNKNOWN_FOR, None
            if not away:
                try:
                    answer = await client.call("SitesManager.getSiteFromId", {"idSite": site})
                except MatomoError as error:
                    # The number is shown as before; Matomo's own check says what is wrong with it. Where it is away,
                    # each of the others would take as long in vain.
                    away = error.kind in AWAY
            found = answer.get("name") if isinstance(answer, dict) else None
            if isinstance(found, str):
                name, lasts = found[:_LONGEST_NAME], KNOWN_FOR
            if len(self._known) >= MOST_SITES:
                del self._known[next(iter(self._known))]
            self._known[site] = name, self._clock() + lasts


def sites_in(snapshot: Snapshot) -> Iterator[str]:
    """The numbers of the sites that a screen shows: of requests, of groups of them, of entries of the cache."""
    listing, groups, entries = snapshot.listing, snapshot.groups, snapshot.entries
    for row in snapshot.requests.value or ():
        yield from _number(row.site)
    if listing is not None and listing.value is not None:
        for row in listing.value.rows:
            yield from _number(row.site)
    if groups is not None and groups.value is not None:
        for group in groups.value.groups:
            yield from _number(group.site)
    if entries is not None and entries.value is not None:
        for entry in entries.value.rows:
            yield from _number(site_of(entry.key))


def _number(site: str) -> tuple[str, ...]:
    """The number of a site as Matomo writes it; a stranger may have written something else."""
    return (site,) if _SITE(site) else ()


@lru_cache(maxsize=2_000)
def site_of(key: str) -> str:
    """The number of the site that a key text is about; empty where it names none."""
    try:
        data = parse(key_bytes(key)) if len(key) <= _LONGEST_KEY else None
    except ValueError:
        data = None
    asked = data.get("input") if isinstance(data, dict) else None
    site = asked.get("siteId") if isinstance(asked, dict) else None
    return str(site) if isinstance(site, int) and not isinstance(site, bool) and 0 < site < 10**9 else ""
