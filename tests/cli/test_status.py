"""`status`: exact counts of recorded keys, exit codes, and null where nothing is known."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from opalmind_tui import exits
from opalmind_tui.cli.status import shown
from opalmind_tui.storage.local_server import LocalServer, free_port
from tests.cli.program import MATOMO, run

RECORDS = Path(__file__).parent.parent / "data" / "observe" / "redis-records.jsonl"
HOSTILE = {
    "opalmind:idempotency:not-json": b"{",
    "opalmind:idempotency:true": b"true",
    "opalmind:cache:\x1b]52;c;AAAA\x07": b"{}",
    'opalmind:cache:{"feature":"popularUrls","input":{}}': b"\xff\xfe" * 1000,
    "opalmind:stats:foreign": b"x",
}


def load(url: str) -> list[str]:
    """Write the recorded keys; returns them."""
    # Bytes: texts in it hold characters that split a text into lines.
    records = [json.loads(line) for line in RECORDS.read_bytes().splitlines()]
    with redis.Redis.from_url(url) as client:
        for record in records:
            value = record["value"]
            client.set(record["key"].encode("utf-8", "surrogatepass"), value.encode("utf-8", "surrogatepass"))
    return [record["key"] for record in records]


def status(code: int, **variables: str) -> dict[str, Any]:
    """The checks by name."""
    done = run("status", "--json", **variables)
    assert done.returncode == code, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert done.stdout.isascii()
    return {"status": document["status"], **{check["name"]: check for check in document["checks"]}}


def test_recorded_keys_are_counted_exactly_and_corrupt_ones_crash_nothing(server: LocalServer) -> None:
    keys = load(server.url)
    loaded = status(exits.DEGRADED, REDIS_URL=server.url)
    counts = loaded["redis-connection"]["details"]
    idempotency = sum(key.startswith("opalmind:idempotency:") for key in keys)
    cache = sum(key.startswith("opalmind:cache:") for key in keys)
    found = {name: counts["keys"][name] for name in ("idempotency", "cache", "queue", "other")}
    assert found == {"idempotency": idempotency, "cache": cache, "queue": 0, "other": len(keys) - idempotency - cache}
    assert counts["keysExact"] is True
    assert counts["mode"] == "redis"
    with redis.Redis.from_url(server.url) as client:
        for key, value in HOSTILE.items():
            client.set(key, value)
        client.lpush("opalmind:idempotency:a-list", "x")
        client.hset("opalmind:cache:a-hash", "x", "y")
    found = status(exits.DEGRADED, REDIS_URL=server.url)
    again = found["redis-connection"]["details"]["keys"]
    assert (again["idempotency"], again["cache"]) == (idempotency + 3, cache + 3)
    assert found["reports-cache"]["details"]["entries"] == cache + 3
    recorded = Counter(
        json.loads(key.removeprefix("opalmind:cache:"))["feature"] for key in keys if key.startswith("opalmind:cache:")
    )
    assert loaded["reports-cache"]["details"]["features"] == recorded


def test_looking_writes_nothing_when_read_only(server: LocalServer) -> None:
    load(server.url)
    with redis.Redis.from_url(server.url) as client:
        before = sorted(client.scan_iter(count=1000))
        status(exits.DEGRADED, REDIS_URL=server.url, OPALMIND_READ_ONLY="1")
        assert sorted(client.scan_iter(count=1000)) == before


def test_without_redis_it_is_degraded_and_counts_are_null(healthy_matomo: dict[str, str]) -> None:
    found = status(exits.DEGRADED, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0", **healthy_matomo)
    assert found["status"] == "degraded"
    assert found["matomo-api"]["status"] == "pass"
    details = found["redis-connection"]["details"]
    assert details["keys"] == dict.fromkeys(("idempotency", "cache", "queue", "stats", "other"))
    assert details["usedMemory"] is None
    assert found["tracking-queue"]["details"]["pending"] is None


def test_healthy_and_unhealthy(server: LocalServer, healthy_matomo: dict[str, str]) -> None:
    assert status(exits.OK, REDIS_URL=server.url, **healthy_matomo)["status"] == "healthy"
    assert status(exits.UNHEALTHY, REDIS_URL=server.url, MATOMO_BASE_URL=MATOMO)["status"] == "unhealthy"


def test_a_redis_that_is_away_is_degraded() -> None:
    found = status(exits.DEGRADED, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert found["status"] == "degraded"


def test_nothing_to_ask_is_cannot_tell() -> None:
    status(exits.CANNOT_TELL, REDIS_PORT=str(free_port()))


def test_people_get_a_table(server: LocalServer) -> None:
    done = run("status", REDIS_URL=server.url)
    first, *checks = done.stdout.splitlines()
    assert first.startswith("degraded  20")
    assert [line.split()[0] for line in checks] == [
        "matomo-api", "reports-cache", "tracking-queue", "redis-connection",
    ]  # fmt: skip


def test_foreign_text_in_the_table_is_one_safe_line() -> None:
    check = {"name": "matomo-api", "status": "fail", "output": "\x1b[2J\nnext\u202e"}
    table = shown({"status": "unhealthy", "timestamp": "t", "checks": [check]})
    assert len(table.splitlines()) == 2
    assert not set(table) & set("\x1b\u202e")


@pytest.mark.parametrize(
    "arguments", [["status"], ["status", "--json"], ["track", "goal", "--goal-id", "1"], ["worker"]], ids=" ".join
)
def test_no_secret_is_told(locked_server: str, arguments: list[str]) -> None:
    secrets = {"REDIS_PASSWORD": "bad-secret-2", "MATOMO_TOKEN": "token-secret-3"}
    done = run(*arguments, REDIS_URL=locked_server, MATOMO_BASE_URL=MATOMO, MATOMO_DEFAULT_SITE_ID="1", **secrets)
    assert done.returncode == (exits.CANNOT_TELL if "track" in arguments else exits.UNUSABLE)
    assert "secret" not in done.stdout + done.stderr
    assert "refuses the user or password" in done.stdout + done.stderr


@pytest.fixture
def locked_server(cli_server: LocalServer) -> Iterator[str]:
    """A server that wants a password which nobody here knows."""
    with redis.Redis.from_url(cli_server.url) as client:
        client.config_set("requirepass", "good-secret-1")
        yield cli_server.url
        client.config_set("requirepass", "")
