"""The document of a real server with real records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import redis
from msgspec.structs import replace

from opalmind_tui.health import health_document
from opalmind_tui.observe.census import Census
from opalmind_tui.observe.server import read_server
from opalmind_tui.settings import load_settings
from opalmind_tui.snapshot.model import Reading
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.local_server import LocalServer
from tests.health.inputs import NOW, facts

RECORDS = Path(__file__).parents[1] / "data" / "observe" / "redis-records.jsonl"


async def document_of(url: str) -> dict[str, Any]:
    settings = load_settings({"REDIS_URL": url, "MATOMO_BASE_URL": "https://matomo.example.org"})
    client = async_client(settings)
    view, _ = await read_server(client, None, NOW)
    counts = await Census(settings).exact(client)
    await client.aclose()
    return health_document(replace(facts(server=view, keys=counts), settings=settings))


async def test_recorded_keys_are_in_the_document_of_the_server_that_holds_them(server: LocalServer) -> None:
    records = [json.loads(line) for line in RECORDS.read_bytes().splitlines()]
    keys = {record["key"]: record["value"] for record in records} | {"shop:cache:x": "{}"}
    with redis.Redis.from_url(server.url) as admin:
        for key, value in keys.items():
            admin.set(key.encode("utf-8", "surrogatepass"), value.encode("utf-8", "surrogatepass"))
    document = await document_of(server.url)
    assert document["status"] == "healthy"
    details = document["checks"][3]["details"]
    assert details["mode"] == "redis"
    assert details["server"] in ("redis", "valkey")
    assert details["usedMemory"] > 500_000
    assert details["keysExact"] is True
    assert details["keys"] == {
        "idempotency": sum(key.startswith("opalmind:idempotency:") for key in keys),
        "cache": sum(key.startswith("opalmind:cache:") for key in keys),
        "queue": 0,
        "stats": 0,
        "other": 2,
    }
    assert document["checks"][1]["details"]["entries"] == details["keys"]["cache"]


def test_without_a_server_figure_nothing_is_zero() -> None:
    details = health_document(facts(server=Reading(), keys=Reading()))["checks"][3]["details"]
    assert details["usedMemory"] is details["keys"]["cache"] is details["keysExact"] is None
