"""`cache stats`, `list` and `show` as programs of their own, against a real server."""

from __future__ import annotations

import json
import time
from typing import Any

import redis

from opalmind_tui import exits
from opalmind_tui.storage.local_server import LocalServer, free_port
from tests.cli.program import at_a_terminal, run

DEVICES = '{"feature":"deviceTypes","input":{"siteId":1,"period":"day","date":"today"}}'
EVENTS = '{"feature":"events","input":{"siteId":7,"period":"day","date":"today"}}'
ROWS = [{"label": "\x1b]52;c;AAAA\x07Desktop", "nb_visits": 7}]


def put(server: LocalServer, key: str, value: Any, *, left: float = 60.0, kept: int | None = 120) -> None:
    """An entry as an OpalMind service writes it, or any other value."""
    feature = json.loads(key)["feature"] if key.startswith("{") else key
    raw = json.dumps(
        {"feature": feature, "value": value, "expiresAt": int((time.time() + left) * 1000)}, separators=(",", ":")
    )
    with redis.Redis.from_url(server.url) as client:
        client.set(f"opalmind:cache:{key}", raw, ex=kept)


def listed(server: LocalServer, *arguments: str) -> list[dict[str, Any]]:
    """The entries that `cache list` names."""
    done = run("cache", "list", "--json", *arguments, REDIS_URL=server.url)
    assert done.returncode == exits.OK, done.stderr
    entries: list[dict[str, Any]] = json.loads(done.stdout)["entries"]
    return entries


def test_list_tells_state_size_and_age(server: LocalServer) -> None:
    put(server, DEVICES, ROWS)
    put(server, EVENTS, [], left=-5)
    with redis.Redis.from_url(server.url) as client:
        client.set('opalmind:cache:{"feature":"campaigns","input":{}}', b"{}")
        client.lpush('opalmind:cache:{"feature":"entryPages","input":{}}', b"x")
        client.set("opalmind:cache:foreign", b"x")
        client.set("elsewhere", b"x")
    found = {entry["feature"]: entry for entry in listed(server)}
    assert set(found) == {"deviceTypes", "events", "campaigns", "entryPages"}
    assert {name: entry["state"] for name, entry in found.items()} == {
        "deviceTypes": "fresh", "events": "stale", "campaigns": "corrupt", "entryPages": "corrupt",
    }  # fmt: skip
    assert found["deviceTypes"]["key"] == DEVICES
    assert 110 <= found["deviceTypes"]["redisTtl"] <= 120
    assert found["campaigns"]["redisTtl"] is None
    assert found["entryPages"]["bytes"] is None
    shown = run("cache", "list", REDIS_URL=server.url)
    assert DEVICES in shown.stdout
    assert shown.stdout.count("\n") == 4


def test_list_by_feature_by_text_and_no_more_than_asked_for(server: LocalServer) -> None:
    put(server, DEVICES, ROWS)
    put(server, EVENTS, [])
    assert [entry["key"] for entry in listed(server, "--feature", "events")] == [EVENTS]
    assert [entry["key"] for entry in listed(server, "--match", '"SITEID":7')] == [EVENTS]
    assert listed(server, "--match", "*") == []
    done = run("cache", "list", "--limit", "1", REDIS_URL=server.url)
    assert done.stdout.count("\n") == 1
    assert "more than 1" in done.stderr
    assert run("cache", "list", "--feature", "nonsense", REDIS_URL=server.url).returncode == exits.UNUSABLE


def test_show_gives_the_report_and_no_control_character(server: LocalServer) -> None:
    put(server, DEVICES, ROWS)
    for key in (DEVICES, f"opalmind:cache:{DEVICES}"):
        done = run("cache", "show", key, REDIS_URL=server.url)
        assert done.returncode == exits.OK
        assert "Desktop" in done.stdout
        assert "\x1b" not in done.stdout
    document = json.loads(run("cache", "show", DEVICES, "--json", REDIS_URL=server.url).stdout)
    assert (document["state"], document["value"][0]["nb_visits"]) == ("fresh", 7)


def test_show_says_what_is_no_report(server: LocalServer) -> None:
    put(server, DEVICES, {"rows": "of another kind"})
    document = json.loads(run("cache", "show", DEVICES, "--json", REDIS_URL=server.url).stdout)
    assert (document["state"], document["value"]) == ("corrupt", None)
    absent = run("cache", "show", EVENTS, REDIS_URL=server.url)
    assert (absent.returncode, absent.stdout) == (exits.DEGRADED, "")
    assert "no entry" in absent.stderr


def test_stats_count_entries_and_say_which_time_to_live_holds(server: LocalServer) -> None:
    put(server, DEVICES, ROWS)
    done = run("cache", "stats", "--json", REDIS_URL=server.url, CACHE_TTL_MS="90000")
    assert done.returncode == exits.OK, done.stderr
    document = json.loads(done.stdout)
    by_name = {feature["feature"]: feature for feature in document["features"]}
    assert len(by_name) == 12
    assert (document["entries"], document["entriesExact"], document["hitRate"]) == (1, True, None)
    assert (by_name["deviceTypes"]["entries"], by_name["deviceTypes"]["ttl"]) == (1, 90)
    assert by_name["deviceTypes"]["ttlOrigin"] == "environment"
    shown = run("cache", "stats", REDIS_URL=server.url)
    assert "deviceTypes" in shown.stdout


