"""`queue export` and `queue import`: all that counts goes over, nothing is taken twice, nothing secret is written."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import subprocess
from pathlib import Path
from typing import Any

import pytest
import redis

from opalmind_tui import exits
from opalmind_tui.engine.engine import Engine
from opalmind_tui.settings import load_settings
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tracking.lines import parse_line
from opalmind_tui.tracking.queue import Fate, Settlement
from tests.cli.program import MATOMO, at_a_terminal, command, environment, run

TOKEN = "0123456789abcdef0123456789abcdef"
HOSTILE = "https://example.com/\x1b]52;c;AAAA\x07\u202e\u009b2J"
CALLS = (
    {"kind": "pageview", "url": HOSTILE, "idempotencyKey": "key-1", "visitorId": "0123456789abcdef"},
    {"kind": "event", "category": "Video", "action": "play", "name": "Zoë", "value": 3, "uid": "u-1"},
    {"kind": "goal", "goalId": 2, "revenue": 19.99, "idempotencyKey": "order-7"},
    {"kind": "raw", "params": {"url": "https://x/?t=" + TOKEN, "dimension1": "x"}, "idempotencyKey": "key-4"},
)
Lines = list[dict[str, Any]]


def variables(server: LocalServer, **more: str) -> dict[str, str]:
    given = {"REDIS_URL": server.url, "MATOMO_BASE_URL": MATOMO, "MATOMO_DEFAULT_SITE_ID": "1", "MATOMO_TOKEN": TOKEN}
    return {**given, **more}


def do(server: LocalServer, *arguments: str, given: str | bytes = b"") -> subprocess.CompletedProcess[str]:
    return run("queue", *arguments, given=given, **variables(server))


def fill(server: LocalServer) -> list[str]:
    """Four requests: the first is given up."""

    async def accept() -> list[str]:
        # Accepted by a process that does not know the token, so that it stands in the store.
        async with Engine(load_settings(variables(server, MATOMO_TOKEN="")), role="track") as engine:
            made = [parse_line(json.dumps(call).encode(), default_site_id=1) for call in CALLS]
            ids = [answer.id for answer in await engine.offer(made)]
            engine.queue.deliver_shared = True
            claim = await engine.queue.claim(engine.endpoint, "token", limit=100, lease=60)
            await engine.queue.settle(
                "token", [Settlement(ids[0], Fate.DEAD, status=400, error=f"400 {TOKEN} \x1b[31m")]
            )
            assert claim.requests
            await engine.queue.release("token")
            return ids

    return asyncio.run(accept())


def exported(server: LocalServer, *arguments: str) -> Lines:
    done = do(server, "export", *arguments)
    assert done.returncode == exits.OK, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def listed(server: LocalServer) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in json.loads(do(server, "list", "--json").stdout)}


def bodies(server: LocalServer) -> dict[bytes, Any]:
    with redis.Redis.from_url(server.url) as client:
        return {name: json.loads(body) for name, body in client.hgetall("opalmind:queue:{q}:msg").items()}


def test_a_queue_goes_over_whole_once_and_without_secrets(server: LocalServer, tmp_path: Path) -> None:
    ids = fill(server)
    before, stored = listed(server), bodies(server)
    path = tmp_path / "queue.jsonl"
    done = do(server, "export", "--to", str(path))
    assert (done.returncode, done.stdout, done.stderr) == (exits.OK, "", "4 requests written\n")
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text("utf-8")
    assert TOKEN not in text
    assert {json.loads(line)["id"] for line in text.splitlines()} == set(ids)
    assert do(server, "export", "--to", str(path)).returncode == exits.UNUSABLE

    # Into the same queue: nothing is new. Into an empty one: all is, and the second time nothing.
    same = json.loads(do(server, "import", str(path), "--yes", "--json").stdout)
    assert (same["accepted"], same["duplicate"], same["refused"]) == (0, 4, 0)
    assert {one["reason"] for one in same["problems"]} == {"its id, or its idempotency key, is known"}
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    dry = do(server, "import", str(path), "--dry-run", "--json")
    assert (json.loads(dry.stdout)["accepted"], bodies(server)) == (4, {})
    first = json.loads(do(server, "import", str(path), "--yes", "--json").stdout)
    again = json.loads(do(server, "import", "-", "--yes", "--json", given=text).stdout)
    assert (first["accepted"], again["accepted"], again["duplicate"]) == (4, 0, 4)
    after = listed(server)
    assert after.keys() == before.keys()
    assert after[ids[0]]["state"] == "pending"  # what was dead is tried again
    for request_id, row in after.items():
        for name in ("kind", "site", "what"):
            if request_id != ids[3]:
                assert row[name] == before[request_id][name]
    sent = {name.decode(): body["params"] for name, body in bodies(server).items()}
    for name, body in stored.items():
        if name.decode() != ids[3]:
            # Sent as it would have been, with the time of its acceptance.
            assert body["params"].items() <= sent[name.decode()].items()
            assert "cdt" in sent[name.decode()]
    # The same call that a service makes again is still a duplicate, by its key and payload.
    call = json.dumps(CALLS[2])
    assert json.loads(run("track", "--from", "-", "--json", given=call, **variables(server)).stdout)["duplicate"] == 1


def test_states_ids_and_limit(server: LocalServer) -> None:
    ids = fill(server)
    dead = exported(server, "--state", "dead")
    assert [(line["id"], line["dead"], line["call"]) for line in dead] == [(ids[0], True, "pageview")]
    assert TOKEN not in dead[0]["error"]
    assert dead[0]["params"]["url"] == HOSTILE
    assert len(exported(server, "--limit", "2")) == 2
    assert [line["id"] for line in exported(server, "--filter", "kind:event")] == [ids[1]]
    assert [line["id"] for line in exported(server, "--filter", "-state:dead key:key-4 site:1")] == [ids[3]]
    assert do(server, "export", "--filter", "site:1", ids[0]).returncode == exits.UNUSABLE
    assert [line["id"] for line in exported(server, ids[2])] == [ids[2]]
    assert exported(server, "--state", "inflight", "--state", "trash") == []
    missing = do(server, "export", ids[1], "AAAAAAAAAAAAAA")
    assert (missing.returncode, len(missing.stdout.splitlines())) == (exits.DEGRADED, 1)


def test_damaged_lines_are_named_and_the_others_taken(server: LocalServer) -> None:
    fill(server)
    good = do(server, "export").stdout.splitlines()
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    other = json.loads(good[1])
    lines = [
        good[0],
        good[1][:-9],
        "",
        json.dumps(other | {"id": "!!"}),
        json.dumps(other | {"params": {"token_auth": TOKEN}}),
        json.dumps(other | {"acceptedAt": "yesterday"}),
        '{"kind":"pageview","url":"https://x/"}',
        good[2],
    ]
    done = do(server, "import", "-", "--yes", given="\n".join(lines))
    assert done.returncode == exits.DEGRADED
    assert done.stdout == "7 lines: 2 accepted, 0 duplicate, 0 conflict, 5 refused\n"
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [f"line {at}" for at in (2, 4, 5, 6, 7)]
    assert TOKEN not in done.stderr
    assert "use track --from" in done.stderr
    elsewhere = json.dumps(other | {"endpoint": "https://other.example/matomo.php"})
    assert do(server, "import", "-", "--yes", given=elsewhere).returncode == exits.UNUSABLE


def test_what_lies_in_the_trash_is_not_taken_again(server: LocalServer) -> None:
    ids = fill(server)
    lines = do(server, "export", ids[1]).stdout
    assert do(server, "purge", ids[1], "--yes").returncode == exits.OK
    done = do(server, "import", "-", "--yes", given=lines)
    assert done.returncode == exits.DEGRADED
    assert "use queue restore" in done.stderr
    assert [line["id"] for line in exported(server, "--state", "trash")] == [ids[1]]


def test_bytes_that_are_no_request_are_named(server: LocalServer) -> None:
    ids = fill(server)
    with redis.Redis.from_url(server.url) as client:
        client.hset("opalmind:queue:{q}:msg", ids[1], b"\x00\xff{}")
    done = do(server, "export")
    assert done.returncode == exits.DEGRADED
    assert len(done.stdout.splitlines()) == 3
    assert ids[1] in done.stderr


def test_a_terminal_gets_marks_and_a_warning(server: LocalServer) -> None:
    fill(server)
    master, slave = pty.openpty()
    done = subprocess.run(
        command("queue", "export"), stdin=subprocess.DEVNULL, stdout=slave, stderr=subprocess.PIPE, timeout=60,
        env=environment(**variables(server)), check=False,
    )  # fmt: skip
    os.close(slave)
    shown = b""
    while True:
        try:
            piece = os.read(master, 65_536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    assert done.returncode == exits.OK
    assert b"--to FILE" in done.stderr
    text = shown.decode()
    assert "‹U+202E›" in text
    assert not any(sign in text for sign in ("\x1b", "\u202e", "\u009b"))


@pytest.mark.parametrize("arguments", [("export",), ("import", "-", "--dry-run"), ("import", "-", "--yes")])
def test_without_redis_nothing_is_done_and_3_says_so(arguments: tuple[str, ...], server: LocalServer) -> None:
    fill(server)
    line = do(server, "export", "--limit", "1").stdout
    away = {**variables(server), "REDIS_URL": "redis://127.0.0.1:1"}
    done = run("queue", *arguments, given=line, **away)
    assert done.returncode == exits.CANNOT_TELL, done.stderr


def test_a_script_says_yes_on_purpose_and_a_terminal_is_asked(server: LocalServer, tmp_path: Path) -> None:
    fill(server)
    path = tmp_path / "queue.jsonl"
    do(server, "export", "--to", str(path))
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    for source in (str(path), "-"):
        done = do(server, "import", source, given=path.read_bytes())
        assert (done.returncode, done.stdout, "--yes" in done.stderr) == (exits.UNUSABLE, "", True)
    for answer, taken in ("n", 0), ("y", 4):
        asked = at_a_terminal(answer, "queue", "import", str(path), **variables(server))
        # What would be done comes first.
        assert asked.stdout.startswith("4 lines: 4 accepted")
        assert len(bodies(server)) == taken
    known = at_a_terminal("y", "queue", "import", str(path), "--json", **variables(server))
    assert "4 lines: 0 accepted, 4 duplicate" in known.stderr, "stdout is for the JSON alone"
    assert json.loads(known.stdout)["duplicate"] == 4


def test_a_pipe_that_was_looked_at_is_not_taken_for_an_empty_file(server: LocalServer, tmp_path: Path) -> None:
    fill(server)
    path = tmp_path / "queue.jsonl"
    do(server, "export", "--to", str(path))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # Open for both, so that nobody waits for the other end.
    held = os.open(pipe, os.O_RDWR)
    os.write(held, path.read_bytes())
    done = at_a_terminal("y", "queue", "import", str(pipe), **variables(server))
    os.close(held)
    assert (done.returncode, done.stdout) == (exits.UNUSABLE, "")
    assert "--yes" in done.stderr


def test_only_the_first_lines(server: LocalServer) -> None:
    fill(server)
    text = do(server, "export").stdout
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    done = do(server, "import", "-", "--yes", "--limit", "3", "--json", given=text)
    assert (json.loads(done.stdout)["lines"], len(bodies(server))) == (3, 3)
