"""The recorded calls and entries of OpalMind services, and a stand-in for Matomo that answers as it did then."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from opalmind_tui.errors import MatomoError

_DATA = Path(__file__).parents[1] / "data" / "reports"
PREFIX = "opalmind:cache:"
_KINDS = {401: "auth", 403: "permission", 429: "rate-limit"}


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (_DATA / name).read_text("utf-8").split("\n") if line]


CALLS = _lines("requests.jsonl")
RECORDS = _lines("records.jsonl")
ENTRIES = {record["key"]: record for record in RECORDS if record["key"].startswith(PREFIX)}
ENTRIES |= {written["key"]: written for call in CALLS for written in call["written"]}
"""Every cache entry that was recorded, by key."""


def method_of(call: Mapping[str, Any]) -> str:
    """Our method for a call of the SDK."""
    return re.sub("([A-Z])", lambda letter: "_" + letter[1].lower(), call["fn"])


def arguments_of(call: Mapping[str, Any]) -> dict[str, Any]:
    """Our arguments for a call of the SDK; fields that it never knew are dropped there, too."""
    snake = {
        re.sub("([A-Z])", lambda letter: "_" + letter[1].lower(), name): value for name, value in call["args"].items()
    }
    snake.pop("foo", None)
    return snake


class ScriptedMatomo:
    """Answers as recorded, at the level of `ReportingClient.call`: the last try of each request counts.

    A site's currency is given as the recorded result shows it, whether or not it was asked for then.
    """

    def __init__(self, call: Mapping[str, Any]) -> None:
        self._answers = {request["method"]: request for request in call["http"]}
        self._currency = _currency_in(call.get("returned"))
        self.asked: list[tuple[str, list[list[str]]]] = []

    async def call(self, method: str, params: Mapping[str, str]) -> Any:
        """Answer a request."""
        if method == "SitesManager.getSiteFromId":
            if self._currency is None:
                raise MatomoError("permission", "no access")
            return {"idsite": params["idSite"], "currency": f" {self._currency.lower()} "}
        self.asked.append((method, [[name, value] for name, value in params.items()]))
        return answer_of(self._answers[method])


def answer_of(request: Mapping[str, Any]) -> Any:
    """The recorded answer as Matomo's client gives it."""
    status = request.get("status")
    if status is None:
        raise MatomoError("network", "recorded failure")
    if status != 200:
        raise MatomoError(_KINDS.get(status, "server"), "recorded failure", status=status)
    try:
        data = json.loads(request["body"].removeprefix("\ufeff"))
    except json.JSONDecodeError:
        raise MatomoError("parse", "no JSON") from None
    if isinstance(data, dict) and (data.get("result") == "error" or "error" in data):
        raise MatomoError("client", "recorded error", status=200)
    return data


def requests_of(call: Mapping[str, Any]) -> list[tuple[str, list[list[str]]]]:
    """The recorded requests without repeats, look-ups of currencies and those of the token."""
    found: list[tuple[str, list[list[str]]]] = []
    for request in call["http"]:
        entry = (request["method"], request["params"])
        if entry not in found and request["method"] != "SitesManager.getSiteFromId":
            found.append(entry)
    return found


def _currency_in(value: Any) -> str | None:
    if isinstance(value, dict) and set(value) == {"value", "currency"}:
        return value["currency"]
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for child in children if (found := _currency_in(child))), None)
