"""Each finding about a server, with a real server that is configured that way; and none about a good one."""

from __future__ import annotations

import asyncio
import re
import shlex
import subprocess
import time
from collections.abc import Callable

import pytest
import redis
from msgspec.structs import replace

from opalmind_tui.doctor import Facts, Place, diagnose
from opalmind_tui.engine.examining import _place
from opalmind_tui.health.facts import Facts as State
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.commands import Act, TtlTarget
from opalmind_tui.snapshot.findings import Severity
from opalmind_tui.snapshot.model import Reading, ServerView
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.storage.trouble import trouble_of_kind
from tests.doctor.conftest import Started, doctor_of
from tests.support.servers import Product

SERVER_AGE = {"old-server"}


async def test_a_good_server_has_no_findings(started: Started) -> None:
    found = await doctor_of(started()).findings()
    assert set(found) - SERVER_AGE == {"no-matomo"}


@pytest.mark.parametrize(
    ("extra", "wanted", "severity", "command"),
    [
        (("--maxmemory-policy", "allkeys-lru"), "eviction-queue", Severity.FAILURE, "maxmemory-policy volatile-ttl"),
        (("--maxmemory-policy", "allkeys-random"), "eviction-queue", Severity.FAILURE, "volatile-ttl"),
        (("--maxmemory-policy", "volatile-lru"), "eviction-records", Severity.WARNING, "volatile-ttl"),
        (("--maxmemory-policy", "volatile-random"), "eviction-records", Severity.WARNING, "volatile-ttl"),
        (("--maxmemory", "0"), "no-memory-limit", Severity.WARNING, "config set maxmemory"),
        (("--appendonly", "no"), "no-append-only-file", Severity.WARNING, "config set appendonly yes"),
        (("--appendfsync", "no"), "appendfsync-no", Severity.WARNING, "appendfsync everysec"),
        (("--save", "3600 1"), "stops-writing", Severity.REMARK, "stop-writes-on-bgsave-error no"),
        (("--min-replicas-to-write", "1"), "min-replicas", Severity.FAILURE, "min-replicas-to-write 0"),
        (("--timeout", "30"), "idle-closed", Severity.REMARK, "config set timeout 0"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_configurations(
    started: Started, extra: tuple[str, ...], wanted: str, severity: Severity, command: str
) -> None:
    server = started(*extra)
    found = await doctor_of(server).findings()
    assert set(found) - SERVER_AGE - {"no-matomo"} == {wanted}
    assert found[wanted].severity is severity
    assert command in found[wanted].command
    # The command is right: whoever runs it is rid of the finding. A client program need not be installed for that.
    words = shlex.split(found[wanted].command)
    with redis.Redis.from_url(server.url) as client:
        client.execute_command(*words[words.index("config") :])
    assert wanted not in await doctor_of(server).findings()


async def test_noeviction_near_full_and_full(started: Started) -> None:
    server = started("--maxmemory-policy", "noeviction", "--maxmemory", "100mb")
    with redis.Redis.from_url(server.url) as client:
        # Without a long command, whose buffer the server frees a moment later.
        client.setrange("ballast", 13_000_000, b"x")
        used = client.info("memory")["used_memory"]
        client.config_set("maxmemory", int(used / 0.85))
        nearly = (await doctor_of(server).findings())["memory-nearly-full"]
        assert nearly.severity is Severity.WARNING
        assert re.search(r"8\d%", nearly.evidence)
        assert "ledger difference 0" in nearly.evidence
        client.config_set("maxmemory", used // 2)
        full = await doctor_of(server).findings()
    assert full["memory-full"].severity is Severity.FAILURE
    assert "refuses writes" in full["memory-full"].title
    assert "connection-oom" not in full


async def test_times_to_live_too_long_for_the_memory(started: Started) -> None:
    server = started("--maxmemory-policy", "noeviction", "--maxmemory", "100mb")
    with redis.Redis.from_url(server.url) as client:
        with client.pipeline(transaction=False) as pipe:
            for number in range(12_000):
                pipe.set(f"opalmind:idempotency:{number:032x}", b"x" * 120, ex=86_400)
            pipe.execute()
        client.config_set("maxmemory", int(client.info("memory")["used_memory"] / 0.85))
    found = (await doctor_of(server).findings())["kept-too-long"]
    assert "12,000 idempotency records" in found.evidence
    assert found.action is not None
    assert (found.action.act, found.action.target) == (Act.SET_TTL, TtlTarget.IDEMPOTENCY)
    assert 3600 <= found.action.seconds < 86_400


async def test_records_that_will_not_fit_once_the_first_ones_expire(started: Started) -> None:
    server = started("--maxmemory-policy", "noeviction", "--maxmemory", "100mb")
    with redis.Redis.from_url(server.url) as client:
        with client.pipeline(transaction=False) as pipe:
            for number in range(12_000):
                # All of the last hour: in a day there will be eight times as many, or more.
                pipe.set(f"opalmind:idempotency:{number:032x}", b"x" * 120, ex=86_400 - number % 3600)
            pipe.execute()
        used = client.info("memory")["used_memory"]
        client.config_set("maxmemory", 2 * used)
        found = (await doctor_of(server).findings())["will-not-fit"]
        assert "about 12,000 records are there, and about 96,000 will be" in found.evidence
        assert found.action is not None
        assert 3600 <= found.action.seconds < 86_400
        client.config_set("maxmemory", 20 * used)
        assert "will-not-fit" not in await doctor_of(server).findings()


async def test_a_replica(started: Started, any_product: Product) -> None:
    primary = started()
    replica = started("--replicaof", "127.0.0.1", str(primary.port))
    found = await doctor_of(replica).findings()
    assert found["replica"].severity is Severity.FAILURE
    assert f"127.0.0.1:{primary.port}" in found["replica"].remedy
    assert "connection-readonly" not in found


async def test_a_server_that_cannot_save(started: Started) -> None:
    server = started("--save", "3600 1", "--rdbchecksum", "yes")
    with redis.Redis.from_url(server.url) as client:
        break_saving(server, client)
        found = await doctor_of(server).findings()
    assert found["cannot-save"].severity is Severity.FAILURE
    assert "MISCONF" in found["cannot-save"].evidence
    assert "connection-misconf" not in found
    assert "stops-writing" not in found


def break_saving(server: LocalServer, client: redis.Redis) -> None:
    """Let a snapshot fail: a folder stands where its file should go."""
    name = client.config_get("dbfilename")["dbfilename"]
    (server.folder / name).unlink(missing_ok=True)
    (server.folder / name).mkdir()
    (server.folder / name / "x").touch()
    client.set("changed", "1")
    client.bgsave()
    wait(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")


def wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def test_clocks_apart(started: Started) -> None:
    server = started()
    found = await doctor_of(server).findings(clock=lambda: time.time() + 90)
    assert "Redis is 1 min behind ours" in found["clocks-apart"].evidence
    assert "clocks-apart" not in await doctor_of(server).findings()


@pytest.mark.parametrize(
    ("product", "version", "severity"),
    [
        ("redis", "6.0.16", Severity.FAILURE),
        ("redis", "6.2.5", Severity.WARNING),
        ("redis", "7.4.1", None),
        ("redis", "8.0.0", None),
        ("valkey", "7.2.8", None),
        ("valkey", "9.1.0", None),
        ("redis", "unknown", None),
    ],
)
def test_versions(product: str, version: str, severity: Severity | None) -> None:
    server = ServerView(product=product, version=version, max_memory=1 << 30, aof_enabled=True, policy="volatile-ttl")
    state = State(1.0, Settings(), server=Reading(server, 1.0))
    found = {finding.id: finding for finding in diagnose(Facts(state)).findings}
    assert (found["old-server"].severity if "old-server" in found else None) is severity


async def test_the_old_server_at_hand(server: LocalServer) -> None:
    with redis.Redis.from_url(server.url) as client:
        old = "valkey_version" not in client.info("server")
    assert ("old-server" in await doctor_of(server).findings()) is old


async def test_slow_commands(started: Started) -> None:
    server = started("--slowlog-log-slower-than", "10000")
    busy = "local ends = os.clock() + 0.15; while os.clock() < ends do end; return ARGV[1]"
    with redis.Redis.from_url(server.url) as client:
        client.eval(busy, 0, "hunter2-secret")
    found = (await doctor_of(server).findings())["slow-commands"]
    assert "eval" in found.evidence.lower()
    assert "hunter2" not in str(found)


async def test_few_clients_left(started: Started) -> None:
    server = started("--maxclients", "20")
    held = [redis.Redis.from_url(server.url) for _ in range(17)]
    for client in held:
        client.ping()
    try:
        assert "few-clients-left" in await doctor_of(server).findings()
    finally:
        for client in held:
            client.close()


async def test_what_a_managed_server_forbids_is_a_remark(started: Started) -> None:
    server = started()
    with redis.Redis.from_url(server.url) as client:
        client.execute_command(
            "ACL", "SETUSER", "tenant", "on", ">tenant-secret", "~*", "&*", "+@all", "-config", "-slowlog", "-client"
        )
    mine = doctor_of(server, redis_username="tenant", redis_password="tenant-secret")
    found = await mine.findings()
    assert set(found) - SERVER_AGE == {"not-permitted", "no-matomo"}
    assert found["not-permitted"].severity is Severity.REMARK
    for name in ("CONFIG", "SLOWLOG", "CLIENT"):
        assert name in found["not-permitted"].evidence
    assert "tenant-secret" not in str(found)
    assert "--askpass" in found["not-permitted"].command
    assert "--user" not in found["not-permitted"].command, "our user may not extend itself"
    words = shlex.split(found["not-permitted"].command)
    with redis.Redis.from_url(server.url) as client:
        client.execute_command(*words[words.index("acl") :])
    assert "not-permitted" not in await mine.findings()


async def test_a_user_who_may_not_even_ask_info(started: Started) -> None:
    server = started()
    with redis.Redis.from_url(server.url) as client:
        client.execute_command(
            "ACL", "SETUSER", "poor", "on", ">x-secret", "~*", "&*", "+@all", "-info", "-config", "-time", "-slowlog"
        )
    found = await doctor_of(server, redis_username="poor", redis_password="x-secret").findings()
    assert "INFO" in found["not-permitted"].evidence


async def test_a_user_who_may_not_touch_our_keys(started: Started) -> None:
    server = started()
    with redis.Redis.from_url(server.url) as client:
        client.execute_command("ACL", "SETUSER", "other", "on", ">x-secret", "~shop:*", "+@all")
    mine = doctor_of(server, redis_username="other", redis_password="x-secret")
    found = await mine.findings()
    assert found["connection-permission"].severity is Severity.FAILURE
    grant = shlex.split(found["connection-permission"].command)
    assert "--user" not in grant
    assert grant[grant.index("setuser") + 1] == "other"
    with redis.Redis.from_url(server.url) as client:
        client.execute_command(*grant[grant.index("acl") :])
    found = await mine.findings()
    assert not {"connection-permission", "queue-not-permitted"} & set(found)


async def test_a_network_address_without_password_and_tls(started: Started) -> None:
    """Servers of tests listen on loopback only, so the address is put into the facts of a real one."""
    server = started()
    place = await _place(Settings(redis_url=server.url))
    assert place.local
    assert not (await _place(Settings(redis_host="nobody.invalid"))).local
    far = replace(place, host="db.internal", address="db.internal:6379/0", local=False)
    view = ServerView(max_memory=1 << 30, aof_enabled=True, policy="volatile-ttl", version="7.4.0")
    facts = Facts(State(1.0, Settings(), server=Reading(view, 1.0)), place=far)
    assert {"no-password", "plain-text"} <= {finding.id for finding in diagnose(facts).findings}
    safe = replace(facts, place=replace(far, tls=True, authenticated=True))
    assert not {"no-password", "plain-text"} & {finding.id for finding in diagnose(safe).findings}


def test_commands_are_quoted_for_a_shell() -> None:
    place = Place(host="db; rm -rf ~", port=6379, local=False, user="a b", authenticated=True, tls=True)
    line = place.cli("redis", "config", "set", "save", "")
    words = subprocess.run(["/bin/sh", "-c", f"printf '%s|' {line}"], capture_output=True, text=True, check=True).stdout
    assert words == "redis-cli|-h|db; rm -rf ~|-p|6379|--tls|--user|a b|--askpass|config|set|save||"
    place = Place(tls=True, ca="/etc/ca.pem", certificate="/c d.pem", key="/k.pem")
    assert place.cli("valkey", "ping").endswith("--tls --cacert /etc/ca.pem --cert '/c d.pem' --key /k.pem ping")


async def test_slow_answers(started: Started) -> None:
    server = started()
    async with slow_way_to(server, 0.06) as port:
        found = await doctor_of(server).findings(redis_url=f"redis://127.0.0.1:{port}/0")
    assert found["slow-answers"].severity is Severity.WARNING


class slow_way_to:
    """A relay that holds every answer back for a while."""

    def __init__(self, server: LocalServer, delay: float) -> None:
        self._port, self._delay = server.port, delay

    async def __aenter__(self) -> int:
        self._relay = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._relay.sockets[0].getsockname()[1]
        return port

    async def __aexit__(self, *_: object) -> None:
        self._relay.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there = await asyncio.open_connection("127.0.0.1", self._port)

        async def there_to_here() -> None:
            while data := await there_reader.read(65536):
                await asyncio.sleep(self._delay)
                writer.write(data)

        back = asyncio.create_task(there_to_here())
        try:
            while data := await reader.read(65536):
                there.write(data)
        finally:
            back.cancel()
            there.close()
            writer.close()


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [("too-few-replicas", "min-replicas"), ("oom", "memory-full"), ("misconf", "cannot-save"), ("readonly", "replica")],
)
def test_of_a_cluster_the_node_is_named_that_refuses(kind: str, wanted: str) -> None:
    state = State(1.0, Settings(), server=Reading(ServerView(role="master", max_memory=1 << 30), 1.0))
    whole = Facts(state, trouble=trouble_of_kind(kind))
    nodes = tuple(replace(whole, home=home, place=Place(address=at, host=at, port=1)) for at, home in HOMES.items())
    found = {one.id: one for one in diagnose(replace(whole, nodes=nodes)).findings}[wanted]
    assert "queue:1" in found.evidence
    assert "other:1" not in found.evidence


HOMES = {"queue": True, "other": False}
