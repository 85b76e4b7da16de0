"""The reporting endpoint: who may ask, what was asked wrongly, and which report answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from typing import Any

from msgspec import Struct

from opalmind_tui.demo.matomo.accounts import Access, Account, Accounts
from opalmind_tui.demo.matomo.figures import Day, LiveFigures
from opalmind_tui.demo.matomo.message import REPORT, Request, Response
from opalmind_tui.demo.matomo.past import past_day
from opalmind_tui.demo.matomo.periods import BadPeriod, parts_of
from opalmind_tui.demo.matomo.reports import REPORTS, ZEROS, Asked
from opalmind_tui.demo.matomo.sites import Site

VERSION = "5.2.0-b5"
WRONG_TOKEN = "Unable to authenticate with the provided token. It is either invalid or expired."
WRONG_TOKEN_IN_URL = (
    "Unable to authenticate with the provided token. It is either invalid, expired or is required to be sent as a POST "
    "parameter."
)
NO_TOKEN = "You can't access this resource as it requires view access for at least one website."
LOCKED = "Too many failed logins. Please wait and try logging in again later."
NO_SUCH_METHOD = "The method '{}' does not exist or is not available in the module '\\Piwik\\Plugins\\{}\\API'."
NO_PLUGIN = "The plugin {} is not enabled. You can activate the plugin on Settings > Plugins page in Matomo."
NO_METHOD = "The parameter 'method' isn't set in the Request, and a default value wasn't provided."
PLUGINS = frozenset({"API", "Live", "SitesManager", "UsersManager", *(name.partition(".")[0] for name in REPORTS)})
SEGMENTS = frozenset({
    "actions", "browserCode", "campaignName", "city", "countryCode", "customVariableName1", "customVariableValue1",
    "deviceType", "entryPageUrl", "eventAction", "eventCategory", "eventName", "exitPageUrl", "languageCode",
    "operatingSystemCode", "pageTitle", "pageUrl", "referrerName", "referrerType", "referrerUrl", "userId",
    "visitCount", "visitDuration", "visitIp", "visitorId", "visitorType", "visitConverted",
})  # fmt: skip
DAYS_ADDED = 31
"""Days of a long part that are really added up; the rest is extrapolated, so that a year costs what a month costs."""


class Refused(Exception):
    """A call that gets an error. Matomo says most of them with status 200."""

    def __init__(self, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.message, self.status = message, status


class Call(Struct, frozen=True):
    """A reporting call: its method, its parameters, and who asks."""

    method: str
    params: Mapping[str, str]
    token: str
    in_url: bool


def read_call(request: Request) -> Call:
    """Take a call apart; the body of a POST wins over the URL."""
    form = request.form
    params = {**request.url_fields, **form}
    token = params.pop("token_auth", "")
    return Call(params.get("method", ""), params, token, in_url="token_auth" not in form)


def answer_json(value: Any, status: int = 200) -> Response:
    """A value as Matomo's JSON: everything beyond ASCII escaped, slashes too."""
    body = json.dumps(value, separators=(",", ":")).replace("/", "\\/")
    return Response(status, body.encode(), REPORT)