def test_stats_say_what_went_wrong_what_fetches_cost_and_who_shares_the_prefix(server: LocalServer) -> None:
    counted = {"events:sets": 4, "events:bytes": 8000, "events:fetchMs": 1000, "events:staleServed": 31,
               "events:corrupt": 32, "events:errors": 33}  # fmt: skip
    matomos = {"https://one.example/index.php": time.time(), "https://\x1b[2Jtwo.example/index.php": time.time()}
    with redis.Redis.from_url(server.url) as client:
        client.hset("opalmind:stats:{c}:totals", mapping={**counted, "sources": json.dumps(matomos)})
    environment = {"REDIS_URL": server.url, "MATOMO_BASE_URL": "https://one.example/"}
    document = json.loads(run("cache", "stats", "--json", **environment).stdout)
    events = next(feature for feature in document["features"] if feature["feature"] == "events")
    assert [events[name] for name in ("bytes", "fetchMs", "staleServed", "corrupt", "errors")] == [
        8000, 1000, 31, 32, 33,
    ]  # fmt: skip
    assert len(document["otherSources"]) == 1
    shown = run("cache", "stats", **environment).stdout
    row = next(line for line in shown.splitlines() if line.startswith("events "))
    assert row.split()[4:12] == ["4", "0", "31", "32", "33", "2,000", "250", "0"]
    assert "two.example" in shown
    assert "one.example" not in shown
    assert "\x1b" not in shown


def test_a_store_that_is_away(server: LocalServer) -> None:
    for command in (["stats"], ["list"], ["show", DEVICES], ["ttl"]):
        done = run("cache", *command, "--json", REDIS_URL=f"redis://127.0.0.1:{free_port()}")
        assert (done.returncode, done.stdout) == (exits.CANNOT_TELL, ""), command
        assert "opalmind-tui: " in done.stderr


def test_purge_shows_asks_and_does(server: LocalServer) -> None:
    for key in (DEVICES, EVENTS):
        put(server, key, [])
    look = run("cache", "purge", "--feature", "events", "--dry-run", REDIS_URL=server.url)
    assert (look.returncode, "Purge 1 cache entry of events" in look.stdout) == (exits.OK, True)
    refused = run("cache", "purge", "--all", REDIS_URL=server.url)
    assert refused.returncode == exits.UNUSABLE
    assert "--yes" in refused.stderr
    assert len(listed(server)) == 2
    done = run("cache", "purge", "--feature", "events", "--yes", "--json", REDIS_URL=server.url)
    assert done.returncode == exits.OK, done.stderr
    document = json.loads(done.stdout)
    assert (document["plan"]["eligible"], document["outcome"]["done"]) == (1, 1)
    assert [entry["key"] for entry in listed(server)] == [DEVICES]
    with redis.Redis.from_url(server.url) as client:
        [(_, entry)] = client.xrange("opalmind:stats:audit")
    assert (entry[b"act"], entry[b"outcome"]) == (b"purge-cache", b"1 purged")


def test_nobody_is_asked_about_a_plan_that_he_has_not_seen(server: LocalServer) -> None:
    put(server, EVENTS, [])
    for answer, left in ("n", 1), ("y", 0):
        asked = at_a_terminal(answer, "cache", "purge", "--all", "--json", REDIS_URL=server.url)
        assert "Purge 1 cache entry" in asked.stderr.partition("Do it?")[0]
        assert len(listed(server)) == left
    assert json.loads(asked.stdout)["outcome"]["done"] == 1


def test_purge_by_text_and_by_key(server: LocalServer) -> None:
    other = EVENTS.replace("7", "71")
    for key in (DEVICES, EVENTS, other):
        put(server, key, [])
    none = run("cache", "purge", "--match", "*", "--yes", REDIS_URL=server.url)
    assert (none.returncode, "Purge 0 cache entries whose key holds *" in none.stdout) == (exits.OK, True)
    done = run("cache", "purge", "--feature", "events", "--match", '"SITEID":7,', "--yes", REDIS_URL=server.url)
    assert done.returncode == exits.OK, done.stderr
    assert "Purge 1 cache entry of events whose key holds" in done.stdout
    assert "fetched anew" in done.stdout
    assert [entry["key"] for entry in listed(server)] == [DEVICES, other]
    for key in (DEVICES, f"opalmind:cache:{other}"):
        assert run("cache", "purge", key, "--yes", REDIS_URL=server.url).returncode == exits.OK
    assert listed(server) == []


