"""The recorded reports once more through the real client, over real HTTP on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from opalmind_tui.matomo.reporting_client import ReportingClient
from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.js_json import stringify
from opalmind_tui.reports.service import Reports
from opalmind_tui.reports.ttl import Ttls
from opalmind_tui.settings import Settings
from tests.reports.recorded import CALLS, arguments_of, method_of, requests_of

_NOT_REPORTS = ("module", "method", "format", "token_auth")
_CURRENCIES = {"1": "EUR", "2": "USD", "7": "JPY", "42": "GBP"}
ANSWERED = [
    call
    for call in CALLS
    if "returned" in call and call["http"] and all(request.get("status") == 200 for request in call["http"])
]
UNREADABLE = {"r145", "r152"}
"""Hold 1e400 and a byte order mark: no JSON for our client."""


@asynccontextmanager
async def _matomo(call: dict[str, Any]) -> AsyncIterator[tuple[str, list[tuple[str, list[list[str]]]]]]:
    """A server that answers as recorded; gives its address and what it was asked."""
    answers = {request["method"]: request["body"] for request in call["http"]}
    asked: list[tuple[str, list[list[str]]]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        length = next((int(line.split(":")[1]) for line in head if line.lower().startswith("content-length")), 0)
        await reader.readexactly(length)
        query = parse_qsl(urlsplit(head[0].split(" ")[1]).query, keep_blank_values=True)
        method, site = dict(query)["method"], dict(query)["idSite"]
        body = answers.get(method, f'{{"currency":"{_CURRENCIES.get(site, "")}"}}').encode()
        if method != "SitesManager.getSiteFromId":
            asked.append((method, [[name, value] for name, value in query if name not in _NOT_REPORTS]))
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", asked
    finally:
        server.close()


@pytest.mark.parametrize(
    "call", [call for call in ANSWERED if call["id"] not in UNREADABLE], ids=lambda call: call["id"]
)
async def test_a_report_over_http(call: dict[str, Any]) -> None:
    settings = Settings()
    async with _matomo(call) as (url, asked):
        client = ReportingClient(url, "secret")
        reports = Reports(client, ReportCache(settings, Ttls(settings), None), 1)
        try:
            result = await getattr(reports, method_of(call))(**arguments_of(call))
        finally:
            await client.close()

    assert stringify(result) == stringify(call["returned"])
    assert sorted(asked) == sorted(requests_of(call))
