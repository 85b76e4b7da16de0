"""Bulk posts over real connections: what is sent, what comes back, and whether Matomo may have it."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from opalmind_tui.matomo.answer import BulkAnswer, Failure
from opalmind_tui.matomo.tracking_client import BODY_LIMIT, TrackingClient
from tests.matomo.servers import answering, http, read_request, serving

TOKEN = "0123456789abcdef0123456789abcdef"
HITS = [{"idsite": "1", "url": "https://example.org/ü\u2028"}, {"idsite": "1"}]
GOOD = b'{"status":"success","tracked":2,"invalid":0}'


async def post(url: str, hits=HITS, *, with_token: bool = False, timeout: float = 5.0) -> BulkAnswer:
    client = TrackingClient(url, TOKEN, timeout=timeout, connect_timeout=0.5)
    try:
        return await client.post_bulk(hits, with_token=with_token)
    finally:
        await client.close()


async def test_a_bulk_is_strict_json_and_carries_the_token_only_when_told() -> None:
    async with answering(http(200, GOOD)) as server:
        answer = await post(server.url)
        await post(server.url, with_token=True)
    first, second = (request.partition(b"\r\n\r\n") for request in server.requests)
    assert first[0].startswith(b"POST /matomo.php HTTP/1.1")
    assert json.loads(first[2]) == {"requests": HITS}
    assert json.loads(second[2]) == {"requests": HITS, "token_auth": TOKEN}
    assert TOKEN.encode() not in first[0] + first[2] + second[0]
    assert (answer.status, answer.body, answer.failure, answer.sent) == (200, GOOD.decode(), Failure.NONE, True)


@pytest.mark.parametrize("value", ["\ud800", "\udfff tail"])
async def test_what_json_cannot_hold_is_not_sent(value: str) -> None:
    async with answering(http(200, GOOD)) as server:
        answer = await post(server.url, [{"idsite": "1", "url": value}])
    assert (answer.failure, answer.sent, answer.status) == (Failure.UNENCODABLE, False, None)
    assert server.requests == []


async def test_a_redirect_is_not_followed() -> None:
    async with answering(http(302, b"", f"Location: /x?token_auth={TOKEN}")) as server:
        answer = await post(server.url, with_token=True)
    assert (answer.status, len(server.requests)) == (302, 1)
    assert answer.headers["location"].startswith("/x?")
    assert TOKEN not in str(answer)


async def test_the_token_is_masked_wherever_it_is_echoed() -> None:
    body = f"<p>bad token_auth={TOKEN} {TOKEN.upper()}</p>".encode()
    async with answering(http(500, body, f"Retry-After: {TOKEN}", kind="text/html")) as server:
        answer = await post(server.url, with_token=True)
    assert TOKEN not in str(answer).lower()


async def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{closed_port()}")
    async with answering(http(200, GOOD)) as server:
        assert (await post(server.url)).status == 200
        assert (await post(server.url.replace("127.0.0.1", "localhost"))).status == 200
    assert (await post("http://nosuch.invalid/")).failure is Failure.REFUSED


async def test_a_huge_answer_is_cut() -> None:
    async with answering(http(200, b"x" * (BODY_LIMIT * 4))) as server:
        answer = await post(server.url)
    assert (answer.status, len(answer.body)) == (200, BODY_LIMIT)


async def test_a_body_in_no_known_encoding_is_read_all_the_same() -> None:
    async with answering(http(200, b"\xff\xfe\x00", kind="text/html; charset=nonsense")) as server:
        answer = await post(server.url)
    assert answer.status == 200


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def test_nobody_listens() -> None:
    answer = await post(f"http://127.0.0.1:{closed_port()}/")
    assert (answer.failure, answer.sent) == (Failure.REFUSED, False)


async def test_a_name_that_does_not_resolve() -> None:
    answer = await post("http://nosuch.invalid/")
    assert (answer.failure, answer.sent) == (Failure.DNS, False)


async def test_no_tls_where_tls_is_expected() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(http(400))

    async with serving(plain) as server:
        answer = await post(server.url.replace("http:", "https:"))
    assert (answer.failure, answer.sent) == (Failure.TLS, False)


async def test_a_host_that_does_not_take_the_connection() -> None:
    # A listener with a full backlog swallows the next handshake.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        answer = await post(f"http://127.0.0.1:{address[1]}/")
        for filler in fillers:
            filler.close()
    assert (answer.failure, answer.sent) == (Failure.CONNECT_TIMEOUT, False)


async def test_closed_without_an_answer_means_unknown() -> None:
    async with answering(b"") as server:
        answer = await post(server.url)
    assert (answer.failure, answer.sent, answer.status) == (Failure.LOST_AFTER_SENT, True, None)


async def test_closed_in_the_middle_of_the_answer() -> None:
    async with answering(http(200, GOOD)[:-10]) as server:
        answer = await post(server.url)
    assert (answer.failure, answer.sent, answer.status) == (Failure.LOST_AFTER_SENT, True, 200)


async def test_no_answer_in_time() -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await reader.read()

    async with serving(silent) as server:
        answer = await post(server.url, timeout=0.2)
    assert (answer.failure, answer.sent, answer.status) == (Failure.READ_TIMEOUT, True, None)


async def test_an_answer_that_drips_for_ever_ends() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with serving(drip) as server:
        answer = await post(server.url, timeout=0.2)
    assert (answer.failure, answer.sent) == (Failure.READ_TIMEOUT, True)


async def test_reset_before_all_was_sent() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.transport.abort()

    async with serving(hang_up) as server:
        answer = await post(server.url, [{"idsite": "1", "url": "x" * 30_000_000}])
    assert (answer.failure, answer.sent, answer.status) == (Failure.LOST_BEFORE_SENT, False, None)


async def test_what_is_not_http() -> None:
    async with answering(b"SSH-2.0-OpenSSH_9.6\r\n\r\n") as server:
        answer = await post(server.url)
    assert (answer.failure, answer.sent) == (Failure.GARBLED, True)
