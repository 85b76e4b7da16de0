"""The HTTP server against clients that are broken, slow, greedy or gone."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from opalmind_tui.demo.matomo import Behaviour
from opalmind_tui.demo.matomo.wire import Limits
from tests.demo.support import NO_TLS, bulk, hit, standing_in


async def raw(port: int, data: bytes, *, finish: bool = True) -> bytes:
    """What the server answers to these bytes, until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    if finish:
        writer.write_eof()
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


async def until(reached: Callable[[], bool]) -> None:
    """Wait for a fact that another task brings about."""
    async with asyncio.timeout(5):
        while not reached():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.005)


def open_files() -> int:
    """How many files and sockets this process has open."""
    return len(list(Path("/dev/fd").iterdir()))


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /\x1b[31m HTTP/1.1\r\n\r\n",
        b"POST /matomo.php HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /matomo.php HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /matomo.php HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{",
        b"\r\n\r\n\r\n",
        b"",
    ],
)
async def test_malformed_http_is_refused_and_the_next_client_served(data: bytes) -> None:
    async with standing_in() as (stand_in, client):
        answer = await raw(stand_in.port, data)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
        assert (await client.post("matomo.php", content=bulk(hit()))).status_code == 200
        assert stand_in.journal.stored == 1


async def test_a_head_over_the_limit() -> None:
    async with standing_in() as (stand_in, _):
        head = b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 300_000 + b"\r\n\r\n"
        assert (await raw(stand_in.port, head)).startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit(chunked: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 10_000

    async with standing_in(limits=Limits(body_size=100_000)) as (stand_in, client):
        content = pieces() if chunked else b"x" * 1_000_000
        try:
            response = await client.post("matomo.php", content=content)
            assert response.status_code == 413
        except httpx.WriteError:
            pass  # The server may have closed before the whole body was written.
        assert stand_in.requests == 0
        assert (await client.post("matomo.php", content=bulk(hit()))).status_code == 200


async def test_slow_clients_are_cut_off() -> None:
    limits = Limits(head_time=0.1, body_time=0.1)
    async with standing_in(limits=limits) as (stand_in, _):
        assert await raw(stand_in.port, b"GET / HT", finish=False) == b""
        head = b"POST /matomo.php HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n"
        assert await raw(stand_in.port, head, finish=False) == b""
        assert await raw(stand_in.port, b"", finish=False) == b""


async def test_many_slow_clients_lock_nobody_out() -> None:
    async with standing_in(limits=Limits(connections=5)) as (stand_in, client):
        slow = [await asyncio.open_connection("127.0.0.1", stand_in.port) for _ in range(20)]
        for _, writer in slow:
            writer.write(b"POST /matomo.php HTTP/1.1\r\n")
        assert (await client.post("matomo.php", content=bulk(hit()))).status_code == 200
        for _, writer in slow:
            writer.close()


async def test_a_client_that_hangs_up_after_sending_is_served() -> None:
    async with standing_in() as (stand_in, _):
        body = bulk(hit(1), hit(2))
        _, writer = await asyncio.open_connection("127.0.0.1", stand_in.port)
        writer.write(b"POST /matomo.php HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()
        await until(lambda: bool(stand_in.journal.posts))
        assert stand_in.journal.stored == 2


async def test_one_connection_carries_many_requests() -> None:
    async with standing_in() as (stand_in, _):
        request = b"GET /matomo.php?idsite=1&rec=1&send_image=0 HTTP/1.1\r\nHost: x\r\n\r\n"
        answer = await raw(stand_in.port, request * 3)
        assert answer.count(b"HTTP/1.1 204") == 3
        assert stand_in.journal.stored == 3


async def test_expect_continue_and_head() -> None:
    async with standing_in() as (stand_in, client):
        body = bulk(hit())
        head = b"POST /matomo.php HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
        reader, writer = await asyncio.open_connection("127.0.0.1", stand_in.port)
        writer.write(head)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        writer.write(body)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        writer.close()
        assert (await client.head("matomo.php?idsite=1&rec=1")).status_code == 200
        assert stand_in.journal.stored == 2


async def test_an_outage_answers_what_it_has_read_and_closes_the_rest() -> None:
    async with standing_in() as (stand_in, client):
        await stand_in.behave(Behaviour(latency=0.2))
        reader, writer = await asyncio.open_connection("127.0.0.1", stand_in.port)
        under_way = asyncio.create_task(client.post("matomo.php", content=bulk(hit())))
        await until(lambda: stand_in.requests > 0)
        await stand_in.set_mood("outage")
        assert await asyncio.wait_for(reader.read(), 2) == b""
        response = await under_way
        assert response.json()["tracked"] == 1
        assert response.headers["connection"] == "close"
        writer.close()


async def test_stop_leaves_no_task_and_no_socket(tmp_path: Path) -> None:
    tasks_before = asyncio.all_tasks()
    handles_before = open_files()
    async with standing_in(journal=tmp_path / "hits.jsonl") as (stand_in, client):
        await stand_in.behave(Behaviour(faults=(("answer-stalled", 1.0),)))
        idle = await asyncio.open_connection("127.0.0.1", stand_in.port)
        stalled = asyncio.create_task(client.post("matomo.php", content=bulk(hit())))
        await until(lambda: bool(stand_in.journal.posts))
        port = stand_in.port
        await asyncio.wait_for(stand_in.stop(), 2)
        with pytest.raises(httpx.TransportError):
            await stalled
        idle[1].close()
        await asyncio.sleep(0)
    del idle
    gc.collect()
    await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == tasks_before
    assert open_files() <= handles_before
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


async def test_stop_twice_and_start_again() -> None:
    async with standing_in() as (stand_in, _):
        await stand_in.stop()
        await stand_in.stop()
        await stand_in.start()
        async with httpx.AsyncClient(base_url=stand_in.url, trust_env=False, verify=NO_TLS) as client:
            assert (await client.post("matomo.php", content=bulk(hit()))).status_code == 200


async def test_a_taken_port_is_an_os_error() -> None:
    async with standing_in() as (stand_in, _):
        with pytest.raises(OSError, match="in use"):
            async with standing_in(port=stand_in.port):
                pass
