"""`watch`: a line per interval, whatever happens."""

from __future__ import annotations

import json
import subprocess

import redis

from opalmind_tui import exits
from opalmind_tui.storage.local_server import LocalServer, free_port
from tests.cli.program import MATOMO, command, environment, run
from tests.support.servers import Product, running


def test_lines_of_figures(server: LocalServer) -> None:
    given = {"REDIS_URL": server.url, "MATOMO_BASE_URL": MATOMO}
    done = run("watch", "--count", "3", "--interval", "0.2", "--json", **given)
    assert done.returncode == exits.OK, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["pending"] for line in lines] == [0, 0, 0]
    assert lines[0]["at"] < lines[2]["at"]
    assert (lines[0]["mode"], lines[0]["ledger"]) == ("redis", 0)
    shown = run("watch", "--count", "2", "--interval", "0.2", **given)
    heads, one, two = shown.stdout.splitlines()
    assert heads.split()[:3] == ["time", "pending", "scheduled"]
    assert len(one) > 60
    assert one.split()[1] == two.split()[1] == "0"
    with redis.Redis.from_url(server.url) as client:
        assert client.keys("opalmind:queue:*") == []


def test_it_goes_on_without_redis() -> None:
    address = f"redis://127.0.0.1:{free_port()}"
    done = run("watch", "--count", "2", "--interval", "0.2", "--json", REDIS_URL=address)
    assert done.returncode == exits.OK, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 2
    told = {name: value for name, value in lines[0].items() if value is not None}
    assert set(told) == {"at", "mode", "verdict", "cause"}
    assert told["verdict"] == "fail"
    modes = {told["mode"], json.loads(run("snapshot", REDIS_URL=address).stdout)["snapshot"]["store"]["mode"]}
    checks = json.loads(run("status", "--json", REDIS_URL=address).stdout)["checks"]
    modes |= {check["details"]["mode"] for check in checks if check["name"] == "redis-connection"}
    assert modes == {"memory"}, "one word for the same in every answer"


def test_redis_that_comes_later_is_seen(any_product: Product) -> None:
    port = free_port()
    address = f"redis://127.0.0.1:{port}"
    pipe = subprocess.Popen(
        command("watch", "--count", "200", "--interval", "0.2", "--json"), stdout=subprocess.PIPE,
        env=environment(REDIS_URL=address),
    )  # fmt: skip
    try:
        assert pipe.stdout is not None
        assert json.loads(pipe.stdout.readline())["pending"] is None
        with running(any_product, port=port):
            assert any(json.loads(line)["pending"] == 0 for line in pipe.stdout)
    finally:
        pipe.kill()
        pipe.wait()


def test_a_reader_that_leaves_ends_it_quietly(server: LocalServer) -> None:
    pipe = subprocess.Popen(
        command("watch", "--interval", "0.2"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment(REDIS_URL=server.url),
    )  # fmt: skip
    assert pipe.stdout is not None
    pipe.stdout.readline()
    pipe.stdout.close()
    assert pipe.wait(30) == exits.OK
    assert pipe.stderr is not None
    assert b"Traceback" not in pipe.stderr.read()


def test_a_closed_stdout_ends_it(server: LocalServer) -> None:
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", *command("watch", "--interval", "0.2")]
    done = subprocess.run(shell, stderr=subprocess.PIPE, timeout=30, env=environment(REDIS_URL=server.url), check=False)
    assert (done.returncode, done.stderr) == (exits.OK, b"")
