"""`doctor`: exit codes, JSON, and no secret."""

from __future__ import annotations

import json
import signal

import redis

from opalmind_tui import exits
from opalmind_tui.storage.local_server import LocalServer, free_port
from tests.cli.program import run
from tests.support.servers import Product, running

GOOD = ("--appendonly", "yes", "--maxmemory", "200mb", "--maxmemory-policy", "volatile-ttl", "--save", "")


def test_exit_codes_and_json(any_product: Product, healthy_matomo: dict[str, str]) -> None:
    with running(any_product, extra=GOOD) as server, redis.Redis.from_url(server.url) as client:
        done = run("doctor", "--json", REDIS_URL=server.url, **healthy_matomo)
        document = json.loads(done.stdout)
        ids = {finding["id"]: finding for finding in document["findings"]}
        assert set(ids) - {"old-server"} == {"no-worker"}
        assert ids["no-worker"]["severity"] == "remark"
        assert ids["no-worker"]["action"] == "deliver"
        assert done.returncode == (exits.DEGRADED if "old-server" in ids else exits.OK)
        client.config_set("appendonly", "no")
        assert run("doctor", REDIS_URL=server.url, **healthy_matomo).returncode == exits.DEGRADED
        client.config_set("maxmemory-policy", "allkeys-lru")
        done = run("doctor", REDIS_URL=server.url, **healthy_matomo)
        assert done.returncode == exits.UNHEALTHY
        assert "FAILURE  The eviction policy can delete the queue  [eviction-queue]" in done.stdout
        assert f"-p {server.port} config set maxmemory-policy volatile-ttl" in done.stdout


def test_a_redis_that_is_away_is_a_failure_that_is_named() -> None:
    done = run("doctor", "--json", REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert done.returncode == exits.UNHEALTHY
    assert json.loads(done.stdout)["findings"][0]["id"] == "connection-refused"


def test_nothing_to_ask_is_cannot_tell() -> None:
    assert run("doctor", REDIS_PORT=str(free_port())).returncode == exits.CANNOT_TELL


def test_read_only_writes_nothing(server: LocalServer) -> None:
    run("doctor", REDIS_URL=server.url, OPALMIND_READ_ONLY="1")
    with redis.Redis.from_url(server.url) as client:
        assert client.dbsize() == 0


def test_a_server_that_hangs_is_named(any_product: Product) -> None:
    with running(any_product, extra=GOOD) as server:
        server.send(signal.SIGSTOP)
        done = run("doctor", "--json", REDIS_URL=server.url)
        server.send(signal.SIGCONT)
    assert done.returncode == exits.UNHEALTHY
    assert json.loads(done.stdout)["findings"][0]["id"] == "connection-timeout"


def test_no_secret_is_told(server: LocalServer) -> None:
    secrets = {"REDIS_PASSWORD": "bad-secret-2", "MATOMO_TOKEN": "token-secret-3"}
    for url in (server.url, server.url.replace("127.0.0.1", "user-secret-4:pass-secret-5@127.0.0.1")):
        given = {name: value for name, value in secrets.items() if "@" not in url or name != "REDIS_PASSWORD"}
        done = run("doctor", "--json", REDIS_URL=url, MATOMO_BASE_URL="http://127.0.0.1:1/", **given)
        for secret in ("bad-secret-2", "token-secret-3", "pass-secret-5"):
            assert secret not in done.stdout + done.stderr
