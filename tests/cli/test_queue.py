"""`queue list`, `show`, `retry`, `purge` and `restore` as programs of their own, against a real server."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
from typing import Any

import pytest
import redis

from opalmind_tui import exits
from opalmind_tui.engine.engine import Engine
from opalmind_tui.settings import load_settings
from opalmind_tui.snapshot.model import Control
from opalmind_tui.storage.local_server import LocalServer, free_port
from opalmind_tui.tracking import lines
from opalmind_tui.tracking.queue import Fate, Settlement
from tests.cli.program import MATOMO, command, environment, run

HOSTILE = "https://example.com/\x1b]52;c;AAAA\x07[bold]x"


def variables(server: LocalServer) -> dict[str, str]:
    """Settings of the program."""
    return {"REDIS_URL": server.url, "MATOMO_BASE_URL": MATOMO, "MATOMO_DEFAULT_SITE_ID": "1"}


def program(server: LocalServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `queue`."""
    return run("queue", *arguments, **variables(server))


def put(server: LocalServer, number: int, *, dead: bool = False) -> list[str]:
    """Accept requests; returns their ids. Dead ones were refused by Matomo."""

    async def accept() -> list[str]:
        async with Engine(load_settings(variables(server)), role="track") as engine:
            made = [
                lines.CALLS["pageview"]({"url": HOSTILE, "idempotencyKey": f"key-{at}"}, default_site_id=1)
                for at in range(number)
            ]
            ids = [answer.id for answer in await engine.offer(made)]
            if dead:
                engine.queue.deliver_shared = True
                claim = await engine.queue.claim(engine.endpoint, "token", limit=100, lease=60)
                refused = [
                    Settlement(one.id, Fate.DEAD, status=400, error="400 \x1b[31mrefused") for one in claim.requests
                ]
                await engine.queue.settle("token", refused)
            return ids

    return asyncio.run(accept())


def listed(server: LocalServer, *arguments: str) -> list[dict[str, Any]]:
    """What `queue list` answers."""
    done = program(server, "list", "--json", *arguments)
    assert done.returncode == exits.OK, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def test_list_and_show(server: LocalServer) -> None:
    assert program(server, "list").stdout == "no requests\n"
    ids = put(server, 2)
    rows = listed(server)
    assert sorted(row["id"] for row in rows) == sorted(ids)
    assert {(row["state"], row["kind"], row["what"], row["site"]) for row in rows} == {
        ("pending", "pageview", HOSTILE, "1")
    }
    assert listed(server, "--state", "dead") == listed(server, "--unknown") == []
    assert len(listed(server, "--limit", "1")) == 1
    shown = program(server, "list")
    assert "\x1b" not in shown.stdout
    assert ids[0] in shown.stdout
    for name in (ids[0], "key-0"):
        found = json.loads(program(server, "show", name, "--json").stdout)
        assert [one["id"] for one in found] == [ids[0]]
    assert "\x1b" not in program(server, "show", "key-0").stdout
    absent = program(server, "show", "nobody")
    assert (absent.returncode, absent.stdout) == (exits.DEGRADED, "")


def test_dead_ones_are_retried_and_the_audit_knows(server: LocalServer) -> None:
    put(server, 3, dead=True)
    assert len(listed(server, "--state", "dead")) == 3
    look = program(server, "retry", "--dead", "--dry-run")
    assert (look.returncode, "Retry 3 dead requests" in look.stdout) == (exits.OK, True)
    assert len(listed(server, "--state", "dead")) == 3
    done = program(server, "retry", "--dead", "--yes", "--json")
    assert (done.returncode, json.loads(done.stdout)["outcome"]["done"]) == (exits.OK, 3)
    assert listed(server, "--state", "dead") == []
    with redis.Redis.from_url(server.url) as client:
        [(_, entry)] = client.xrange("opalmind:stats:audit")
    assert entry[b"act"] == b"retry"


def test_no_more_than_the_limit(server: LocalServer) -> None:
    put(server, 3, dead=True)
    for act, left in ((("purge", "--dead"), 1), (("restore", "--all"), 2), (("retry", "--dead"), 1)):
        number = "2" if act[0] == "purge" else "1"
        done = json.loads(program(server, *act, "--limit", number, "--yes", "--json").stdout)
        assert (done["plan"]["eligible"], done["outcome"]["done"]) == (int(number), int(number))
        assert len(listed(server, "--state", "dead")) == left