def test_purge_no_more_than_the_limit(server: LocalServer) -> None:
    for site in range(5):
        put(server, EVENTS.replace("7", str(site)), [])
    done = run("cache", "purge", "--all", "--limit", "3", "--yes", "--json", REDIS_URL=server.url)
    document = json.loads(done.stdout)
    assert (document["plan"]["eligible"], document["outcome"]["done"], len(listed(server))) == (3, 3, 2)


def test_a_hostile_text_is_shown_as_text(server: LocalServer) -> None:
    for arguments in (["--match", "\x1b]52;c;AAAA\x07"], ["\x1b[2J"]):
        done = run("cache", "purge", *arguments, "--dry-run", REDIS_URL=server.url)
        assert done.returncode == exits.OK
        assert "\x1b" not in done.stdout + done.stderr


def test_purge_must_be_told_what(server: LocalServer) -> None:
    for arguments in ([], ["--all", "--feature", "events"], ["--all", DEVICES], ["--match", "x", DEVICES], [""],
                      ["--all", "--match", "x"], ["--match", ""], ["--feature", "events", "--match", ""]):  # fmt: skip
        assert run("cache", "purge", *arguments, "--yes", REDIS_URL=server.url).returncode == exits.UNUSABLE


def times(server: LocalServer) -> dict[str, dict[str, Any]]:
    """The times to live in force."""
    rows = json.loads(run("cache", "ttl", "--json", REDIS_URL=server.url).stdout)
    return {row["feature"]: row for row in rows}


def test_a_time_to_live_is_set_shown_undone_and_reset(server: LocalServer) -> None:
    first = times(server)["events"]
    assert (first["seconds"], first["origin"], first["at"]) == (60, "default", None)
    for duration in ("5m", "300s", "10m"):
        done = run("cache", "ttl", "events", duration, "--yes", REDIS_URL=server.url, OPALMIND_OPERATOR="anna")
        assert done.returncode == exits.OK, done.stderr
    found = times(server)["events"]
    assert (found["seconds"], found["origin"], found["by"]) == (600, "configured", "anna")
    assert found["at"].endswith("Z")
    assert "anna" in run("cache", "ttl", "events", REDIS_URL=server.url).stdout
    assert run("cache", "ttl", "events", "undo", "--yes", REDIS_URL=server.url).returncode == exits.OK
    assert times(server)["events"]["seconds"] == 300
    assert run("cache", "ttl", "events", "reset", "--yes", REDIS_URL=server.url).returncode == exits.OK
    assert times(server)["events"]["origin"] == "default"
    assert run("cache", "ttl", "events", "undo", "--yes", REDIS_URL=server.url).returncode == exits.OK
    assert times(server)["events"]["seconds"] == 300
    assert run("cache", "ttl", "idempotency", "2h", "--yes", REDIS_URL=server.url).returncode == exits.OK
    assert times(server)["idempotency"]["seconds"] == 7200


def test_a_time_to_live_for_what_exists(server: LocalServer) -> None:
    put(server, EVENTS, [], left=60, kept=60)
    done = run("cache", "ttl", "events", "10m", "--existing", "--yes", REDIS_URL=server.url)
    assert done.returncode == exits.OK, done.stderr
    [entry] = listed(server)
    assert 590 <= entry["redisTtl"] <= 600


def test_a_time_to_live_for_no_more_than_the_limit(server: LocalServer) -> None:
    for site in range(5):
        put(server, EVENTS.replace("7", str(site)), [], left=60, kept=60)
    put(server, DEVICES, [], left=60, kept=60)
    line = ("cache", "ttl", "events", "10m", "--existing", "--limit", "3", "--json")
    planned = json.loads(run(*line, "--dry-run", REDIS_URL=server.url).stdout)
    assert (planned["plan"]["eligible"], planned["outcome"]) == (3, None)
    assert times(server)["events"]["origin"] == "default"
    done = json.loads(run(*line, "--yes", REDIS_URL=server.url).stdout)
    assert (done["plan"]["eligible"], done["outcome"]["done"]) == (3, 3)
    assert sorted(entry["redisTtl"] > 60 for entry in listed(server)) == [False] * 3 + [True] * 3
    assert run("undo", "--yes", REDIS_URL=server.url).returncode == exits.OK
    assert times(server)["events"]["seconds"] == 60
    assert len(listed(server)) == 6, "those that had not been given it are not shortened"


def test_a_time_to_live_that_cannot_be(server: LocalServer) -> None:
    for arguments in (["events", "soon"], ["events", "-5"], ["events", "0"], ["events", "400d"], ["nonsense", "5m"],
                      ["events", "undo"], ["events", "--existing"], ["events", "--limit", "5"],
                      ["events", "5m", "--limit", "5"]):  # fmt: skip
        done = run("cache", "ttl", *arguments, "--yes", REDIS_URL=server.url)
        assert (done.returncode, done.stdout) == (exits.UNUSABLE, ""), arguments
    read_only = run("cache", "ttl", "events", "5m", "--yes", REDIS_URL=server.url, OPALMIND_READ_ONLY="1")
    assert read_only.returncode == exits.UNUSABLE
    assert times(server)["events"]["origin"] == "default"
