"""A hand-over line gives the same request back, whatever was accepted, and is checked as any other line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from opalmind_tui.errors import RefusedRequest
from opalmind_tui.tracking.fields import event, goal, pageview
from opalmind_tui.tracking.ids import endpoint_code, new_id
from opalmind_tui.tracking.limits import LINE_LIMIT, REQUEST_LIMIT
from opalmind_tui.tracking.lines import Line, read_lines
from opalmind_tui.tracking.queue import Adopted
from opalmind_tui.tracking.raw import raw
from opalmind_tui.tracking.request import TrackingRequest
from opalmind_tui.tracking.saved import OWN_KEY, saved_line

ENDPOINT = "https://matomo.example.org/matomo.php"
NOW = 1.8e9
LATER = NOW + 90_000


def kept(request: TrackingRequest, **more: object) -> Adopted:
    request_id = new_id(endpoint_code(ENDPOINT), request.visitor)
    return replace(Adopted(request_id, request, ENDPOINT, accepted=NOW), **more)  # type: ignore[arg-type]


def back(line: bytes) -> Line:
    ((found,),) = [batch for batch in read_lines([line + b"\n"], now=LATER) if batch]
    return found


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
COMMON = {
    "uid": st.none() | TEXT,
    "visitorId": st.none() | st.from_regex(r"[0-9a-f]{16}", fullmatch=True),
    "userAgent": st.none() | TEXT,
    "ts": st.none() | st.integers(int(NOW * 1000) - 10**10, int(NOW * 1000) + 10**9),
    "customVars": st.none() | st.dictionaries(TEXT, TEXT | st.floats(allow_nan=False, allow_infinity=False)),
    "idempotencyKey": st.none() | st.just("") | TEXT,
}
REQUESTS = st.one_of(
    st.fixed_dictionaries({"url": TEXT.filter(str.strip), "actionName": st.none() | TEXT, **COMMON}).map(
        lambda call: pageview(call, default_site_id=1, now=NOW)
    ),
    st.fixed_dictionaries(
        {
            "category": TEXT.filter(str.strip),
            "action": TEXT.filter(str.strip),
            "value": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            **COMMON,
        }
    ).map(lambda call: event(call, default_site_id=1, now=NOW)),
    st.fixed_dictionaries({"goalId": st.integers(1, 9), "revenue": st.none() | st.floats(-1e9, 1e9), **COMMON}).map(
        lambda call: goal(call, default_site_id=1, now=NOW)
    ),
    st.fixed_dictionaries({"url": TEXT, "_id": st.just("0123456789abcdef"), "dimension1": TEXT | st.integers()}).map(
        lambda params: raw(params, default_site_id=1, now=NOW)
    ),
)


@settings(max_examples=200, deadline=None)
@given(REQUESTS)
def test_what_was_accepted_comes_back_as_it_was(request_: TrackingRequest) -> None:
    original = kept(request_)
    line = back(saved_line(original))
    assert line.request is not None, (line.field, line.reason)
    assert (line.id, line.endpoint) == (original.id, ENDPOINT)
    assert line.request.kind == request_.kind
    assert line.request.fingerprint == request_.fingerprint
    assert line.request.visitor == request_.visitor
    assert line.request.key == (request_.key or OWN_KEY + original.id)
    # The time of its acceptance, unless it has its own.
    assert {"cdt": "2027-01-15T08:00:00.000Z", **request_.params} == line.request.params


def test_a_request_of_the_full_size_comes_back() -> None:
    size = REQUEST_LIMIT - len(raw({"url": ""}, default_site_id=1, now=NOW).encode())
    request = raw({"url": "\x01" * (size // 6) + "x" * (size % 6)}, default_site_id=1, now=NOW)
    assert len(request.encode()) == REQUEST_LIMIT
    line = saved_line(kept(request))
    assert len(line) < LINE_LIMIT
    assert back(line).request is not None


def test_marks_say_what_is_not_known() -> None:
    request = goal({"goalId": 1}, default_site_id=1, now=NOW)
    assert "unknown" not in json.loads(saved_line(kept(request)))
    assert json.loads(saved_line(kept(request, unknown=1)))["unknown"] is True
    assert json.loads(saved_line(kept(request, in_doubt=True)))["unknown"] is True
    dead = saved_line(kept(request, dead=True, error="400 Bad Request"))
    assert (json.loads(dead)["dead"], json.loads(dead)["error"]) == (True, "400 Bad Request")
    assert back(dead).request is not None


def test_a_time_of_acceptance_ahead_of_the_clock_is_clamped() -> None:
    request = goal({"goalId": 1}, default_site_id=1, now=NOW)
    line = back(saved_line(replace(kept(request), accepted=LATER + 3600)))
    assert line.request is not None
    assert "cdt" not in line.request.params


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "short"}, "id"),
        ({"id": "-" * 14}, "id"),
        ({"id": 7}, "id"),
        ({"id": None}, "id"),
        ({"endpoint": ""}, "endpoint"),
        ({"endpoint": ["x"]}, "endpoint"),
        ({"acceptedAt": "yesterday"}, "acceptedAt"),
        ({"acceptedAt": "2027-01-15T08:00:00"}, "acceptedAt"),
        ({"acceptedAt": "1999-01-15T08:00:00+00:00"}, "acceptedAt"),
        ({"call": "purge"}, "call"),
        ({"call": ["raw"]}, "call"),
        ({"params": []}, "params"),
        ({"params": {}}, "params"),
        ({"params": {"idsite": "1", "token_auth": "x"}}, "token_auth"),
        ({"params": {"idsite": "0", "url": "x"}}, "idsite"),
        ({"params": {"idsite": "1", "uid": "somebody else"}}, "id"),
        ({"fingerprint": "x"}, "fingerprint"),
        ({"idempotencyKey": "k" * 256}, "idempotencyKey"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_changed_line_is_refused_with_the_field(change: dict[str, object], field: str) -> None:
    request = goal({"goalId": 1, "uid": "anna"}, default_site_id=1, now=NOW)
    original = kept(request)
    line = {**json.loads(saved_line(original)), **change}
    if change.get("params") == {"idsite": "1", "uid": "somebody else"}:
        line["id"] = next(
            found for shard in "0123456789ABCDEF"
            if (found := original.id[:2] + shard + original.id[3:]) and not _fits(line, found)
        )  # fmt: skip
    found = back(json.dumps(line).encode())
    assert (found.request, found.field) == (None, field)
    assert found.reason


def _fits(line: dict[str, object], request_id: str) -> bool:
    from opalmind_tui.tracking.saved import read_saved

    try:
        read_saved({**line, "id": request_id}, now=LATER)
    except RefusedRequest:
        return False
    return True
