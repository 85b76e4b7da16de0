"""`keys` as a program of its own, against a real server."""

from __future__ import annotations

import json

import redis

from opalmind_tui import exits
from opalmind_tui.storage.local_server import LocalServer, free_port
from tests.cli.program import run


def test_keys_by_prefix_memory_and_time_left(server: LocalServer) -> None:
    with redis.Redis.from_url(server.url) as client:
        for number in range(500):
            client.set(f"opalmind:idempotency:{number}", '{"key":"x"}', ex=80_000)
        client.set('opalmind:cache:{"feature":"events","input":{}}', "x" * 100_000, ex=50)
        client.set("opalmind:cache:\x1b[31mred", "x")
    shown = run("keys", REDIS_URL=server.url)
    assert shown.returncode == exits.OK, shown.stderr
    assert "502 keys, counted." in shown.stdout
    assert "about" in shown.stdout
    assert "\x1b" not in shown.stdout
    document = json.loads(run("keys", "--json", REDIS_URL=server.url).stdout)
    prefixes = {group["name"]: group for group in document["prefixes"]}
    assert prefixes["idempotency"]["keys"] == {"value": 500, "low": 500, "high": 500}
    assert prefixes["cache"]["keys"]["value"] == 2
    assert (document["total"], document["counted"]) == (502, True)


def test_an_empty_database(server: LocalServer) -> None:
    assert run("keys", REDIS_URL=server.url).stdout == "The database is empty.\n"


def test_a_server_that_is_away() -> None:
    done = run("keys", "--json", REDIS_URL=f"redis://127.0.0.1:{free_port()}")
    assert (done.returncode, done.stdout) == (exits.CANNOT_TELL, "")


def test_every_key_is_counted_when_asked(server: LocalServer) -> None:
    with redis.Redis.from_url(server.url) as client:
        for number in range(300):
            client.set(f"opalmind:idempotency:{number}", '{"key":"x"}', ex=80_000)
    document = json.loads(run("keys", "--exact", "--json", REDIS_URL=server.url).stdout)
    assert (document["total"], document["counted"]) == (300, True)
