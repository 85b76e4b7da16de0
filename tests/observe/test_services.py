"""Attached services: every recorded answer, every kind of trouble, what changed, and what looking costs."""

from __future__ import annotations

import gzip
import json
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from opalmind_tui.demo.matomo.message import HTML, JSON, Response, Wire
from opalmind_tui.observe.services.asking import BODY_LIMIT, Asker, Told
from opalmind_tui.observe.services.document import NoDocument, figures_of
from opalmind_tui.observe.services.watching import EVERY, SELDOM, Services, after, interval_of
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.services import Reach, ServiceFigures, ServiceView
from tests.support.opalmind_service import ANSWERS, REFUSALS, TOKEN, Recorded, raw, recorded, serving


def settings_of(*urls: str, token: str = TOKEN) -> Settings:
    return Settings(api_urls=urls, bearer_token=token)


async def ask(url: str, token: str = TOKEN, patience: float = 20.0) -> Told:
    asker = Asker(settings_of(url, token=token))
    try:
        return await asker.ask(url, patience)
    finally:
        await asker.close()


async def told(answer: Response, token: str = TOKEN) -> Told:
    async with serving(answer) as service:
        return await ask(service.url, token)


def plain(text: str) -> str:
    return text


# -- what was recorded -------------------------------------------------------------------------------------------


def expected(body: str) -> dict[str, Any]:
    """The figures of a recorded body, found by other means than the reader under test."""
    document = json.loads(body)
    document = document.get("health", document)
    checks = {check["name"]: check for check in document["checks"]}
    queue, cache = checks["tracking-queue"]["details"], checks["reports-cache"]["details"]
    return {
        "status": document["status"],
        "pending": queue["pending"],
        "inflight": queue["inflight"],
        "processed": queue["totalProcessed"],
        "retried": queue["totalRetried"],
        "backlog_age": queue["backlogAgeMs"] / 1000,
        "last_error": queue.get("lastError", {}).get("message", "")[:300],
        "last_error_status": queue.get("lastError", {}).get("status"),
        "hits": cache["hits"],
        "misses": cache["misses"],
        "entries": cache["entries"],
        "failing": tuple((n, c["status"], c["output"][:300]) for n, c in checks.items() if c["status"] != "pass"),
    }


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_every_recorded_answer_is_told_as_it_is(answer: Recorded) -> None:
    found = await told(answer.response, token=TOKEN if answer.method == "POST" else "")
    if answer.name == "healthz":
        assert (found.reach, found.figures) == (Reach.STRANGE, None)
        return
    assert found.reach is Reach.UP
    figures = found.figures
    assert figures is not None
    if "redis-down" in answer.name:
        assert figures.status == "unhealthy"
        assert figures.pending is None
        assert figures.error == json.loads(answer.body)["error"]
        assert figures.error in found.trouble
        return
    assert found.trouble == ""
    wanted = {name: value for name, value in expected(answer.body).items() if "token-echo" not in answer.name}
    assert {name: getattr(figures, name) for name in wanted} == wanted
    assert (figures.cooldown > 0) == ("cooldown" in answer.name or "network-error" in answer.name)


def test_of_an_empty_queue_an_age_says_nothing() -> None:
    figures = figures_of(ANSWERS["tool-unhealthy-stale-122s"].body.encode(), plain)
    assert figures.idle
    assert figures.backlog_age is not None
    assert figures.backlog_age > 120


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda one: one["name"][:30])
async def test_every_recorded_refusal_is_named(refusal: dict[str, Any]) -> None:
    headers = {name: value for name, value in refusal["headers"].items() if name != "content-type"}
    answer = Response(
        refusal["code"], refusal["body"].encode(), refusal["headers"]["content-type"], tuple(headers.items())
    )
    found = await told(answer)
    assert found.figures is None
    assert str(refusal["code"]) in found.trouble
    assert found.reach is (Reach.STRANGE if refusal["code"] == 404 else Reach.DENIED)
    assert found.wait == float(refusal["headers"].get("retry-after", 0))


async def test_the_token_goes_in_the_header_of_the_tool_and_without_one_the_open_path_is_asked() -> None:
    async with serving(recorded("tool-healthy-traffic")) as service:
        await ask(service.url + "/base")
        assert (service.asked[0].method, service.asked[0].path) == ("POST", "/base/tools/get-health-status")
        assert service.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
        assert TOKEN not in service.asked[0].path + service.asked[0].query + service.asked[0].body.decode()
        await ask(service.url, token="")
        assert (service.asked[1].method, service.asked[1].path) == ("GET", "/health")
        assert "authorization" not in service.asked[1].headers


# -- trouble -----------------------------------------------------------------------------------------------------

