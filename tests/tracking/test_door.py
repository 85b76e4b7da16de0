"""The door against what a real Matomo did with each recorded hit: what it refused or stored as something else for a
reason that can be known beforehand is not accepted, and what it stored as meant is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from opalmind_tui.errors import RefusedRequest
from opalmind_tui.tracking.prepare import refuse_what_only_a_token_lets_in
from opalmind_tui.tracking.raw import raw

NOW = 1_795_375_203.0
RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parent.parent / "data/demo/tracking-single.jsonl").read_text().splitlines()
]
NOT_AS_MEANT = {
    "event, category without action": "e_a",
    "event, value not a number": "e_v",
    "goal, revenue not a number": "revenue",
    "cip invalid, with token": "cip",
    "custom variables, broken JSON": "cvar",
    "_id too short": "_id",
    "_id 16 characters, not hexadecimal": "_id",
    "cid not hexadecimal": "cid",
    "cdt 25 years ago, token": "cdt",
    "apiv=99": "apiv",
    "OPTIONS preflight": "params",
}
"""204, and nothing, or something else, is stored."""
REFUSED = {
    "pageview, Authorization: Bearer token instead of token_auth, cdt 3 days": "cdt",
    "cdt 25 h ago, no token": "cdt",
    "cip without a token": "cip",
    "event, blank category": "e_c",
    "cid too short, token": "cid",
    "idsite=0": "idsite",
    "idsite=-1": "idsite",
    "idsite missing": "siteId",
    "empty POST": "params",
    "only unknown parameters": "siteId",
}
"""400, for a reason that can be known beforehand."""
NEAR_A_DAY = "cdt 23 h 59 min ago, no token"
"""By our clock, which may be minutes off Matomo's."""
ONLY_MATOMO_KNOWS = (
    "cdt 25 h ago, bad token",
    "cdt 25 h ago, view token",
    "goal that does not exist",
    "ecommerce order, same ec_id",
    "idsite that does not exist",
    "secure-only super user token: POST, token in the query",
    "expired write token",
)
NOT_HOW_WE_SEND = ("JSON body of one hit", "form body, JSON content type", "PUT")


def at_fault(recorded: dict[str, Any]) -> str:
    """The field for which the recorded hit is refused; empty where it is taken."""
    request = recorded["request"]
    text = f"{urlsplit(request['path']).query}&{request.get('body') or ''}"
    params = dict(parse_qsl(text, keep_blank_values=True))
    with_token = params.pop("token_auth", "")
    params.pop("send_image", None)
    try:
        hit = raw(params, now=NOW)
        if not with_token:
            refuse_what_only_a_token_lets_in(hit, NOW)
    except RefusedRequest as refused:
        return refused.field
    return ""


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded["case"][:60])
def test_the_door_knows_what_matomo_did(recorded: dict[str, Any]) -> None:
    case = recorded["case"]
    if case.startswith(NOT_HOW_WE_SEND):
        return
    expected = {**NOT_AS_MEANT, **REFUSED, NEAR_A_DAY: "cdt"}.get(case, "")
    assert at_fault(recorded) == expected
    if recorded["response"]["status"] == 400:
        assert case in REFUSED or case.startswith(ONLY_MATOMO_KNOWS)
    else:
        assert case not in REFUSED
