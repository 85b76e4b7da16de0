"""Report calls over real connections: forms, retries, refusals."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from opalmind_tui.errors import MatomoError
from opalmind_tui.matomo.reporting_client import ReportingClient
from tests.matomo.servers import answering, http, read_request, serving

TOKEN = "0123456789abcdef0123456789abcdef"
RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parent.parent / "data/matomo/report-answers.jsonl").read_text().splitlines()
]
NO_AUTH = (
    b'{"result":"error","message":"Unable to authenticate with the provided token. It is either invalid or expired."}'
)
NO_ACCESS = b'{"result":"error","message":"You can\'t access this resource as it requires view access"}'


class Waits(list[float]):
    """Records waits in place of waiting."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def client(url: str, waits: Waits | None = None, **more: object) -> ReportingClient:
    return ReportingClient(
        url, TOKEN, sleep=Waits() if waits is None else waits, uniform=lambda low, high: high, **more
    )  # type: ignore[arg-type]


async def test_the_token_travels_in_the_body_and_nowhere_else() -> None:
    async with answering(http(200, b'{"value":"5.2.0"}')) as server:
        asked = client(server.url + "m/index.php")
        assert await asked.call("API.getMatomoVersion", {"idSite": 3, "segment": "a==b;c&d"}) == {"value": "5.2.0"}
        await asked.close()
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
    url = urlsplit(target)
    assert (method, url.path) == ("POST", "/m/index.php")
    assert parse_qs(url.query) == {
        "module": ["API"], "method": ["API.getMatomoVersion"], "format": ["JSON"], "idSite": ["3"],
        "segment": ["a==b;c&d"],
    }  # fmt: skip
    assert parse_qs(body.decode()) == {"token_auth": [TOKEN]}
    assert TOKEN.encode() not in head


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded["case"][:50])
async def test_recorded_answers(recorded: dict[str, object]) -> None:
    async with answering(http(int(str(recorded["status"])), str(recorded["body"]).encode())) as server:
        asked = client(server.url)
        if not recorded["kind"]:
            assert await asked.call("X.get") == json.loads(str(recorded["body"]))
        else:
            with pytest.raises(MatomoError) as caught:
                await asked.call("X.get")
            assert caught.value.kind == recorded["kind"]
            assert len(caught.value.message) <= 300
            assert "<" not in caught.value.message
        await asked.close()
    tries = 3 if recorded["kind"] == "server" else 1
    assert len(server.requests) == tries


async def test_server_trouble_is_tried_three_times() -> None:
    waits = Waits()
    async with answering(http(503), http(502), http(200, b"[]")) as server:
        asked = client(server.url, waits)
        assert await asked.call("X.get") == []
        await asked.close()
    assert waits == [0.5, 0.75]


async def test_a_short_wish_to_wait_is_kept_and_a_long_one_is_said() -> None:
    waits = Waits()
    async with answering(http(503, b"", "Retry-After: 7"), http(503, b"", "Retry-After: 700")) as server:
        asked = client(server.url, waits)
        with pytest.raises(MatomoError) as caught:
            await asked.call("X.get")
        await asked.close()
    assert waits == [7.0]
    assert (caught.value.kind, caught.value.status, caught.value.retry_after) == ("server", 503, 700.0)


async def test_a_rate_limit_holds_for_every_later_call() -> None:
    now = [1000.0]
    waits = Waits()
    async with answering(http(429, b"", "Retry-After: 5"), http(200, b"[]")) as server:
        asked = client(server.url, waits, clock=lambda: now[0])
        with pytest.raises(MatomoError) as caught:
            await asked.call("X.get")
        assert (caught.value.kind, caught.value.retry_after) == ("rate-limit", 5.0)
        now[0] += 2.0
        assert await asked.call("X.get") == []
        assert waits == [3.0]
        await asked.close()


async def test_a_long_rate_limit_fails_at_once_without_asking() -> None:
    async with answering(http(429, b"", "Retry-After: 600")) as server:
        asked = client(server.url)
        for _ in range(3):
            with pytest.raises(MatomoError, match=r"wait|429"):
                await asked.call("X.get")
        await asked.close()
    assert len(server.requests) == 1


async def test_the_first_refusal_of_the_token_ends_its_use() -> None:
    async with answering(http(401, NO_AUTH), http(200, b"[]")) as server:
        asked = client(server.url)
        for _ in range(5):
            with pytest.raises(MatomoError) as caught:
                await asked.call("X.get")
            assert (caught.value.kind, caught.value.status) == ("auth", 401)
        assert len(server.requests) == 1
        asked.forget_refusal()
        assert await asked.call("X.get") == []
        await asked.close()


async def test_a_missing_right_is_no_refusal_of_the_token() -> None:
    async with answering(http(401, NO_ACCESS), http(200, b"[]")) as server:
        asked = client(server.url)
        with pytest.raises(MatomoError) as caught:
            await asked.call("X.get")
        assert caught.value.kind == "permission"
        assert await asked.call("X.get") == []
        await asked.close()


async def test_the_token_is_masked_in_errors_and_in_reports() -> None:
    echo = json.dumps({"result": "error", "message": f"bad {TOKEN} in ?token_auth={TOKEN}&x"}).encode()
    label = json.dumps([{"label": f"/x?t={TOKEN}"}]).encode()
    async with answering(
        http(200, echo), http(500, echo), http(500, TOKEN.encode()), http(400, echo), http(200, label)
    ) as server:
        asked = client(server.url)
        for _ in range(2):
            with pytest.raises(MatomoError) as caught:
                await asked.call("X.get")
            assert TOKEN not in str(caught.value)
        assert TOKEN not in str(await asked.call("X.get"))
        await asked.close()


async def test_a_silent_matomo_is_given_up_three_times() -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await reader.read()

    waits = Waits()
    async with serving(silent) as server:
        asked = client(server.url, waits, timeout=0.1)
        with pytest.raises(MatomoError) as caught:
            await asked.call("X.get")
        await asked.close()
    assert caught.value.kind == "timeout"
    assert len(waits) == 2


async def test_nobody_listens() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    asked = client(f"http://127.0.0.1:{port}/")
    with pytest.raises(MatomoError, match="connection refused") as caught:
        await asked.call("X.get")
    await asked.close()
    assert caught.value.kind == "network"


async def test_an_endless_report_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opalmind_tui.matomo.reporting_client.BODY_LIMIT", 1000)
    async with answering(http(200, b"[" + b"1," * 5000 + b"1]")) as server:
        asked = client(server.url)
        with pytest.raises(MatomoError, match="larger than"):
            await asked.call("X.get")
        await asked.close()
