"""The server's figures, from real servers and from broken answers."""

from __future__ import annotations

import asyncio

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.observe.info import product, takes_several_sections, view_of
from opalmind_tui.observe.server import CONFIG_EVERY, ServerSample, read_server
from opalmind_tui.observe.trend import POINTS, full_in, with_point
from opalmind_tui.settings import load_settings
from opalmind_tui.snapshot.model import ServerView
from opalmind_tui.storage.connection import async_client
from opalmind_tui.storage.local_server import LocalServer
from tests.observe.conftest import Limit
from tests.support.servers import Product, running

NOW = 1_700_000_000.0


async def test_the_first_reading_names_the_server_and_has_no_rates(client: Redis, shared_server: LocalServer) -> None:
    view, _ = await read_server(client, None, NOW)
    valkey = "valkey" in shared_server.binary.name
    assert view.product == ("valkey" if valkey else "redis")
    assert view.version.split(".")[0] == ("9" if valkey else "6")
    assert (view.role, view.policy, view.max_memory) == ("master", "noeviction", 0)
    assert view.used_memory > 500_000
    assert view.max_clients == 10_000
    assert view.clients >= 1
    assert (view.evicted_rate, view.expired_rate, view.keyspace_hit_rate, view.full_in) == (0, 0, None, None)
    assert (view.aof_enabled, view.appendfsync, view.save_enabled) == (False, "everysec", False)
    assert 0 < view.round_trip < 2


async def test_rates_are_differences_over_the_time_between(client: Redis, admin: redis.Redis) -> None:
    _, sample = await read_server(client, None, NOW)
    admin.set("here", 1)
    for _ in range(30):
        admin.get("here")
    for _ in range(10):
        admin.get("nowhere")
    admin.psetex("short", 1, "x")
    while admin.dbsize() > 1:  # noqa: ASYNC110 - touches no key, so it counts as no hit
        await asyncio.sleep(0.01)
    view, _ = await read_server(client, sample, NOW + 10)
    assert view.keyspace_hit_rate == 75
    assert view.expired_rate == pytest.approx(0.1)
    assert view.ops_rate >= 4.1
    assert view.total_keys == 1


async def test_evictions_show_as_a_rate_and_a_full_server_as_full(any_product: Product) -> None:
    with running(any_product, extra=("--maxmemory", "4mb", "--maxmemory-policy", "allkeys-lru")) as server:
        client = async_client(load_settings({"REDIS_URL": server.url}))
        _, sample = await read_server(client, None, NOW)
        async with client.pipeline(transaction=False) as pipe:
            for number in range(3_000):
                pipe.set(f"key{number}", b"x" * 2_000)
            await pipe.execute()
        view, _ = await read_server(client, sample, NOW + 10)
        await client.aclose()
    assert (view.policy, view.max_memory) == ("allkeys-lru", 4 * 2**20)
    assert view.evicted_rate > 10
    assert view.evicted_keys == pytest.approx(10 * view.evicted_rate)


async def test_counters_that_were_reset_give_no_negative_rates(client: Redis, admin: redis.Redis) -> None:
    for _ in range(200):
        admin.get("nowhere")
    _, sample = await read_server(client, None, NOW)
    admin.config_resetstat()
    view, _ = await read_server(client, sample, NOW + 10)
    assert view.keyspace_misses < 200
    assert (view.ops_rate, view.keyspace_hit_rate) == (0, None)


async def test_a_restarted_server_is_compared_with_nothing(any_product: Product) -> None:
    with running(any_product) as server:
        client = async_client(load_settings({"REDIS_URL": server.url}))
        _, sample = await read_server(client, None, NOW)
        server.stop()
        server.start()
        await client.aclose()
        client = async_client(load_settings({"REDIS_URL": server.url}))
        for number in range(50):
            await client.get(f"nowhere{number}")
        view, after = await read_server(client, sample, NOW + 10)
        await client.aclose()
    assert view.keyspace_hit_rate is None
    assert len(after.memory) == 1


async def test_a_clock_that_stands_or_goes_back_divides_by_nothing(client: Redis) -> None:
    _, sample = await read_server(client, None, NOW)
    for now in (NOW, NOW - 5):
        view, _ = await read_server(client, sample, now)
        assert view.evicted_rate == 0


async def test_one_command_a_reading_and_config_once_a_minute(client: Redis, admin: redis.Redis) -> None:
    _, sample = await read_server(client, None, NOW)
    admin.config_resetstat()
    for second in range(1, 11):
        _, sample = await read_server(client, sample, NOW + second)
    calls = {name: figures["calls"] for name, figures in admin.info("commandstats").items()}
    assert calls["cmdstat_info"] == 10
    assert "cmdstat_ping" not in calls
    # Redis 6.2 counts CONFIG RESETSTAT, which began this count, under the same name.
    assert sum(count for name, count in calls.items() if name.startswith("cmdstat_config")) == 1
    admin.config_set("appendfsync", "always")
    view, _ = await read_server(client, sample, NOW + CONFIG_EVERY)
    admin.config_set("appendfsync", "everysec")
    assert view.appendfsync == "always"


async def test_without_the_right_to_config_the_rest_is_read(limit: Limit, admin: redis.Redis) -> None:
    client = await limit("config")
    view, sample = await read_server(client, None, NOW)
    assert (view.appendfsync, view.save_enabled) == ("", None)
    assert view.used_memory > 0
    for second in range(1, 100):
        _, sample = await read_server(client, sample, NOW + second)
    denials = [entry for entry in admin.acl_log() if b"config" in str(entry).encode()]
    assert sum(int(entry["count"]) for entry in denials) <= 2


