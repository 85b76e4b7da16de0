"""The primary is found by its name, and followed: with real sentinels, real fail-overs and traffic."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.connection import address, async_client, locator_for, sync_client
from opalmind_tui.storage.sentinel import Primary, _chosen, _read
from opalmind_tui.storage.trouble import TROUBLES, Named, trouble, trouble_of_kind
from tests.storage.test_trouble import kind_of
from tests.support.sentinels import NAME, SentinelSet, wait, watched
from tests.support.servers import Product

SECRET = "correct-horse"


@pytest.fixture
def found(any_product: Product) -> Iterator[SentinelSet]:
    with watched(any_product) as found:
        yield found


def settings_of(found: SentinelSet) -> Settings:
    return Settings(sentinels=found.addresses, sentinel_master=NAME)


async def failure_of(client: Any, *command: str) -> BaseException:
    with pytest.raises(TROUBLES) as raised:
        await client.execute_command(*command)
    return raised.value


async def numbers(client: Any, kept: list[int]) -> AsyncIterator[str]:
    """Push numbers one after the other; those that were acknowledged go to `kept`. Gives each trouble."""
    number = 0
    while True:
        number += 1
        try:
            await client.execute_command("RPUSH", "numbers", number)
            kept.append(number)
            yield ""
        except TROUBLES as error:
            yield trouble(error).kind
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("how", ["killed", "asked for"])
async def test_a_fail_over_is_followed_and_keeps_what_was_kept(found: SentinelSet, how: str) -> None:
    settings = settings_of(found)
    client = async_client(settings)
    former = found.primary()
    kept: list[int] = []
    before: list[int] = []
    seen: set[str] = set()
    after = 0
    locator = locator_for(settings)
    assert locator is not None
    watch = asyncio.create_task(locator.watch())
    try:
        async with asyncio.timeout(60):
            async for kind in numbers(client, kept):
                seen.add(kind)
                if len(kept) == 100 and not before:
                    # What a replica has is kept.
                    await asyncio.to_thread(wait, found.replicated)
                    before = list(kept)
                    if how == "killed":
                        found.take_away(former)
                    else:
                        found.ask("SENTINEL", "FAILOVER", NAME)
                after += address(settings).port != former.port and not kind
                if after == 1 and not kind:
                    found.be_patient()
                if after == 20:
                    break
        if how == "asked for":
            # Heard of, and not met when the former primary turned into a replica, ten seconds later.
            assert "fail-over" not in seen
        direct = async_client(Settings(redis_url=found.primary().url))
        stored = {int(one) for one in await direct.lrange("numbers", 0, -1)}
        await direct.aclose()
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        await client.aclose()
    assert set(before) <= stored
    # Nobody wrote to the former primary once it was one no more: what came after is all in the new one.
    assert set(kept[-10:]) <= stored
    known = {"closed", "refused", "sentinel-no-primary", "fail-over", "timeout", "loading", "connect-timeout"}
    assert seen <= {"", *known}
    assert address(settings).master == NAME
    assert str(address(settings)) == f"{NAME} 127.0.0.1:{found.primary().port}/0"


async def test_both_kinds_of_client_follow(found: SentinelSet) -> None:
    settings = settings_of(found)
    blocking = sync_client(settings)

    def push() -> bool:
        try:
            return bool(blocking.set("key", "value"))
        except TROUBLES:
            return False

    assert await asyncio.to_thread(push)
    former = found.primary()
    found.take_away(former)
    await asyncio.to_thread(wait, lambda: found.followed_by(former))
    await asyncio.to_thread(wait, push)
    assert found.primary().port == address(settings).port != former.port
    blocking.close()


async def test_a_server_that_hangs_is_left(found: SentinelSet) -> None:
    settings = settings_of(found)
    client = async_client(settings)
    await client.set("key", "1")
    former = found.primary()
    found.take_away(former, signal.SIGSTOP)
    try:
        assert trouble(await failure_of(client, "SET", "key", "2")).kind == "timeout"
        await asyncio.to_thread(wait, lambda: found.followed_by(former))
        assert await client.set("key", "3")
        assert address(settings).port != former.port
    finally:
        former.send(signal.SIGCONT)
        await client.aclose()


async def test_sentinels_that_hang_or_died_are_passed_over(found: SentinelSet) -> None:
    stopped, killed, _ = found.processes.values()
    os.kill(stopped.pid, signal.SIGSTOP)
    killed.kill()
    assert await kind_of(settings_of(found)) == ("", False, False)
    os.kill(stopped.pid, signal.SIGCONT)


async def test_troubles_with_sentinels(found: SentinelSet) -> None:
    settings = settings_of(found)
    assert await kind_of(replace(settings, sentinel_master="other")) == ("sentinel-unknown", False, False)
    assert await kind_of(replace(settings, sentinel_password=SECRET)) == ("sentinel-auth", False, False)
    assert await kind_of(replace(settings, redis_tls=True)) == ("sentinel-tls", False, False)
    # The master's own password is no matter of the sentinels'.
    assert (await kind_of(replace(settings, redis_password=SECRET)))[0] in ("auth", "")
    for process in found.processes.values():
        os.kill(process.pid, signal.SIGSTOP)
    async with asyncio.timeout(2):
        assert await kind_of(settings) == ("sentinel-away", True, False)
    for process in found.processes.values():
        os.kill(process.pid, signal.SIGCONT)
        process.kill()
        process.wait()
    assert await kind_of(settings) == ("sentinel-away", True, False)


async def test_passwords_of_their_own(any_product: Product) -> None:
    data = ("--requirepass", "data", "--masterauth", "data")
    extra = f"sentinel auth-pass {NAME} data\nrequirepass {SECRET}"
    with watched(any_product, replicas=0, sentinels=1, data=data, extra=extra, password=SECRET) as found:
        settings = settings_of(found)
        assert (await kind_of(settings))[0] == "sentinel-auth"
        assert (await kind_of(replace(settings, redis_password="data")))[0] == "sentinel-auth"
        assert (await kind_of(replace(settings, sentinel_password=SECRET)))[0] == "no-auth"
        assert await kind_of(replace(settings, sentinel_password=SECRET, redis_password="data")) == ("", False, False)
        # One that is gone, and nobody to take its place.
        found.take_away(found.servers[0])
        whole = replace(settings, sentinel_password=SECRET, redis_password="data")
        async with asyncio.timeout(30):
            while (await kind_of(whole))[0] != "sentinel-no-primary":  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_a_replica_is_not_taken_for_the_primary(found: SentinelSet) -> None:
    """Sentinels may still name one that has been demoted."""
    settings = settings_of(found)
    client, other = async_client(settings), async_client(settings)
    await client.set("key", "1")
    primary = found.primary()
    for process in found.processes.values():
        os.kill(process.pid, signal.SIGSTOP)
    port = next(server.port for server in found.servers if server is not primary)
    admin = sync_client(Settings(redis_url=primary.url))
    admin.execute_command("REPLICAOF", "127.0.0.1", port)
    met = trouble(await failure_of(client, "SET", "key", "2"))
    assert (met.kind, met.falls_back, met.in_doubt) == ("fail-over", True, False)
    for process in found.processes.values():
        os.kill(process.pid, signal.SIGCONT)
    assert trouble(await failure_of(other, "GET", "key")).kind == "fail-over"
    admin.close()
    await client.aclose()
    await other.aclose()


# -- what several sentinels say ----------------------------------------------------------------------------------------

OLD, NEW = ("10.0.0.1", 6379), ("10.0.0.2", 6379)


def test_the_newest_election_counts() -> None:
    stale, told = Primary(OLD, 4, True), Primary(NEW, 5, True)
    away = trouble_of_kind("refused")
    assert _chosen([stale, away, told]) == NEW
    assert _chosen([Primary(NEW, 5, False), told]) == NEW
    for answers, kind in (
        # The one that was elected is down: the former one must not be written to.
        ([stale, Primary(NEW, 5, False)], "sentinel-no-primary"),
        ([away, trouble_of_kind("sentinel-unknown")], "sentinel-unknown"),
        ([away, trouble_of_kind("no-auth")], "sentinel-auth"),
        ([away, trouble_of_kind("tls-host")], "sentinel-tls"),
        ([away, trouble_of_kind("timeout")], "sentinel-away"),
    ):
        with pytest.raises(Named) as raised:
            _chosen(answers)
        assert raised.value.kind == kind


def test_answers_that_make_no_sense() -> None:
    good = [b"flags", b"master", b"ip", b"10.0.0.1", b"port", b"6379", b"config-epoch", b"7"]
    where = [b"10.0.0.1", b"6379"]
    assert _read(good, where) == Primary(OLD, 7, True)
    for flags in (b"s_down,master,disconnected", b"master,o_down"):
        down = [b"flags", flags, *good[2:]]
        assert _read(down, where) == Primary(OLD, 7, False)
        assert _read(down, [b"10.0.0.2", b"6379"]) == Primary(NEW, 7, True)
    for reply in (None, 7, b"OK", good[:-1], good[:-2], [*good[:-1], b"x"], [*good[:3], b"\xff", *good[4:]]):
        assert getattr(_read(reply, where), "kind", "") == "broken"
    for reply in (None, 7, b"OK", where[:1], [b"\xff", b"1"], [b"h", b"x"]):
        assert getattr(_read(good, reply), "kind", "") == "broken"
