"""The demo's visitors: each walks through the invented shop and leaves page views, events and goals behind."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from opalmind_tui.demo.matomo.sites import SITES
from opalmind_tui.demo.shop import AGENTS, CAMPAIGNS, EVENTS, FUNNEL, LANGUAGES, LINKS, PAGES

Action = tuple[str, dict[str, Any]]
"""The kind of a tracking call, and its fields in the spelling of `tracking.fields`."""

SITE_WEIGHTS: Mapping[int, float] = {1: 74, 2: 18, 3: 6, 7: 2}
NEXT, EVENT, BASKET, NEWSLETTER, AGAIN = 0.78, 0.24, 0.11, 0.03, 0.012
"""Chance after a page that a visitor reads on, that the page makes an event, that the basket is next, that the
newsletter is ordered, and that an impatient click sends the same page view twice."""
STEP_ON = 0.72
"""Chance to go on from one step of the funnel to the next."""
SAMPLE_REVENUE = (12.5, 26.0, 39.9, 84.0)


class Visitor(Struct):
    """One visit, action by action.

    Args:
        chance: settles everything about it.
    """

    chance: random.Random

    def walk(self) -> Iterator[Action]:
        """The actions of the visit, in order."""
        chance = self.chance
        site = SITES[chance.choices(list(SITE_WEIGHTS), list(SITE_WEIGHTS.values()))[0]]
        agents = [agent for _, agent, _ in AGENTS]
        shared = {
            "siteId": site.id,
            "visitorId": f"{chance.getrandbits(64):016x}",
            "userAgent": chance.choices(agents, [weight for *_, weight in AGENTS])[0],
            "language": chance.choice(LANGUAGES),
        }
        referrer, query = self._origin()
        path = chance.choices([page.path for page in PAGES], [page.weight for page in PAGES])[0]
        while path:
            url = site.url + quote(path, safe="/?=&") + query
            view = {**shared, "url": url, "actionName": TITLES[path], "pvId": f"{chance.getrandbits(64):016x}"}
            view |= {"referrer": referrer} if referrer else {}
            yield "pageview", view
            if chance.random() < AGAIN:
                yield "pageview", dict(view)
            yield from self._extras(path, {**shared, "url": url})
            referrer, query, path = url, "", self._next(path)

    def _origin(self) -> tuple[str, str]:
        """Referrer and query of the first page."""
        drawn = self.chance.random()
        if drawn < 0.34:
            return "", ""
        if drawn < 0.48:
            names = [name for name, _ in CAMPAIGNS]
            campaign = self.chance.choices(names, [weight for _, weight in CAMPAIGNS])[0]
            return "", f"?mtm_campaign={campaign}"
        return self.chance.choices(LINKS, (75, 18, 7))[0], ""

    def _extras(self, path: str, shared: dict[str, Any]) -> Iterator[Action]:
        chance = self.chance
        if path == FUNNEL[-1]:
            yield "goal", {**shared, "goalId": 2, "revenue": chance.choice(SAMPLE_REVENUE)}
        elif chance.random() < EVENT:
            category, action, name, value, _ = chance.choices(EVENTS, [weight for *_, weight in EVENTS])[0]
            event = {**shared, "category": category, "action": action, "name": name}
            yield "event", event if value is None else {**event, "value": value}
        if chance.random() < NEWSLETTER:
            yield "goal", {**shared, "goalId": 1}

    def _next(self, path: str) -> str:
        """The page after this one; empty ends the visit."""
        chance = self.chance
        if path in FUNNEL:
            step = FUNNEL.index(path) + 1
            return FUNNEL[step] if step < len(FUNNEL) and chance.random() < STEP_ON else ""
        if chance.random() > NEXT:
            return ""
        if chance.random() < BASKET:
            return FUNNEL[0]
        pages = [page for page in PAGES if page.path not in FUNNEL and page.path != path]
        return chance.choices([page.path for page in pages], [page.weight for page in pages])[0]


TITLES: Mapping[str, str] = {page.path: page.title for page in PAGES}