class Reporter:
    """Answers reporting calls from a made-up past and what was tracked."""

    def __init__(
        self, sites: Mapping[int, Site], accounts: Accounts, live: LiveFigures, seed: int, clock: Callable[[], float]
    ) -> None:
        self._sites, self._accounts, self._live, self._seed, self._clock = sites, accounts, live, seed, clock

    def answer(self, call: Call) -> Response:
        """The report, or the error that Matomo would tell."""
        try:
            account = self._account(call)
            return answer_json(self._value(call, account))
        except Refused as refusal:
            return answer_json({"result": "error", "message": refusal.message}, refusal.status)
        except BadPeriod as error:
            return answer_json({"result": "error", "message": str(error)})

    def _account(self, call: Call) -> Account:
        now = self._clock()
        if not call.token:
            raise Refused(NO_TOKEN, 401)
        if self._accounts.locked(now):
            raise Refused(LOCKED, 500)
        account = self._accounts.find(call.token)
        if account is None or (account.secure_only and call.in_url):
            if account is None:
                self._accounts.count_wrong(now)
            raise Refused(WRONG_TOKEN_IN_URL if call.in_url else WRONG_TOKEN, 401)
        return account

    def _value(self, call: Call, account: Account) -> Any:
        module, dot, name = call.method.partition(".")
        if not dot:
            raise Refused("The method name is invalid. Expected 'module.methodName'" if module else NO_METHOD)
        match call.method:
            case "API.getMatomoVersion":
                return {"value": VERSION}
            case "SitesManager.getSitesIdWithAtLeastViewAccess":
                return [site for site in self._sites if account.may(Access.VIEW, site)]
            case "SitesManager.getSitesIdWithWriteAccess":
                return self._sites_with(account, Access.WRITE)
            case "SitesManager.getSitesIdWithAdminAccess":
                return self._sites_with(account, Access.ADMIN, Access.SUPER)
            case "UsersManager.hasSuperUserAccess":
                return {"value": account.access is Access.SUPER}
            case "SitesManager.getSiteFromId":
                return _described(self._site(_need(call, "idSite"), account))
            case "Live.getCounters":
                return self._counters(self._site(_need(call, "idSite"), account))
        if call.method in REPORTS:
            return self._report(call, account)
        raise (
            Refused(NO_SUCH_METHOD.format(name, module), 400)
            if module in PLUGINS
            else Refused(NO_PLUGIN.format(module))
        )

    def _sites_with(self, account: Account, *accesses: Access) -> list[int]:
        """The sites to which the user has exactly this access."""
        return [site for site in self._sites if account.access in accesses and account.may(Access.VIEW, site)]

    def _site(self, text: str, account: Account) -> Site:
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        site = self._sites.get(number)
        if account.access is not Access.SUPER and not (site and account.may(Access.VIEW, number)):
            message = f"You can't access this resource as it requires 'view' access for the website id = {text}."
            raise Refused(message, 401)
        if site is None:
            raise Refused(f"An unexpected website was found in the request: website id was set to '{text}' .")
        return site

    def _report(self, call: Call, account: Account) -> Any:
        wanted = _need(call, "idSite")
        sites = [self._site(text, account) for text in wanted.split(",")]
        parts, several = parts_of(_need(call, "period"), _need(call, "date"), self._today())
        factor = segment_share(call.params.get("segment", ""))
        many = several or len(sites) > 1

        def one(site: Site, first: date, last: date) -> Any:
            day = self._figures(site, first, last, factor)
            if not day.rows and (many or call.method not in ZEROS):
                return []
            return limited(REPORTS[call.method](Asked(site, day, call.params)), call.params)

        def dated(site: Site) -> Any:
            found = {label: one(site, first, last) for label, first, last in parts}
            return found if several else found[parts[0][0]]

        return {str(site.id): dated(site) for site in sites} if len(sites) > 1 else dated(sites[0])

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock(), UTC).date()

    def _figures(self, site: Site, first: date, last: date, factor: float) -> Day:
        today, found = self._today(), Day()
        last = min(last, today)
        length = (last - first).days + 1
        added = min(length, DAYS_ADDED)
        for back in range(added):
            on = last - timedelta(days=back)
            found.merge(past_day(self._seed, site, on), factor * (self._elapsed() if on == today else length / added))
            if live := self._live.day(site.id, on):
                found.merge(live, factor)
        return found

    def _elapsed(self) -> float:
        return self._clock() % 86_400 / 86_400

    def _counters(self, site: Site) -> list[dict[str, int]]:
        live = self._live.day(site.id, self._today())
        row = live.total() if live else {}
        return [{"visits": int(row.get("visits", 0)), "actions": int(row.get("actions", 0)),
                 "visitors": int(row.get("visitors", 0)), "visitsConverted": int(row.get("converted", 0))}]  # fmt: skip


def _need(call: Call, name: str) -> str:
    if not call.params.get(name):
        raise Refused(f"Please specify a value for '{name}'.")
    return call.params[name]


def segment_share(segment: str) -> float:
    """The share of the visits that a segment leaves: the same text always leaves the same."""
    if not segment:
        return 1.0
    for condition in segment.replace(";", ",").split(","):
        name = condition
        for operator in ("==", "!=", "<=", ">=", "=@", "!@", "=^", "=$", "<", ">"):
            name = name.partition(operator)[0]
        if name != condition and name not in SEGMENTS:
            raise Refused(f"Segment '{name}' is not a supported segment.")
    digest = blake2b(segment.encode("utf-8", "surrogatepass"), digest_size=2).digest()
    return 0.1 + 0.5 * int.from_bytes(digest) / 0xFFFF


def limited(value: Any, params: Mapping[str, str]) -> Any:
    """The first rows of a table: `filter_limit`, 100 where it says nothing; -1 for all."""
    if not isinstance(value, list):
        return value
    try:
        limit = int(params.get("filter_limit", "100"))
    except ValueError:
        limit = 100
    return value if limit < 0 else value[:limit]


def _described(site: Site) -> dict[str, Any]:
    return {
        "idsite": site.id, "name": site.name, "main_url": site.url, "ts_created": "2024-01-01 00:00:00",
        "ecommerce": 1, "sitesearch": 1, "timezone": "UTC", "currency": site.currency, "group": "",
        "type": "website", "timezone_name": "UTC",
        "currency_name": {"EUR": "Euro", "USD": "US Dollar"}.get(site.currency, site.currency),
    }  # fmt: skip
