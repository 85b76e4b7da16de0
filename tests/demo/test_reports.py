"""The reporting API: recorded errors word for word, shapes of every report, and figures that follow what is tracked."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from opalmind_tui.reports.features import FEATURES, request_params
from tests.demo.support import TOKEN, bulk, hit, standing_in
from tests.demo.test_replay import cases, content

DATA = Path(__file__).parents[1] / "data" / "demo"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
SHAPES = {line["method"]: line for line in map(orjson.loads, (DATA / "shapes.jsonl").read_bytes().splitlines())}
NOT_IN_ALL = {
    "nb_hits_following_search", "avg_page_load_time", "goals", "revenue", "nb_conversions", "bounce_rate",
    "idsubdatatable", "avg_time_to_convert", "median_time_to_convert", "abandonedCart", "idgoal=2", "ecommerceOrder",
}  # fmt: skip
"""Recorded names that Matomo itself leaves out where it has nothing to say."""


def noon() -> float:
    return NOON


async def ask(client: httpx.AsyncClient, method: str, **params: str | int) -> Any:
    """The value of a report for site 1 and today."""
    asked: dict[str, str | int] = {"idSite": 1, "period": "day", "date": "today", **params}
    url = {"module": "API", "method": method, "format": "JSON", "token_auth": TOKEN}
    response = await client.get("index.php", params={**url, **asked})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    return response.json()


@pytest.mark.parametrize("recorded", cases("reporting.jsonl"))
async def test_recorded_answer(recorded: dict[str, Any]) -> None:
    request, expected = recorded["request"], recorded["response"]
    async with standing_in(clock=noon) as (_, client):
        response = await client.request(
            request["method"], request["path"], headers=request["headers"], content=content(request)
        )
    assert (response.status_code, response.reason_phrase) == (expected["status"], expected["reason"])
    assert response.content == content(expected)
    assert response.headers["content-type"] == expected["content_type"]


@pytest.mark.parametrize("method", SHAPES)
async def test_shape_of_a_report(method: str) -> None:
    shape = SHAPES[method]
    async with standing_in(clock=noon) as (_, client):
        answer = (await client.get(shape["url"], params=token_in(shape["url"]))).json()
    expected = shape["value"]
    assert type(answer) is type(expected)
    row, recorded = (answer[0], expected[0]) if isinstance(expected, list) else (answer, expected)
    assert set(recorded) - set(row) <= NOT_IN_ALL


def token_in(url: str) -> dict[str, str]:
    """The query of a recorded URL, with the token."""
    return {**dict(httpx.URL(url).params), "token_auth": TOKEN}


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
async def test_every_feature_has_believable_data(feature: Any) -> None:
    async with standing_in(clock=noon) as (_, client):
        asked: dict[str, str | int | bool] = {
            "siteId": 1,
            "period": "day",
            "date": "yesterday",
            "funnelId": 1,
            "limit": 3,
        }
        for method in feature.methods:
            params = {name: value for name, value in request_params(feature, asked).items() if name != "idSite"}
            value = await ask(client, method, **params)
            assert value
            if isinstance(value, list):
                assert 0 < len(value) <= (3 if "filter_limit" in params else 4)


async def test_what_is_tracked_shows_in_the_reports() -> None:
    visitor = {"cid": "00000000000000aa", "ua": "x"}
    hits = [
        {**hit(1), **visitor, "url": "https://sandbox.example.org/a", "idsite": 8},
        {**hit(2), **visitor, "url": "https://sandbox.example.org/b", "idsite": 8},
        {"idsite": 8, "rec": 1, **visitor, "e_c": "Video", "e_a": "Play", "e_n": "Loom", "e_v": "2.5"},
        {"idsite": 8, "rec": 1, **visitor, "idgoal": 2, "revenue": "30"},
        {"idsite": 8, "rec": 1, **visitor, "idgoal": 0, "ec_id": "O-1", "revenue": "70"},
        {**hit(3), "cid": "00000000000000bb", "url": "https://sandbox.example.org/b", "idsite": 8},
    ]
    async with standing_in(clock=noon) as (_, client):
        assert await ask(client, "Actions.getPageUrls", idSite=8) == []
        assert (await ask(client, "VisitsSummary.get", idSite=8))["nb_visits"] == 0
        assert (await client.post("matomo.php", content=bulk(*hits))).json()["tracked"] == 6
        summary = await ask(client, "VisitsSummary.get", idSite=8)
        assert (summary["nb_visits"], summary["nb_actions"], summary["bounce_count"]) == (2, 4, 1)
        assert summary["nb_visits_converted"] == 1
        pages = await ask(client, "Actions.getPageUrls", idSite=8)
        assert [(page["label"], page["nb_hits"]) for page in pages] == [("/b", 2), ("/a", 1)]
        (event,) = await ask(client, "Events.getAction", idSite=8)
        assert (event["label"], event["nb_events"], event["sum_event_value"]) == ("Play", "1", 2.5)
        assert await ask(client, "Events.getAction", idSite=8, eventCategory="Other") == []
        found = await ask(client, "Goals.get", idSite=8)
        assert {key: (goal["nb_conversions"], goal["revenue"]) for key, goal in found.items()} == {
            "idgoal=2": (1, 30), "ecommerceOrder": (1, 70),
        }  # fmt: skip
        counters = await ask(client, "Live.getCounters", idSite=8)
        assert counters == [{"visits": 2, "actions": 4, "visitors": 2, "visitsConverted": 1}]


async def test_a_late_hit_counts_for_its_own_day() -> None:
    async with standing_in(clock=noon) as (_, client):
        old = hit(1, idsite=8, cdt="2026-11-20 10:00:00")
        await client.post("matomo.php", content=bulk(old))
        days = await ask(client, "VisitsSummary.get", idSite=8, date="last3")
        assert list(days) == ["2026-11-20", "2026-11-21", "2026-11-22"]
        assert days["2026-11-20"]["nb_visits"] == 1
        assert days["2026-11-22"] == []


async def test_the_past_repeats_with_the_seed() -> None:
    async def past(seed: int) -> Any:
        async with standing_in(clock=noon, seed=seed) as (_, client):
            return await ask(client, "Actions.getPageUrls", date="2026-11-01")

    assert await past(1) == await past(1)
    assert await past(1) != await past(2)


@pytest.mark.parametrize(
    ("period", "date", "labels"),
    [
        ("week", "today", None), ("month", "yesterday", None), ("year", "today", None), ("range", "last7", None),
        ("range", "2026-11-01,2026-11-05", None), ("day", "2026-11-01,2026-11-02", ["2026-11-01", "2026-11-02"]),
        ("week", "last2", ["2026-11-09,2026-11-15", "2026-11-16,2026-11-22"]),
        ("month", "last2", ["2026-10", "2026-11"]), ("year", "last2", ["2025", "2026"]),
        ("day", "previous2", ["2026-11-20", "2026-11-21"]),
    ],
)  # fmt: skip
async def test_periods(period: str, date: str, labels: list[str] | None) -> None:
    async with standing_in(clock=noon) as (_, client):
        value = await ask(client, "VisitsSummary.get", period=period, date=date)
        if labels is None:
            assert value["nb_visits"] > 100
        else:
            assert list(value) == labels
            assert all(part["nb_visits"] > 100 for part in value.values())


async def test_longer_periods_hold_more_and_segments_less() -> None:
    async with standing_in(clock=noon) as (_, client):
        day, week, month, year = [
            (await ask(client, "VisitsSummary.get", period=period))["nb_visits"]
            for period in ("day", "week", "month", "year")
        ]
        assert day < week < month < year
        part = await ask(client, "VisitsSummary.get", period="week", segment="deviceType==desktop")
        assert 0 < part["nb_visits"] < week


async def test_two_sites_and_the_future() -> None:
    async with standing_in(clock=noon) as (_, client):
        assert set(await ask(client, "VisitsSummary.get", idSite="1,3")) == {"1", "3"}
        assert (await ask(client, "VisitsSummary.get", date="2037-01-01"))["nb_visits"] == 0
        assert await ask(client, "Actions.getPageUrls", date="2037-01-01") == []


async def test_hostile_names_come_back_as_they_were_tracked() -> None:
    nasty = "\x1b[31m[red]\u202e</b>\x9b2J"
    async with standing_in(clock=noon) as (stand_in, client):
        event = {"idsite": 8, "rec": 1, "e_c": nasty, "e_a": nasty, "e_n": nasty, "url": f"https://x.example/{nasty}"}
        page = hit(1, idsite=8, action_name=nasty, url="https://[x" + nasty)
        assert (await client.post("matomo.php", content=bulk(event, page))).json()["tracked"] == 2
        assert (await ask(client, "Events.getCategory", idSite=8))[0]["label"] == nasty
        assert stand_in.journal.counts("action_name") == {nasty: 1}


async def test_too_many_wrong_tokens_lock_good_ones_out() -> None:
    now = [NOON]
    async with standing_in(clock=lambda: now[0]) as (stand_in, client):
        url = "index.php?module=API&method=API.getMatomoVersion&format=JSON&token_auth="
        assert [(await client.get(url + "wrong")).status_code for _ in range(22)] == [401] * 21 + [500]
        assert (await client.get(url + TOKEN)).status_code == 500
        assert (await client.post("matomo.php", content=bulk(hit(1)))).status_code == 500
        assert (await client.post("matomo.php", content=bulk(hit(1), token="TOKEN_WRITE"))).status_code == 500
        assert (await client.post("matomo.php", content=bulk(hit(2), token=None))).json()["tracked"] == 1
        assert stand_in.journal.stored == 1
        old = {"idsite": 1, "rec": 1, "send_image": 0, "cdt": "2026-11-19 10:00:00"}
        assert (await client.post("matomo.php", data={**old, "token_auth": TOKEN})).status_code == 400
        assert (await client.post("matomo.php", data={**old, "token_auth": "TOKEN_WRITE"})).status_code == 204
        now[0] += 1201
        assert (await client.get(url + TOKEN)).status_code == 200


async def test_a_bulk_of_wrong_tokens_counts_once_and_only_where_one_is_needed() -> None:
    async with standing_in(clock=noon) as (stand_in, client):
        old = [hit(n, cdt="2026-11-19 10:00:00") for n in range(30)]
        for _ in range(20):
            answer = await client.post("matomo.php", content=bulk(*old, token="wrong"))
            assert answer.json() == {"status": "success", "tracked": 0, "invalid": 30}
        await client.post("matomo.php", content=bulk(hit(99), token="wrong"))
        assert not stand_in.accounts.locked(NOON)
        await client.post("matomo.php", content=bulk(*old, token="wrong"))
        assert stand_in.accounts.locked(NOON)
