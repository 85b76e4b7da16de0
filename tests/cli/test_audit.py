"""`audit`: what was done by key or by command is there for the next engineer."""

from __future__ import annotations

import json

import redis

from opalmind_tui import exits
from opalmind_tui.storage.local_server import LocalServer, free_port
from tests.cli.program import MATOMO, run


def test_what_was_done_is_listed_newest_first(server: LocalServer) -> None:
    assert run("audit", REDIS_URL=server.url).stdout == "nobody did anything\n"
    for duration in ("5m", "10m"):
        done = run("cache", "ttl", "events", duration, "--yes", REDIS_URL=server.url, OPALMIND_OPERATOR="anna\x1b[31m!")
        assert done.returncode in (exits.OK, exits.UNUSABLE)
        done = run("cache", "ttl", "events", duration, "--yes", REDIS_URL=server.url, OPALMIND_OPERATOR="anna")
        assert done.returncode == exits.OK
    entries = json.loads(run("audit", "--json", REDIS_URL=server.url).stdout)
    assert [entry["what"] for entry in entries] == [
        "Set the time to live of events entries to 600 s",
        "Set the time to live of events entries to 300 s",
    ]
    assert {entry["by"] for entry in entries} == {"anna"}
    assert entries[0]["at"].endswith("Z")
    assert run("audit", "--limit", "1", REDIS_URL=server.url).stdout.count("\n") == 2


def test_a_reason_that_holds_a_secret_is_nowhere_in_redis(server: LocalServer) -> None:
    token = "0123456789abcdef0123456789abcdef"
    given = {"REDIS_URL": server.url, "MATOMO_BASE_URL": MATOMO, "MATOMO_TOKEN": token}
    with redis.Redis.from_url(server.url) as client:
        client.xadd("opalmind:stats:audit", {"what": "noted before"})
    for words in (
        ("queue", "pause", "--reason", f"see token_auth={token}"), ("queue", "limit", "5", "--reason", token),
        ("queue", "resume"), ("queue", "acknowledge", "--note", token), ("queue", "purge", "--filter", token),
        ("undo",),
    ):  # fmt: skip
        run(*words, "--yes", **given, OPALMIND_OPERATOR="anna")
    with redis.Redis.from_url(server.url) as client:
        held = {key: client.dump(key) for key in client.keys("*")}
        written = [entry for _, entry in client.xrange("opalmind:stats:audit")]
    assert len(written) >= 4
    assert token not in str(written)
    assert not [key for key, value in held.items() if token.encode() in value]


def test_a_secret_that_somebody_else_wrote_into_the_trail_is_masked_on_reading(server: LocalServer) -> None:
    token = "0123456789abcdef0123456789abcdef"
    cut = "x" * 3_980 + token
    with redis.Redis.from_url(server.url) as client:
        client.xadd("opalmind:stats:audit", {"by": token, "what": f"token_auth={token}", "outcome": cut, "host": token})
    given = {"REDIS_URL": server.url, "MATOMO_BASE_URL": MATOMO, "MATOMO_TOKEN": token}
    for words in (("audit",), ("audit", "--json"), ("summary",), ("snapshot", "--place", "audit")):
        shown = run(*words, **given)
        assert token[:20] not in shown.stdout, words
        assert "•••" in shown.stdout or "\\u2022" in shown.stdout, words


def test_a_filter_that_looks_for_a_secret_does_not_tell_it(server: LocalServer) -> None:
    token = "0123456789abcdef0123456789abcdef"
    given = {"REDIS_URL": server.url, "MATOMO_BASE_URL": MATOMO, "MATOMO_TOKEN": token}
    for more in ((), ("--json",)):
        shown = run("queue", "purge", "--filter", token, "--dry-run", *more, **given)
        assert shown.returncode == exits.OK, shown.stderr
        assert "0 requests of the list failed that fit" in shown.stdout
        assert token not in shown.stdout + shown.stderr


def test_foreign_entries_and_controls_do_no_harm(server: LocalServer) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.xadd("opalmind:stats:audit", {b"\xff": b"\xff", "by": "\x1b]52;c;AAAA\x07", "at": "never"})
    shown = run("audit", REDIS_URL=server.url)
    assert shown.returncode == exits.OK
    assert "\x1b" not in shown.stdout
    assert json.loads(run("audit", "--json", REDIS_URL=server.url).stdout)[0]["by"] == "\x1b]52;c;AAAA\x07"


def test_a_store_that_is_away() -> None:
    done = run("audit", "--json", REDIS_URL=f"redis://127.0.0.1:{free_port()}")
    assert (done.returncode, done.stdout) == (exits.CANNOT_TELL, "")