def test_purge_restore_and_purge_for_good(server: LocalServer) -> None:
    one, two = put(server, 2)
    assert program(server, "purge", one, two, "--yes").returncode == exits.OK
    assert {row["id"] for row in listed(server, "--state", "trash")} == {one, two}
    back = program(server, "restore", one, "--yes", "--json")
    assert json.loads(back.stdout)["outcome"]["done"] == 1
    assert [row["id"] for row in listed(server)] == [one]
    assert json.loads(program(server, "restore", "--all", "--yes", "--json").stdout)["outcome"]["done"] == 1
    assert program(server, "purge", one, "--hard", "--yes").returncode == exits.OK
    again = program(server, "restore", one, "--yes", "--json")
    assert json.loads(again.stdout)["plan"]["eligible"] == 0
    assert [row["id"] for row in listed(server)] == [two]


def control(server: LocalServer) -> Control:
    """What operators asked of delivery."""

    async def ask() -> Control:
        async with Engine(load_settings(variables(server)), role="status") as engine:
            return await engine.queue.control(engine.endpoint)

    return asyncio.run(ask())


@pytest.mark.parametrize("act", ["kill", "retry", "purge", "release", "restore"])
def test_a_key_for_an_id_is_told_with_the_id(act: str, server: LocalServer) -> None:
    (wanted,) = put(server, 1)
    done = program(server, act, "key-0", "nothing-of-that-name", "--yes", "--json")
    answered = json.loads(done.stdout)
    told = {one["reason"]: one["count"] for one in answered["plan"]["skipped"]}
    expected = {f"named by an idempotency key, and an id is wanted: {wanted}": 1, "no longer in the queue": 1}
    assert (told, answered["outcome"]) == (expected, None)


def test_delivery_is_paused_limited_and_let_go_on(server: LocalServer) -> None:
    done = program(server, "pause", "--reason", "upgrade", "--for", "10m", "--yes")
    assert (done.returncode, "paused: upgrade" in done.stdout) == (exits.OK, True)
    paused = control(server).paused
    assert paused is not None
    assert paused.reason == "upgrade"
    assert 599 <= paused.until - paused.since <= 600
    assert program(server, "limit", "12.5", "--yes").returncode == exits.OK
    rate = control(server).rate
    assert rate is not None
    assert rate.per_second == 12.5
    assert program(server, "resume", "--yes").returncode == exits.OK
    assert program(server, "limit", "0", "--yes").returncode == exits.OK
    assert control(server) == Control()
    again = program(server, "resume", "--yes", "--json")
    assert (again.returncode, json.loads(again.stdout)["outcome"]) == (exits.OK, None)
    for wrong in (["pause", "--for", "0"], ["pause", "--for", "soon"], ["limit", "-1"], ["limit"], ["limit", "nan"]):
        for how in ("--yes", "--dry-run"):
            done = program(server, *wrong, how)
            # Not even a plan is shown for what cannot be.
            assert (done.returncode, done.stdout) == (exits.UNUSABLE, ""), wrong
    assert control(server) == Control()


@pytest.mark.parametrize("arguments", [["retry"], ["purge"], ["restore"], ["retry", "x", "--dead"]], ids=" ".join)
def test_what_is_meant_must_be_said(arguments: list[str], server: LocalServer) -> None:
    assert program(server, *arguments, "--yes").returncode == exits.UNUSABLE


def test_a_script_says_yes_on_purpose(server: LocalServer) -> None:
    put(server, 1)
    refused = program(server, "purge", listed(server)[0]["id"])
    assert (refused.returncode, "--yes" in refused.stderr) == (exits.UNUSABLE, True)
    assert len(listed(server)) == 1


def test_a_store_that_is_away() -> None:
    for asked in (["list"], ["show", "x"], ["retry", "--dead", "--yes"], ["purge", "x", "--yes"]):
        done = run("queue", *asked, "--json", REDIS_URL=f"redis://127.0.0.1:{free_port()}")
        assert (done.returncode, done.stdout) == (exits.CANNOT_TELL, ""), asked


