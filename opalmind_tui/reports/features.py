"""The twelve cached reports: one line each, as OpalMind services request and store them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

DEFAULT_LIMIT = 10
"""Rows asked for when a caller names no limit. It is not part of the key."""

Input = Mapping[str, str | int | bool]
"""What a caller asked for, by the names of the key text; a field that was not given is absent."""


class Feature(Struct, frozen=True):
    """One kind of report.

    Args:
        name: as in keys and entries.
        function: the call of the OpalMind SDK that makes it.
        methods: Matomo's API methods, in the order of the requests.
        fields: input fields in the order of the key text.
        params: (Matomo's parameter, input field) in the order of the request; ``=x`` in place of a field is the text x.
    """

    name: str
    function: str
    methods: tuple[str, ...]
    fields: tuple[str, ...]
    params: tuple[tuple[str, str], ...]


_ASKED = ("siteId", "period", "date", "segment")
_LIMITED = (*_ASKED, "limit")
_SITE = (("idSite", "siteId"), ("period", "period"), ("date", "date"), ("segment", "segment"))
_LIMIT = (*_SITE, ("filter_limit", "limit"))
_FLAT = (*_LIMIT, ("flat", "=1"))
_ORDERS = (*_SITE, ("idGoal", "=ecommerceOrder"))
_FUNNEL = (("idSite", "siteId"), ("idFunnel", "funnelId"), *_SITE[1:])
_EVENT = (*_FLAT, ("eventCategory", "category"), ("eventAction", "action"), ("eventName", "name"))
_FUNNEL_METHODS = ("Funnels.getFunnel", "Funnels.getFunnelMetrics", "Funnels.getFunnelFlowTable")

FEATURES: tuple[Feature, ...] = (
    Feature("popularUrls", "getMostPopularUrls", ("Actions.getPageUrls",), _LIMITED, _FLAT),
    Feature("topReferrers", "getTopReferrers", ("Referrers.getReferrerType",), _LIMITED, _LIMIT),
    Feature("events", "getEvents", ("Events.getAction",), (*_LIMITED, "category", "action", "name"), _EVENT),
    Feature("entryPages", "getEntryPages", ("Actions.getEntryPageUrls",), _LIMITED, _FLAT),
    Feature("campaigns", "getCampaigns", ("Referrers.getCampaigns",), _LIMITED, _LIMIT),
    Feature("ecommerceOverview", "getEcommerceOverview", ("Goals.get",), _ASKED, _ORDERS),
    Feature("ecommerceRevenueTotals", "getEcommerceRevenueTotals", ("Goals.get",), (*_ASKED, "includeSeries"), _ORDERS),
    Feature("eventCategories", "getEventCategories", ("Events.getCategory",), _LIMITED, _FLAT),
    Feature("deviceTypes", "getDeviceTypes", ("DevicesDetection.getType",), _LIMITED, _LIMIT),
    Feature(
        "trafficChannels", "getTrafficChannels", ("Referrers.getReferrerType",), (*_LIMITED, "channelType"), _LIMIT
    ),
    Feature("goalConversions", "getGoalConversions", ("Goals.get",), (*_LIMITED, "goalId", "goalType"), _LIMIT),
    Feature("funnelSummary", "getFunnelSummary", _FUNNEL_METHODS, ("siteId", "funnelId", *_ASKED[1:]), _FUNNEL),
)

BY_NAME: Mapping[str, Feature] = {feature.name: feature for feature in FEATURES}
NAMES: tuple[str, ...] = tuple(BY_NAME)


def request_params(feature: Feature, asked: Input) -> dict[str, str]:
    """Matomo's parameters for what was asked, in order; absent fields are left out, an empty text is sent."""
    params: dict[str, str] = {}
    for name, source in feature.params:
        if source.startswith("="):
            params[name] = source[1:]
        elif source in asked:
            params[name] = sendable(str(asked[source]))
        elif source == "limit":
            params[name] = str(DEFAULT_LIMIT)
    return params


def sendable(text: str) -> str:
    """The text as a URL can carry it: half of a surrogate pair has no UTF-8 and becomes U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def snake(name: str) -> str:
    """``getMostPopularUrls`` as Python spells it."""
    return re.sub("([A-Z])", r"_\1", name).lower()