PAGE = b"<!DOCTYPE html><html><head><title>nginx</title></head></html>"
DEEP = b'{"status":"healthy","checks":' + b"[" * 100_000
HEALTHY = ANSWERS["tool-healthy-traffic"].body.encode()
TROUBLES: list[tuple[str, Response, Reach, str]] = [
    ("redirect", Response(302, b"", HTML, (("Location", "https://evil.example/?token_auth=abc"),)),
     Reach.STRANGE, "It redirects (HTTP 302) to https://evil.example/"),
    ("page", Response(200, PAGE), Reach.STRANGE, "A web page came back"),
    ("missing", Response(404, PAGE), Reach.STRANGE, "HTTP 404. A web page came back"),
    ("proxy", Response(502, PAGE), Reach.AWAY, "HTTP 502: something before it answers"),
    ("proxy-json", Response(504, b'{"error":"upstream"}', JSON), Reach.STRANGE, "HTTP 504: upstream"),
    ("forbidden", Response(403, b"no", JSON), Reach.DENIED, "HTTP 403: the token is refused"),
    ("empty", Response(200, b"", JSON), Reach.STRANGE, "The answer is no JSON, it is empty"),
    ("text", Response(200, b"pong \x1b[2J", JSON), Reach.STRANGE, "The answer is no JSON: pong"),
    ("list", Response(200, b"[]", JSON), Reach.STRANGE, "no health document"),
    ("other", Response(200, b'{"status":"ok","checks":[]}', JSON), Reach.STRANGE, "no health document"),
    ("deep", Response(200, DEEP, JSON), Reach.STRANGE, "The answer is no JSON"),
    ("huge", Response(200, b" " * (BODY_LIMIT + 1), JSON), Reach.STRANGE, "larger than 1,024 KB"),
    ("packed", Response(200, gzip.compress(b" " * 10_000_000), JSON, (("Content-Encoding", "gzip"),)),
     Reach.STRANGE, "packed (gzip)"),
    ("closed", Response(200, wire=Wire.CLOSED), Reach.AWAY, "The connection broke before the answer"),
    ("reset", Response(200, wire=Wire.RESET), Reach.AWAY, "The connection broke before the answer"),
    ("cut", Response(200, HEALTHY, JSON, wire=Wire.CUT), Reach.AWAY, "The connection broke before the answer"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answer", "reach", "trouble"), TROUBLES, ids=[row[0] for row in TROUBLES])
async def test_what_is_no_health_document_is_shown_as_what_it_is(
    name: str, answer: Response, reach: Reach, trouble: str
) -> None:
    async with serving(answer) as service:
        found = await ask(service.url)
    assert found.reach is reach
    assert trouble in found.trouble
    assert found.figures is None
    # A redirect is told and never followed: the token belongs to this service alone.
    assert len(service.asked) == 1
    assert "abc" not in found.trouble


async def test_a_service_that_does_not_answer_in_time_is_away() -> None:
    async with serving(Response(200, wire=Wire.STALLED)) as service:
        found = await ask(service.url, patience=0.3)
    assert (found.reach, found.trouble) == (Reach.AWAY, "No answer within 0.3 s")


async def test_one_that_drips_its_answer_is_given_up_as_a_whole() -> None:
    pieces = [b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n", *[b"{"] * 100]
    async with raw(pieces, pause=0.05) as port:
        assert (await ask(f"http://127.0.0.1:{port}", patience=0.4)).reach is Reach.AWAY


async def test_one_that_never_stops_talking_is_cut_off() -> None:
    pieces = [b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n", *[b" " * 65_536] * 1000]
    async with raw(pieces) as port:
        assert "larger than" in (await ask(f"http://127.0.0.1:{port}")).trouble


async def test_what_is_no_http_and_what_is_not_there() -> None:
    async with raw([b"SSH-2.0-OpenSSH_9.6\r\n\r\n"]) as port:
        found = await ask(f"http://127.0.0.1:{port}")
    assert (found.reach, found.trouble) == (Reach.STRANGE, "The answer is not HTTP")
    assert (await ask(f"http://127.0.0.1:{port}")).trouble == "Connection refused"
    assert (await ask("http://no-such-host.invalid")).trouble == "The host name does not resolve"


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    """A certificate that nobody trusts."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2",
            "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(cert)]  # fmt: skip
    try:
        subprocess.run(make, check=True, capture_output=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("there is no openssl program to make a certificate with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


async def test_a_certificate_that_nobody_trusts_is_refused(certificate: ssl.SSLContext) -> None:
    async with raw([b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"], context=certificate) as port:
        found = await ask(f"https://localhost:{port}")
    assert (found.reach, found.trouble) == (Reach.AWAY, "The TLS handshake failed")


async def test_no_secret_comes_back_out_of_an_answer() -> None:
    document = json.loads(ANSWERS["tool-degraded-cooldown-backlog"].body)
    queue = next(check for check in document["checks"] if check["name"] == "tracking-queue")
    queue["details"]["lastError"]["message"] = f"401 for {TOKEN} at ?token_auth=0123abcd&x" + "y" * 400
    queue["output"] = "Bearer " + TOKEN
    found = await told(Response(200, json.dumps(document).encode(), JSON))
    assert found.figures is not None
    text = repr(found)
    assert TOKEN not in text
    assert "0123abcd" not in text
    assert len(found.figures.last_error) <= 300


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=40)
@given(st.data())
def test_no_value_in_a_document_breaks_the_reader(data: st.DataObject) -> None:
    document = json.loads(ANSWERS["tool-degraded-cooldown-backlog"].body)
    details = [check["details"] for check in document["checks"] if "details" in check]
    for part in (document, *document["checks"], *details):
        for name in data.draw(st.lists(st.sampled_from(sorted(part)), max_size=2)):
            part[name] = data.draw(ODD)
    try:
        figures = figures_of(json.dumps(document).encode(), plain)
    except NoDocument:
        return
    for name in ("pending", "inflight", "processed", "retried", "hits", "misses", "entries", "backlog_age"):
        value = getattr(figures, name)
        assert value is None or (value >= 0 and not isinstance(value, bool))
    assert figures.hit_rate is None or 0 <= figures.hit_rate <= 100


# -- looking again and again -------------------------------------------------------------------------------------

FIRST = ServiceFigures("healthy", 100.0, pending=4, inflight=1, processed=10, retried=2, hits=1, misses=1, entries=7)


def test_changes_are_between_the_newest_two_looks_and_survive_a_failed_one() -> None:
    view = after(ServiceView("https://a"), Told(Reach.UP, FIRST), 1000.0)
    assert view.changes is None
    later = replace(FIRST, status="degraded", pending=9, processed=25, retried=3)
    view = after(view, Told(Reach.UP, later), 1060.0)
    changes = view.changes
    assert changes is not None
    assert (changes.seconds, changes.processed, changes.retried, changes.pending) == (60.0, 15, 1, 5)
    assert changes.status_before == "healthy"
    assert not changes.restarted
    away = after(view, Told(Reach.AWAY, trouble="gone"), 1120.0)
    assert (away.figures, away.told_at, away.since, away.trouble) == (later, 1060.0, 1120.0, "gone")
    assert away.changes == changes


def test_totals_that_fall_mean_another_process() -> None:
    view = after(ServiceView("https://a"), Told(Reach.UP, FIRST), 1000.0)
    changes = after(view, Told(Reach.UP, replace(FIRST, processed=3, retried=0)), 1060.0).changes
    assert changes is not None
    assert changes.restarted
    assert (changes.processed, changes.retried) == (3, 0)


def test_a_check_that_fails_keeps_the_former_figures() -> None:
    view = after(ServiceView("https://a"), Told(Reach.UP, FIRST), 1000.0)
    broken = Told(Reach.UP, ServiceFigures("unhealthy", error="Redis is away"), "Its health check failed: x")
    view = after(view, broken, 1060.0)
    assert view.figures is not None
    assert (view.figures.status, view.figures.error, view.figures.pending) == ("unhealthy", "Redis is away", 4)
    assert view.told_at == 1000.0


@pytest.mark.parametrize(("entries", "interval"), [(0, EVERY), (1190, EVERY), (11_998, 600.0), (10**9, SELDOM)])
def test_the_more_a_look_costs_the_more_rarely_it_is_taken(entries: int, interval: float) -> None:
    view = ServiceView("https://a", figures=replace(FIRST, entries=entries))
    assert view.cost == 2 + entries
    assert interval_of((view,)) == interval
    assert interval_of((view, view)) >= interval


async def test_a_service_that_asks_to_be_left_alone_is_left_alone() -> None:
    now = 1000.0
    limited = Response(429, b'{"error":"Too many"}', JSON, (("Retry-After", "120"),))
    async with serving(limited) as one, serving(recorded("tool-healthy-traffic")) as other:
        services = Services(settings_of(one.url, other.url), clock=lambda: now)
        try:
            await services.look()
            now = 1060.0
            await services.look()
            assert (len(one.asked), len(other.asked)) == (1, 2)
            now = 1121.0
            view = await services.look()
        finally:
            await services.close()
    assert (len(one.asked), len(other.asked)) == (2, 3)
    assert [service.reach for service in view.services] == [Reach.DENIED, Reach.UP]
    assert view.interval == EVERY
