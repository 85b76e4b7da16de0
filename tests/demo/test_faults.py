"""Faults: what the client gets, and that the journal knows the truth."""

from __future__ import annotations

import stat
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from opalmind_tui.demo.matomo import FAULTS, Asked, Behaviour, Journal, StandIn
from opalmind_tui.demo.matomo.wire import Limits
from tests.demo.support import TOKEN, bulk, hit, standing_in
from tests.demo.test_replay import cases, content

ANSWERS = {
    "400": 400, "401": 401, "403": 403, "404": 404, "413": 413, "429": 429, "500-rollback": 500, "500-empty": 500,
    "database-down": 500,
    "502": 502, "503": 503, "504": 504, "204": 204, "html": 200, "not-installed": 200, "redirect": 302, "echo": 500,
    "recording-off": 200, "sqlstate": 200, "lock-wait": 200,
}  # fmt: skip
"""Status of a bulk's answer by fault. The other faults give no whole answer."""


async def scripted(stand_in: StandIn, fault: str) -> None:
    """Every request meets this fault."""
    stand_in.script(lambda _: fault)


TROUBLES: dict[str, Callable[[StandIn], Awaitable[None]]] = {
    "record_statistics=0 (tracking off)": lambda stand_in: stand_in.behave(Behaviour(recording=False)),
    "config.ini.php absent (not installed)": lambda stand_in: scripted(stand_in, "not-installed"),
    "database down, caches empty": lambda stand_in: scripted(stand_in, "database-down"),
    "bulk_requests_require_authentication=1": lambda stand_in: stand_in.behave(Behaviour(require_token=True)),
}
"""How the stand-in is brought into the state of a recorded failure."""


async def one_fault(name: str) -> tuple[httpx.Response | None, int]:
    """Send a bulk of three that meets this fault: the answer, and how many hits were stored."""
    async with standing_in(limits=Limits(stall_time=0.2)) as (stand_in, client):
        stand_in.script(lambda _: name)
        try:
            response = await client.post("matomo.php", content=bulk(hit(1), hit(2), hit(3)))
        except httpx.TransportError:
            response = None
        (post,) = stand_in.journal.posts
        assert (post.fault, post.sent, post.stored) == (name, 3, stand_in.journal.stored)
        return response, stand_in.journal.stored


@pytest.mark.parametrize("name", FAULTS)
async def test_each_fault(name: str) -> None:
    response, stored = await one_fault(name)
    fault = FAULTS[name]
    assert (response.status_code if response is not None else None) == ANSWERS.get(name)
    assert stored == (3 - fault.loses if fault.stores else 0)


async def test_a_database_error_counts_what_it_rolls_back() -> None:
    async with standing_in(seed=3) as (stand_in, client):
        stand_in.script(lambda _: "500-rollback")
        bodies = [(await client.post("matomo.php", content=bulk(*map(hit, range(9))))).json() for _ in range(20)]
        assert {body["status"] for body in bodies} == {"error"}
        assert max(body["tracked"] for body in bodies) > 0
        assert stand_in.journal.stored == 0
        stand_in.script(None)
        goal = {"idsite": 1, "rec": 1, "idgoal": 1, "cid": "00000000000000aa"}
        stand_in.script(lambda asked: "500-rollback" if asked.number == 21 else None)
        await client.post("matomo.php", content=bulk(goal))
        assert stand_in.journal.stored == 0
        await client.post("matomo.php", content=bulk(goal))
        assert stand_in.journal.stored == 1


@pytest.mark.parametrize("recorded", cases("tracking-failures.jsonl"))
async def test_recorded_failure(recorded: dict[str, Any]) -> None:
    async with standing_in() as (stand_in, client):
        await TROUBLES[recorded["case"].partition(":")[0]](stand_in)
        request, expected = recorded["request"], recorded["response"]
        response = await client.request(
            request["method"], request["path"], headers=request["headers"], content=content(request)
        )
    assert (response.status_code, response.reason_phrase) == (expected["status"], expected["reason"])
    assert response.content == content(expected)
    assert response.headers["content-type"].lower() == expected["content_type"].lower()
    assert stand_in.journal.stored == recorded["rows"].get("actions", 0)


