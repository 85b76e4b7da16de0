"""The closer look, on real servers: what it tells, what it may not, and what it says we cost."""

from __future__ import annotations

import asyncio

import pytest
import redis
from redis._parsers.helpers import parse_client_list
from redis.asyncio import Redis

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.observe.closer import MOST_CLIENTS, CloserLook, _clients
from opalmind_tui.observe.server import read_server
from opalmind_tui.settings import load_settings
from opalmind_tui.snapshot.redis_report import ClientRow, RedisReport
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.storage.meter import Meter
from tests.observe.conftest import Limit
from tests.support.servers import Product, running

NOW = 1_700_000_000.0


async def looked(closer: CloserLook, client: Redis, clients: int = 2) -> RedisReport:
    """Everything asked at once, as a screen that was just opened does."""
    try:
        _, sample = await read_server(client, None, NOW, commands=True)
        info, denied = sample.info, False
    except StoreUnavailable as error:
        info, denied = {}, error.kind == "permission"
    closer.note(info)
    await closer.ask(client, clients=clients)
    return closer.report(info, NOW, denied=denied)


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_what_we_cost_is_what_the_server_saw(server: LocalServer, admin: redis.Redis) -> None:
    meter, clock = Meter(), Clock()
    client = async_client(load_settings({"REDIS_URL": server.url}), meter=meter)
    closer = CloserLook(meter, clock)
    await looked(closer, client)
    before = admin.info("stats")
    for number in range(100):
        await client.set(f"key{number}", "x" * 1_000)
        await client.get(f"key{number}")
    clock.now += 10.0
    after = admin.info("stats")
    report = await looked(closer, client)
    assert report.cost.commands == pytest.approx(20.5, abs=0.1)
    sent = after["total_net_input_bytes"] - before["total_net_input_bytes"]
    received = after["total_net_output_bytes"] - before["total_net_output_bytes"]
    # The administrator's two INFOs and our look are in one figure and not in the other.
    assert report.cost.sent == pytest.approx(sent / 10, rel=0.05)
    assert report.cost.received >= 100 * 1_000 / 10
    assert received >= 100 * 1_000
    assert report.cost.server is not None
    assert 0 < report.cost.server < 0.1
    assert 0 < report.latency.p50 <= report.latency.p99
    assert report.input is not None
    assert report.input > 10_000
    await client.aclose()


async def test_programs_are_told_apart(server: LocalServer, admin: redis.Redis) -> None:
    ours = async_client(load_settings({"REDIS_URL": server.url}))
    await asyncio.gather(*(ours.ping() for _ in range(3)))
    with redis.Redis.from_url(server.url, client_name="shop") as other:
        other.ping()
        report = await looked(CloserLook(Meter()), ours, 4)
    rows = {row.name: row for row in report.clients or ()}
    assert rows["shop"].connections == 1
    assert not rows["shop"].ours
    assert any(row.ours and row.name.startswith("opalmind-tui-") for row in rows.values())
    assert (await looked(CloserLook(Meter()), ours, MOST_CLIENTS + 1)).clients is None
    await ours.aclose()


def test_of_several_connections_the_one_that_was_used_last_speaks_for_the_program() -> None:
    rows = parse_client_list(
        b"id=3 addr=10.0.0.1:5000 name=shop idle=100 cmd=ping\nid=4 addr=10.0.0.1:5001 name=shop idle=7 cmd=get\n"
        b"id=5 addr=10.0.0.1:5002 name=shop idle=30 cmd=set\n"
    )
    assert _clients(rows) == (ClientRow("shop", "10.0.0.1", False, 3, 7, "get"),)


async def test_the_slow_log_names_commands_alone(server: LocalServer, admin: redis.Redis) -> None:
    admin.config_set("slowlog-log-slower-than", 0)
    client = async_client(load_settings({"REDIS_URL": server.url}))
    await client.set("a-secret", "in-an-argument")
    report = await looked(CloserLook(Meter()), client, 2)
    admin.config_set("slowlog-log-slower-than", 10_000)
    assert report.slow
    assert all("secret" not in slow.name and slow.at > 0 for slow in report.slow)
    await client.aclose()


@pytest.mark.parametrize(("denied", "named"), [("slowlog", "SLOWLOG"), ("client", "CLIENT"), ("info", "INFO")])
async def test_what_is_forbidden_is_listed_and_the_rest_is_read(limit: Limit, denied: str, named: str) -> None:
    report = await looked(CloserLook(Meter()), await limit(denied), 2)
    assert report.denied == (named,)
    assert bool(report.clients) is (named != "CLIENT")


def test_who_was_never_reached_forbids_nothing() -> None:
    assert CloserLook(Meter()).report({}, NOW).denied == ()


async def test_replicas_and_their_lag(any_product: Product) -> None:
    with running(any_product) as primary:
        port = primary.url.rpartition(":")[2].partition("/")[0]
        with running(any_product, extra=("--replicaof", f"127.0.0.1 {port}")):
            client = async_client(load_settings({"REDIS_URL": primary.url}))
            closer = CloserLook(Meter())
            for _ in range(200):
                report = await looked(closer, client)
                if report.replicas and report.replicas[0].state == "online":
                    break
                await asyncio.sleep(0.1)
            await client.aclose()
    assert report.replicas[0].address.startswith("127.0.0.1:")
    assert report.replicas[0].lag < 60