async def test_without_the_right_to_info_it_says_so(limit: Limit) -> None:
    client = await limit("config", "info")
    with pytest.raises(StoreUnavailable) as caught:
        await read_server(client, None, NOW)
    assert caught.value.kind == "permission"


async def test_a_server_that_is_away_is_a_trouble_with_a_name(any_product: Product) -> None:
    with running(any_product) as server:
        client = async_client(load_settings({"REDIS_URL": server.url}))
        _, sample = await read_server(client, None, NOW)
    with pytest.raises(StoreUnavailable):
        await read_server(client, sample, NOW + 1)
    await client.aclose()


PRODUCTS: list[tuple[dict[str, object], tuple[str, str], bool]] = [
    ({"redis_version": "7.2.4", "valkey_version": "8.0.1", "server_name": "valkey"}, ("valkey", "8.0.1"), True),
    ({"redis_version": "6.2.5"}, ("redis", "6.2.5"), False),
    ({"redis_version": "7.0.15"}, ("redis", "7.0.15"), True),
    ({"redis_version": 8.2}, ("redis", "8.2"), True),
    ({"redis_version": "255.255.255"}, ("redis", "255.255.255"), True),
    ({"redis_version": "7.4.0", "dragonfly_version": "df-v1.2"}, ("dragonfly", "df-v1.2"), False),
    ({"redis_version": "unstable"}, ("redis", "unstable"), False),
    ({}, ("redis", ""), False),
]


@pytest.mark.parametrize(("info", "named", "several"), PRODUCTS)
def test_products_and_what_their_info_takes(info: dict[str, object], named: tuple[str, str], several: bool) -> None:
    assert product(info) == named
    assert takes_several_sections(info) is several


BROKEN = st.one_of(
    st.none(), st.text(max_size=8), st.integers(), st.floats(), st.lists(st.integers(), max_size=2), st.booleans(),
    st.dictionaries(st.sampled_from(["keys", "expires"]), st.one_of(st.integers(), st.text(max_size=4)), max_size=2),
)  # fmt: skip
FIELDS = (
    "used_memory", "maxmemory", "mem_fragmentation_ratio", "connected_clients", "role", "db0", "db1", "dbx", "loading",
    "redis_version", "valkey_version", "maxmemory_policy", "aof_enabled", "rdb_last_save_time", "master_link_status",
    "instantaneous_ops_per_sec", "uptime_in_seconds", "rdb_last_bgsave_status", "keyspace_hits",
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(FIELDS), BROKEN))
def test_missing_and_broken_fields_never_crash(info: dict[str, object]) -> None:
    view = view_of(info)
    assert view.used_memory >= 0
    assert view.fragmentation >= 0
    assert view.total_keys >= 0
    assert isinstance(view.version, str)


def test_an_empty_info_is_an_empty_view() -> None:
    assert view_of({}) == ServerView()


def test_troubles_of_persistence_and_replication_are_read() -> None:
    view = view_of({
        "aof_enabled": 1, "aof_last_write_status": "err", "rdb_last_bgsave_status": "err", "loading": 1,
        "role": "slave", "master_link_status": "down", "connected_slaves": 2,
        "db0": {"keys": 3}, "db7": {"keys": 4}, "db_x": {"keys": 50},
    })  # fmt: skip
    assert (view.aof_enabled, view.aof_error, view.bgsave_error, view.loading) == (True, True, True, True)
    assert (view.role, view.master_link_up, view.replicas, view.total_keys) == ("slave", False, 2, 7)


MEGABYTE = 2**20


def points(*sizes: int) -> tuple[tuple[float, int], ...]:
    found: tuple[tuple[float, int], ...] = ()
    for number, size in enumerate(sizes):
        found = with_point(found, 10.0 * number, size)
    return found


def test_steady_growth_says_when_memory_is_full() -> None:
    growing = points(*(100 * MEGABYTE + number * MEGABYTE for number in range(10)))
    assert full_in(growing, 109 * MEGABYTE, 209 * MEGABYTE) == pytest.approx(1000)


@pytest.mark.parametrize(
    "sizes", [(100, 100, 100, 100), (400, 300, 250, 240), (100, 200, 110, 190, 105, 195), (100, 120), ()]
)
def test_no_clear_growth_gives_no_end(sizes: tuple[int, ...]) -> None:
    assert full_in(points(*sizes), 100, 1000) is None


def test_no_limit_has_no_end_and_a_full_server_is_full_now() -> None:
    growing = points(10, 20, 30, 40, 50)
    assert full_in(growing, 50, 0) is None
    assert full_in(growing, 50, 50) == 0
    assert full_in(growing, 50, 100 * 10**9) is None


def test_a_flush_starts_the_trend_anew_and_points_are_bounded() -> None:
    assert len(points(100, 110, 120, 30)) == 1
    assert len(points(*range(1000, 2000))) == POINTS
    assert with_point(((100.0, 5),), 101.0, 6) == ((100.0, 5),)
    assert with_point(((100.0, 5),), 50.0, 6) == ((50.0, 6),)


def test_a_sample_is_empty_at_first() -> None:
    assert ServerSample().counters == ()
