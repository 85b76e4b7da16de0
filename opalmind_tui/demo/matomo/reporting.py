"""The reporting endpoint: who may ask, what was asked wrongly, and which report answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from opalmind_tui.demo.matomo.accounts import Access, Account, Accounts
from opalmind_tui.demo.matomo.message import Request, Response
from opalmind_tui.demo.matomo.sites import Site

VERSION = "5.2.0-b5"
KIND = "application/json; charset=utf-8"
WRONG_TOKEN = "Unable to authenticate with the provided token. It is either invalid or expired."
WRONG_TOKEN_IN_URL = (
    "Unable to authenticate with the provided token. It is either invalid, expired or is required to be sent as a POST "
    "parameter."
)
NO_TOKEN = "You can't access this resource as it requires view access for at least one website."
LOCKED = "Too many failed logins. Please wait and try logging in again later."


class Refused(Exception):
    """A call that gets an error. Matomo says most of them with status 200."""

    def __init__(self, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.message, self.status = message, status


@dataclass(frozen=True, slots=True)
class Call:
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
    return Response(status, body.encode(), KIND)


class Reporter:
    """Answers reporting calls."""

    def __init__(self, sites: Mapping[int, Site], accounts: Accounts, clock: Callable[[], float]) -> None:
        self._sites, self._accounts, self._clock = sites, accounts, clock

    def answer(self, call: Call) -> Response:
        """The report, or the error that Matomo would tell."""
        try:
            self._account(call)
            return answer_json(self._value(call))
        except Refused as refusal:
            return answer_json({"result": "error", "message": refusal.message}, refusal.status)

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
        if account.access < Access.VIEW:
            raise Refused(NO_TOKEN, 401)
        return account

    def _value(self, call: Call) -> Any:
        if call.method in ("API.getMatomoVersion", "API.getVersion"):
            return {"value": VERSION}
        raise Refused(f"The plugin {call.method.partition('.')[0]} is not enabled.")
