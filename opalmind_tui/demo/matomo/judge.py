"""What Matomo makes of one hit: stored, skipped on purpose, or invalid."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

from msgspec import Struct

from opalmind_tui.demo.matomo.accounts import Access, Account
from opalmind_tui.demo.matomo.sites import Site
from opalmind_tui.demo.matomo.visits import Visits, visitor_of

DAY = 86_400.0
OLDEST = 20 * 365 * DAY
"""A `cdt` further back is taken for a mistake."""
NEEDS_TOKEN = ("cip", "country", "region", "city", "lat", "long")
BOTS = ("bot", "crawler", "spider", "slurp")
SPAM = ("semalt.com", "buttons-for-website.com", "darodar.com")
ACTIONS = ("download", "link", "search", "c_n", "e_a")
"""Parameters that make a hit something else than a page view."""


class Verdict(StrEnum):
    """What becomes of a hit. Skipped hits count as tracked."""

    STORED = "stored"
    SKIPPED = "skipped"
    INVALID = "invalid"


class Sender(Struct, frozen=True):
    """Who sent a hit, as HTTP tells it, and when it came."""

    now: float
    address: str
    agent: str = ""
    preview: bool = False
    account: Account | None = None


class Judged(Struct, frozen=True):
    """A verdict, and the moment that the hit counts for. `wanted_token`: it could be stored with a token only."""

    verdict: Verdict
    time: float
    wanted_token: bool = False


def judge(params: Mapping[str, str], sender: Sender, sites: Mapping[int, Site], visits: Visits) -> Judged:
    """Judge one hit, without storing it."""
    time = moment(params, sender.now)
    if not params:
        return Judged(Verdict.SKIPPED, time)
    site = site_of(params, sites)
    if site is None:
        return Judged(Verdict.INVALID, time)
    if needs_token(params, time, sender.now) and not (sender.account and sender.account.may(Access.WRITE, site.id)):
        return Judged(Verdict.INVALID, time, wanted_token=True)
    if "cid" in params and len(params["cid"]) != 16:
        return Judged(Verdict.INVALID, time)
    if params.get("rec") != "1" or _excluded(params, sender):
        return Judged(Verdict.SKIPPED, time)
    return Judged(_of_kind(params, site, visits, visitor_of(params, sender.address, sender.agent), time), time)


def site_of(params: Mapping[str, str], sites: Mapping[int, Site]) -> Site | None:
    """The site of a hit, if there is such a site."""
    number = params.get("idsite", "").strip()
    return sites.get(int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else None


def needs_token(params: Mapping[str, str], time: float, now: float) -> bool:
    """True when only a sender with write access may say this."""
    return now - time > DAY or any(params.get(name) for name in NEEDS_TOKEN)


def moment(params: Mapping[str, str], now: float) -> float:
    """When the hit happened by `cdt` or `cdo`; the time of arrival where they make no sense."""
    try:
        time = now - float(params["cdo"]) if "cdo" in params else _parse(params.get("cdt", ""))
    except (ValueError, OverflowError):
        return now
    return time if now - OLDEST <= time <= now else now


def _parse(text: str) -> float:
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _excluded(params: Mapping[str, str], sender: Sender) -> bool:
    agent = (params.get("ua") or sender.agent).lower()
    bot = params.get("bots") != "1" and any(word in agent for word in BOTS)
    return bot or sender.preview or any(name in params.get("urlref", "") for name in SPAM)


def _of_kind(params: Mapping[str, str], site: Site, visits: Visits, visitor: str, time: float) -> Verdict:
    if params.get("ping") == "1":
        return Verdict.SKIPPED
    if "idgoal" in params:
        return _goal(params, site, visits, visitor, time)
    category = params.get("e_c", "")
    blank = bool(category) and not category.strip()
    nameless = params.get("ca") == "1" and not category and not any(params.get(name) for name in ACTIONS[:-1])
    return Verdict.INVALID if blank or nameless else Verdict.STORED


def _goal(params: Mapping[str, str], site: Site, visits: Visits, visitor: str, time: float) -> Verdict:
    number = params["idgoal"].strip()
    if number == "0":
        return Verdict.INVALID if visits.ordered(site.id, params.get("ec_id", "")) else Verdict.STORED
    goal = site.goal(int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else None
    if goal is None:
        return Verdict.INVALID
    visit = visits.find(site.id, visitor, time)
    return Verdict.SKIPPED if visit and goal.id in visit.goals and not goal.multiple else Verdict.STORED
