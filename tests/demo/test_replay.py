"""Every recorded tracking exchange, sent again: the stand-in answers and stores as the running Matomo did."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.demo.support import bulk, hit, standing_in

DATA = Path(__file__).parents[1] / "data" / "demo"
RECORDED_AT = datetime(2026, 11, 22, 19, 14, 30, tzinfo=UTC).timestamp()
STATUS_ALONE = "bulk sent to a path that does not exist"
"""The start of the case whose body is the web server's own page and not Matomo's."""
BEFORE = {
    "goal 1 again in the same visit": b"idsite=1&rec=1&idgoal=1&cip=203.0.113.40&token_auth=TOKEN",
    "ecommerce order, same ec_id again, same visit": b"idsite=1&rec=1&idgoal=0&ec_id=ORD-1",
    "ecommerce order, same ec_id, another visitor": b"idsite=1&rec=1&idgoal=0&ec_id=ORD-1",
}
"""What had happened before the recorded request."""
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def cases(name: str) -> list[Any]:
    """The recorded exchanges of a file."""
    lines = map(orjson.loads, (DATA / name).read_bytes().splitlines())
    return [pytest.param(line, id=line["case"]) for line in lines]


def content(message: dict[str, Any]) -> bytes:
    """The bytes of a recorded body."""
    return b64decode(message["body_base64"]) if "body_base64" in message else message.get("body", "").encode()


@pytest.mark.parametrize("recorded", cases("tracking-single.jsonl") + cases("tracking-bulk.jsonl"))
async def test_recorded_exchange(recorded: dict[str, Any]) -> None:
    request, expected = recorded["request"], recorded["response"]
    async with standing_in(clock=lambda: RECORDED_AT) as (stand_in, client):
        if before := BEFORE.get(recorded["case"]):
            await client.post("matomo.php", content=before, headers=FORM)
        stored_before = stand_in.journal.stored
        response = await client.request(
            request["method"], request["path"], headers=request["headers"], content=content(request)
        )
    assert (response.status_code, response.reason_phrase) == (expected["status"], expected["reason"])
    if recorded["case"].startswith(STATUS_ALONE):
        return
    assert response.content == content(expected)
    assert response.headers["content-type"].lower() == expected["content_type"].lower()
    rows = recorded["rows"]
    assert stand_in.journal.stored - stored_before == rows.get("actions", 0) + rows.get("conversions", 0)


async def test_a_thousand_and_every_tenth_invalid() -> None:
    hits = [hit(n, idsite=2 if n % 10 else 9999, cip="198.51.0.1", cid=f"{n:016x}") for n in range(1000)]
    async with standing_in() as (stand_in, client):
        answer = (await client.post("matomo.php", content=bulk(*hits))).json()
    assert answer["tracked"] == 900
    assert answer["invalid_indices"] == list(range(0, 1000, 10))
    assert stand_in.journal.stored == 900


async def test_nine_megabytes_in_a_bulk() -> None:
    hits = [hit(n, action_name="x" * 90_000) for n in range(100)]
    async with standing_in() as (_, client):
        response = await client.post("matomo.php", content=bulk(*hits), headers=FORM)
    assert response.json() == {"status": "success", "tracked": 100, "invalid": 0, "invalid_indices": []}