async def test_a_lost_hit_is_in_neither_count() -> None:
    response, stored = await one_fault("lock-wait")
    assert response is not None
    assert (response.json()["tracked"], response.json()["invalid"], stored) == (2, 0, 2)


async def test_an_echo_repeats_the_token_and_controls() -> None:
    response, _ = await one_fault("echo")
    assert response is not None
    assert TOKEN in response.text
    assert "\x1b[31m" in response.text


async def test_a_script_sees_each_request_and_choses() -> None:
    seen: list[Asked] = []

    def script(asked: Asked) -> str | None:
        seen.append(asked)
        return "503" if asked.number == 2 else None

    async with standing_in() as (stand_in, client):
        stand_in.script(script)
        statuses = [(await client.post("matomo.php", content=bulk(*map(hit, range(n))))).status_code for n in (1, 2, 3)]
        await client.get("matomo.php?idsite=1&rec=1")
        await client.get("index.php?method=API.getMatomoVersion")
        assert statuses == [200, 503, 200]
        assert [(asked.kind, asked.hits, asked.method) for asked in seen] == [
            ("bulk", 1, ""), ("bulk", 2, ""), ("bulk", 3, ""), ("single", 1, ""), ("report", 0, "API.getMatomoVersion"),
        ]  # fmt: skip
        assert stand_in.reports == {"API.getMatomoVersion": 1}


async def test_faults_that_do_not_exist_are_refused() -> None:
    async with standing_in() as (stand_in, client):
        with pytest.raises(KeyError):
            await stand_in.behave(Behaviour(faults=(("no such fault", 1.0),)))
        await stand_in.behave(Behaviour(faults=(("503", 1.0),), kinds=("report",)))
        assert stand_in.mood() == "custom"
        assert (await client.post("matomo.php", content=bulk(hit()))).status_code == 200
        assert (await client.get("index.php")).status_code == 503


async def test_bulk_with_a_required_token() -> None:
    async with standing_in() as (stand_in, client):
        await stand_in.behave(Behaviour(require_token=True))
        for token, status in ((None, 500), ("wrong", 500), ("TOKEN_VIEW", 500), ("TOKEN_WRITE", 200)):
            assert (await client.post("matomo.php", content=bulk(hit(), token=token))).status_code == status
        assert stand_in.journal.stored == 1


async def test_the_file_holds_each_stored_hit_at_once_without_the_token(tmp_path: Path) -> None:
    path = tmp_path / "hits.jsonl"
    path.touch(0o644)
    async with standing_in(journal=path) as (stand_in, client):
        mine = {**hit(2), "token_auth": TOKEN}
        await client.post("matomo.php", content=bulk(hit(1), mine, hit(3, idsite=9999)))
        lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
        assert [(line["index"], line["params"]["pv_id"]) for line in lines] == [(0, "000001"), (1, "000002")]
        assert abs(lines[0]["at"] - time.time()) < 60
        assert TOKEN not in path.read_text()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stand_in.journal.repeated("pv_id") == {}
        await client.post("matomo.php", content=bulk(hit(1)))
        assert stand_in.journal.repeated("pv_id") == {"000001": 2}


async def test_a_journal_that_forgot_hits_proves_nothing() -> None:
    async with standing_in(keep=10) as (stand_in, client):
        await client.post("matomo.php", content=bulk(*map(hit, range(10))))
        assert sum(stand_in.journal.counts("pv_id").values()) == 10
        await client.post("matomo.php", content=bulk(hit(10)))
        assert stand_in.journal.stored == 11
        with pytest.raises(LookupError, match="10 of 11"):
            stand_in.journal.counts("pv_id")


def test_overlaps_are_visitors_in_two_requests_at_once() -> None:
    journal = Journal()
    journal.enter({"cid:a", "cid:b"})
    journal.enter({"cid:b", "cid:c"})
    journal.leave({"cid:a", "cid:b"})
    journal.enter({"cid:a"})
    assert journal.overlaps == {"cid:b": 1}