def test_a_filter_chooses_what_is_listed_shown_grouped_and_acted_on(server: LocalServer) -> None:
    dead = put(server, 3, dead=True)
    put(server, 2)
    found = listed(server, "--filter", "key:key-1 status:400")
    assert [one["key"] for one in found] == ["key-1"]
    assert {one["state"] for one in listed(server, "--filter", "-state:dead")} <= {"pending"}
    groups = json.loads(program(server, "groups", "--json").stdout)
    assert [(one["count"], one["dead"], one["error"], one["site"]) for one in groups] == [
        (3, 3, "# \x1b[#mrefused", "1")
    ]
    assert "\x1b" not in program(server, "groups").stdout
    by_group = f"group:{groups[0]['key']}"
    dry = program(server, "retry", "--filter", by_group, "--limit", "2", "--dry-run", "--json")
    assert json.loads(dry.stdout)["plan"]["eligible"] == 2
    shown = json.loads(program(server, "show", dead[0], "--json").stdout)[0]
    assert [one["answer"] for one in shown["tries"]] == ["400 \x1b[31mrefused"]
    assert {"name": "url", "meaning": "address of the page", "value": HOSTILE, "masked": False} in shown["parameters"]
    done = program(server, "purge", "--filter", by_group, "--yes")
    assert (done.returncode, done.stdout.strip().splitlines()[-1][:8]) == (exits.OK, "3 purged")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list", "--filter", "sight:1"), "sight:1: there is no field sight; known are site"),
        (("list", "--filter", "age:old"), "age is a time such as >10m"),
        (("retry", "--filter", "site:1", "--dead"), "Name requests by their ids, or say --dead or --filter."),
        (("retry", "--limit", "3", "x"), "Name requests by their ids"),
        (("kill",), "Name requests by their ids, or say --filter."),
    ],
)
def test_a_filter_that_means_nothing_is_refused(any_product: object, arguments: tuple[str, ...], said: str) -> None:
    done = run("queue", *arguments, REDIS_URL="redis://127.0.0.1:1", MATOMO_BASE_URL=MATOMO)
    assert done.returncode == exits.UNUSABLE
    assert said in done.stderr


def test_release_by_id_by_filter_or_all_no_more_than_the_limit(server: LocalServer) -> None:
    ids = put(server, 6)

    async def claim() -> None:
        async with Engine(load_settings(variables(server)), role="track") as engine:
            engine.queue.deliver_shared = True
            await engine.queue.claim(engine.endpoint, secrets.token_hex(8), limit=100, lease=600)

    asyncio.run(claim())
    inflight = [row["id"] for row in listed(server, "--state", "inflight")]
    assert sorted(inflight) == sorted(ids)
    for wrong in ([], ["--all", ids[0]], ["--all", "--filter", "site:1"], [ids[0], "--limit", "1"], ["--dead"]):
        assert program(server, "release", *wrong, "--yes").returncode == exits.UNUSABLE, wrong
    some = program(server, "release", "--filter", "site:1", "--limit", "1", "--dry-run", "--json")
    assert json.loads(some.stdout)["plan"]["eligible"] == 1
    none = program(server, "release", "--filter", "site:2", "--yes", "--json")
    assert json.loads(none.stdout)["plan"]["eligible"] == 0
    assert program(server, "release", "--all", "--limit", "1", "--yes").returncode == exits.OK
    assert listed(server, "--state", "inflight") == [], "the claim that holds it ends, with all that it holds"
    asyncio.run(claim())
    done = json.loads(program(server, "release", "--all", "--yes", "--json").stdout)
    assert (done["plan"]["eligible"], done["outcome"]["done"]) == (6, 6)
    assert listed(server, "--state", "inflight") == []


def test_a_terminal_is_told_how_far_a_plan_has_looked(server: LocalServer) -> None:
    put(server, 300)
    terminal, child = os.openpty()
    asked = ("queue", "purge", "--filter", "site:1", "--state", "pending", "--dry-run", "--json")
    done = subprocess.run(
        command(*asked), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=child, timeout=60,
        env=environment(TERM="dumb", **variables(server)), check=False,
    )  # fmt: skip
    os.close(child)
    said = os.read(terminal, 65_536).decode().split("\r\n")
    os.close(terminal)
    assert json.loads(done.stdout)["plan"]["eligible"] == 300
    assert [line for line in said if line] == ["looked at 125 of 300", "looked at 250 of 300"]
